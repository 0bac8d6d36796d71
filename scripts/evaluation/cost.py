"""Row 9: size of a bundle, seconds for one scan."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from lesionseg.dicom import load_series
from lesionseg.segmentation import NetworkSegmenter
from lesionseg.volumetry import measure
from scripts.evaluation.figures import COST, Figure
from scripts.evaluation.inputs import Inputs
from scripts.evaluation.methods import Bench, say

ROW = 9
BYTES_PER_MB = 1e6


def figures(bench: Bench, inputs: Inputs) -> Iterator[Figure]:
    """Yield size and seconds of every bundle."""
    for method in bench.networks:
        segmenter = bench.segmenters[method]
        size_mb = folder_bytes(segmenter.bundle.folder) / BYTES_PER_MB
        yield Figure(ROW, COST, method, segmenter.bundle_name, "size of the bundle, MB", size_mb)
        for step, seconds in timed(segmenter, inputs.existing(inputs.p001_folder)).items():
            say(f"P001: {step}, {seconds:.1f} s")
            note = f"{segmenter.runtime} on {segmenter.device}"
            yield Figure(ROW, COST, method, "P001, 148 slices", f"{step}, s", seconds, note=note)


def timed(segmenter: NetworkSegmenter, folder: Path) -> dict[str, float]:
    """Seconds of each step on one DICOM folder, with the network open already."""
    marks = [time.perf_counter()]
    volume = load_series(folder).volume
    marks.append(time.perf_counter())
    labels = segmenter.segment(volume)
    marks.append(time.perf_counter())
    measure(volume, labels)
    marks.append(time.perf_counter())
    names = ("load", "segment", "measure")
    steps = {name: end - start for name, start, end in zip(names, marks, marks[1:], strict=False)}
    return {**steps, "all together": marks[-1] - marks[0]}


def folder_bytes(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
