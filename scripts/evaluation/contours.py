"""Row 2: lungs against radiotherapy contours."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scripts.evaluation.figures import REAL, Figure, mean, pooled
from scripts.evaluation.inputs import Inputs, standard
from scripts.evaluation.methods import Bench
from scripts.evaluation.scores import Overlap

ROW = 2
MEASURE = "Dice lung"
SCANS = {"lung1-001": (43,), "lung1-002": ()}
"""Scans, and the slices (counted from 0 at the feet) left out: the left lung's contour is missing there."""
NOTE = "tumour voxels left out"


def figures(bench: Bench, inputs: Inputs) -> Iterator[Figure]:
    """Yield each network's Dice of the lung, for each scan and on average."""
    for method in bench.networks:
        found = [_figure(bench, inputs, method, name) for name in SCANS]
        yield from found
        yield pooled(found, mean, f"{MEASURE}, mean")


def _figure(bench: Bench, inputs: Inputs, method: str, name: str) -> Figure:
    volume = inputs.scan(name)
    contour = standard(volume, inputs.mask(name, "lung")) > 0
    tumour = standard(volume, inputs.mask(name, "gtv")) > 0
    lung = standard(volume, bench.label_map(method, volume).lung)
    value = contour_dice(lung, contour, tumour, SCANS[name])
    left_out = f", slice {SCANS[name][0]} left out" if SCANS[name] else ""
    return Figure(
        ROW, REAL, method, "lungs of lung1-001 and -002", MEASURE, value, case=name, note=NOTE + left_out
    )


def contour_dice(
    lung: np.ndarray, contour: np.ndarray, tumour: np.ndarray, left_out: tuple[int, ...] = ()
) -> float:
    """Dice of two lung masks where the contour can be trusted: outside the tumour and the slices left out."""
    known = ~tumour
    known[list(left_out)] = False
    return Overlap.of(lung & known, contour & known).dice
