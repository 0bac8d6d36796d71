"""One synthetic chest as a series in each of the encodings on which readers are timed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEGLosslessSV1, JPEGLSLossless, RLELossless

from lesionseg.dicom.write import WriterSettings, write_ct_series
from lesionseg.volume import CTVolume
from scripts.bench.peers.fingerprint import Fingerprint, fingerprint
from scripts.bench.peers.readers import RESCALE_INTERCEPT_HU, shape_file
from scripts.bench.random_bundle import synthetic_chest
from tests.support.ct_series import save
from tests.support.encode import encode

ENCODINGS: dict[str, UID] = {
    "uncompressed": ExplicitVRLittleEndian,
    "JPEG lossless": JPEGLosslessSV1,
    "JPEG-LS": JPEGLSLossless,
    "RLE": RLELossless,
}
SLICE_MM, FIELD_MM = 1.0, 384.0
_TRUTH = "truth.json"


@dataclass(frozen=True)
class TimedSeries:
    """Folder of one encoding, its bytes on disk, and the only right reading."""

    encoding: str
    folder: Path
    megabytes: float
    truth: Fingerprint


def make_series(root: Path, slices: int, matrix: int) -> list[TimedSeries]:
    """Write the series, or take those of an earlier run of the same size."""
    where = root / f"{slices}x{matrix}x{matrix}"
    truth_file = where / _TRUTH
    if not truth_file.exists():
        truth_file.parent.mkdir(parents=True, exist_ok=True)
        truth_file.write_text(json.dumps(_write(where, slices, matrix).as_json()))
    truth = Fingerprint.from_json(json.loads(truth_file.read_text()))
    return [TimedSeries(name, where / name, _megabytes(where / name), truth) for name in ENCODINGS]


def _write(where: Path, slices: int, matrix: int) -> Fingerprint:
    spacing_mm = (SLICE_MM, FIELD_MM / matrix, FIELD_MM / matrix)
    volume = synthetic_chest((slices, matrix, matrix), spacing_mm)
    volume = CTVolume(np.clip(volume.hu, -1024, 3071), volume.geometry, volume.name)  # as scanners store
    plain = where / next(iter(ENCODINGS))
    settings = WriterSettings(entropy="readers", rescale_intercept_hu=RESCALE_INTERCEPT_HU)
    paths = write_ct_series(volume, plain, settings=settings)
    for name, syntax in ENCODINGS.items():
        shape_file(where / name).write_text(" ".join(map(str, volume.hu.shape)))
        if where / name != plain:
            for path in paths:
                save(_encoded(dcmread(path), syntax), where / name / path.name)
    return fingerprint(volume.hu, np.array(volume.geometry.affine))


def _encoded(dataset: Dataset, syntax: UID) -> Dataset:
    """As `encode` does it, but for RLE, where pydicom's own encoder takes a second a slice."""
    if syntax != RLELossless:
        return encode(dataset, syntax)
    dataset.compress(syntax, encoding_plugin="pylibjpeg", generate_instance_uid=False)
    return dataset


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.iterdir()) / 1e6
