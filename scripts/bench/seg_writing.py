"""Seconds and sizes of a SEG of a large scan, against highdicom with its default arguments; JSON out.

    python scripts/bench/seg_writing.py [--slices 300] [--rows 512] [--repeats 3] [--json FILE]

A phantom series with lungs and patchy lesions is written and read once. Then, in turn, one after the other in
one process: highdicom alone, as its user guide has it (headers of all source files read, everything else by
default: BINARY with all three segments, LABELMAP uncompressed), and `write_seg` in each of its encodings;
label map encodings that were not chosen are there for their sizes. Seconds are the median of the repeats, of
the clock and of the processor, and begin where the label map is in memory and no header has been read.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import highdicom
import numpy as np
from highdicom.seg import Segmentation, SegmentDescription
from pydicom import dcmread
from pydicom.sr.codedict import codes
from pydicom.uid import UID, JPEG2000Lossless, JPEGLSLossless, RLELossless
from scipy import ndimage

from lesionseg.core.provenance import package_versions, sha256_of_array
from lesionseg.dicom import load_series
from lesionseg.dicom.series import CTSeries
from lesionseg.dicom.write import WriterSettings, write_ct_series
from lesionseg.export.origin import Origin
from lesionseg.export.seg import SegSettings, write_seg
from lesionseg.export.source import read_source
from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry

_HIGHDICOM_BINARY, _HIGHDICOM_LABELMAP = "highdicom, BINARY", "highdicom, LABELMAP"


@dataclass
class Timing:
    """One way of writing, and what it took."""

    name: str
    write: Callable[[Path], object]
    against: str
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    size_bytes: int = 0

    def run(self, path: Path) -> None:
        clock, cpu = time.perf_counter(), time.process_time()
        self.write(path)
        self.seconds.append(time.perf_counter() - clock)
        self.cpu_seconds.append(time.process_time() - cpu)
        self.size_bytes = path.stat().st_size


def main() -> int:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        labels = patchy_labels((arguments.slices, arguments.rows, arguments.rows))
        series = write_and_load(labels, folder / "ct")
        timings = ways(series, LabelMap(labels, series.geometry))
        for _ in range(arguments.repeats):
            for timing in timings:
                timing.run(folder / "seg.dcm")
    report = {
        "voxels": list(labels.shape),
        "slices_with_label": [int((labels == n).any(axis=(1, 2)).sum()) for n in (1, 2, 3)],
        "repeats": arguments.repeats,
        "versions": package_versions(("highdicom", "pydicom", "numpy", "pylibjpeg-rle", "pyjpegls")),
        "ways": rows_of(timings),
    }
    text = json.dumps(report, indent=1)
    print(text)
    if arguments.json:
        arguments.json.write_text(text)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--rows", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    return parser.parse_args()


def patchy_labels(shape: tuple[int, int, int]) -> np.ndarray:
    """Two ellipsoid lungs; non-solid where a smooth random field is high, solid where it is higher."""
    z, y, x = np.ogrid[tuple(slice(-1, 1, length * 1j) for length in shape)]
    labels = np.zeros(shape, np.uint8)
    for side in (-1, 1):
        labels[((x - 0.42 * side) / 0.32) ** 2 + (y / 0.48) ** 2 + (z / 0.85) ** 2 < 1] = 1
    coarse = np.random.default_rng(0).normal(size=tuple(-(-length // 8) for length in shape))
    texture = ndimage.zoom(coarse, 8, order=1)[tuple(slice(length) for length in shape)]
    labels[(labels == 1) & (texture > 0.8)] = 2
    labels[(labels == 2) & (texture > 1.3)] = 3
    return labels


def write_and_load(labels: np.ndarray, folder: Path) -> CTSeries:
    """Write a series that these labels could be of."""
    hu = np.array([40, -850, -550, 20], np.int16)[labels]
    hu[:, :8] = -1000
    geometry = VolumeGeometry.from_axes(labels.shape, (1.0, 0.7, 0.7), (-179.0, -179.0, -150.0))
    write_ct_series(CTVolume(hu, geometry), folder, settings=WriterSettings(entropy="bench"))
    return load_series(folder).series


def ways(series: CTSeries, label_map: LabelMap) -> list[Timing]:
    """Everything that is timed, in the order it runs."""
    sha256 = sha256_of_array(label_map.labels)
    origin = Origin(sha256, datetime(2024, 3, 5, tzinfo=UTC), "bench", "bench 1", "0" * 64)

    def ours(settings: SegSettings) -> Callable[[Path], object]:
        return lambda path: write_seg(label_map, read_source(series), origin, path, settings=settings)

    def plain(kind: str, **options: object) -> Callable[[Path], object]:
        return lambda path: plain_segmentation(series, label_map.labels, kind, options).save_as(path)

    lesion = SegSettings(whole_lesion=True)
    return [
        Timing(_HIGHDICOM_BINARY, plain("BINARY"), _HIGHDICOM_BINARY),
        Timing("lesionseg, binary", ours(SegSettings()), _HIGHDICOM_BINARY),
        Timing("lesionseg, binary with whole lesion", ours(lesion), _HIGHDICOM_BINARY),
        Timing(_HIGHDICOM_LABELMAP, plain("LABELMAP"), _HIGHDICOM_LABELMAP),
        Timing("lesionseg, labelmap (RLE)", ours(SegSettings("labelmap")), _HIGHDICOM_LABELMAP),
        Timing("highdicom, LABELMAP, RLE", plain("LABELMAP", syntax=RLELossless), _HIGHDICOM_LABELMAP),
        Timing("highdicom, LABELMAP, JPEG-LS", plain("LABELMAP", syntax=JPEGLSLossless), _HIGHDICOM_LABELMAP),
        Timing(
            "highdicom, LABELMAP, JPEG 2000", plain("LABELMAP", syntax=JPEG2000Lossless), _HIGHDICOM_LABELMAP
        ),
    ]


def plain_segmentation(
    series: CTSeries, labels: np.ndarray, kind: str, options: dict[str, object]
) -> Segmentation:
    """The example of highdicom's user guide, for three segments."""
    algorithm = highdicom.AlgorithmIdentificationSequence("bench", codes.DCM.ArtificialIntelligence, "1")
    described = [
        SegmentDescription(
            number, f"segment {number}", codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Lesion,
            "AUTOMATIC", algorithm,
        )
        for number in (1, 2, 3)
    ]  # fmt: skip
    syntax = {"transfer_syntax_uid": UID(str(options["syntax"]))} if options else {}
    return Segmentation(
        source_images=[dcmread(part.file, stop_before_pixels=True) for part in series.slices],
        pixel_array=labels,
        segmentation_type=kind,
        segment_descriptions=described,
        series_instance_uid=highdicom.UID(),
        series_number=2,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="bench",
        manufacturer_model_name="bench",
        software_versions="1",
        device_serial_number="1",
        **syntax,
    )


def rows_of(timings: list[Timing]) -> list[dict[str, object]]:
    """Medians, sizes, and both as a part of highdicom's default."""
    base = {timing.name: timing for timing in timings}
    rows = []
    for timing in timings:
        other = base[timing.against]
        seconds, cpu = statistics.median(timing.seconds), statistics.median(timing.cpu_seconds)
        rows.append(
            {
                "way": timing.name,
                "seconds": round(seconds, 3),
                "cpu_seconds": round(cpu, 3),
                "size_mb": round(timing.size_bytes / 1e6, 2),
                "against": timing.against,
                "seconds_ratio": round(seconds / statistics.median(other.seconds), 2),
                "cpu_seconds_ratio": round(cpu / statistics.median(other.cpu_seconds), 2),
                "size_ratio": round(timing.size_bytes / other.size_bytes, 3),
            }
        )
    return rows


if __name__ == "__main__":
    sys.exit(main())
