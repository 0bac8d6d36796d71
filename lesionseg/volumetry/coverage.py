"""How much lung the scan may have missed: cut at its first or last slice, or at the sides of its image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lesionseg.volume.ct_volume import CTVolume
from lesionseg.volume.orientation import standard_axis_order
from lesionseg.volumetry.box import LungBox, Mask

TREND_MM = 10.0
"""The lung's cross-section is followed over this length to judge how fast it closes."""
LONGEST_TAIL_MM = 50.0
"""Lung that does not close within `TREND_MM` is taken to go on for this long at its last cross-section."""
_CIRCLE_MARGIN_PIXELS = 1.5
_FILLED_AT_MOST_HU = -1000


@dataclass(frozen=True)
class Coverage:
    """Lung at the limits of the scan.

    Attributes
    ----------
    missing_below_ml, missing_above_ml : float
        Estimated lung beyond the lowest and highest slice; 0 where the lung ends before them.
    cut_below_cm2, cut_above_cm2 : float
        Cross-section of the lung on those slices.
    cut_at_sides_cm2 : float
        Lung surface on the sides of the image or of its reconstruction circle.
    """

    missing_below_ml: float = 0.0
    missing_above_ml: float = 0.0
    cut_below_cm2: float = 0.0
    cut_above_cm2: float = 0.0
    cut_at_sides_cm2: float = 0.0


def measure_coverage(volume: CTVolume, box: LungBox) -> Coverage:
    """Measure the lung at the limits of the scan.

    What lies beyond an end slice is a wedge that closes as fast as the cross-section shrinks over the last
    10 mm. So a scan that clips the tips of the costophrenic recesses misses a few ml, and one that ends in
    the middle of the chest, where the cross-section does not shrink, a large part.
    """
    lung = box.lung
    slice_mm, row_mm, column_mm = box.geometry.spacing_mm
    area_cm2 = np.array([np.count_nonzero(plane) for plane in lung]) * row_mm * column_mm / 100
    below, above = 0.0, 0.0
    if box.start[0] == 0:
        below = float(area_cm2[0])
    if box.start[0] + lung.shape[0] == box.scan.shape[0]:
        above = float(area_cm2[-1])
    return Coverage(
        missing_below_ml=_tail_ml(area_cm2, slice_mm) if below else 0.0,
        missing_above_ml=_tail_ml(area_cm2[::-1], slice_mm) if above else 0.0,
        cut_below_cm2=below,
        cut_above_cm2=above,
        cut_at_sides_cm2=_side_area_cm2(lung, box) + _circle_area_cm2(volume, lung, box),
    )


def _tail_ml(area_cm2: npt.NDArray[np.float64], slice_mm: float) -> float:
    """Lung beyond the first of the areas, from how they grow away from it."""
    followed = area_cm2[: max(2, round(TREND_MM / slice_mm) + 1)]
    closing_cm2_per_mm = 0.0
    if followed.size > 1:
        away_mm = np.arange(followed.size) * slice_mm
        closing_cm2_per_mm = float(np.polyfit(away_mm, followed, 1)[0])
    at_end_cm2 = float(area_cm2[0])
    length_mm = LONGEST_TAIL_MM
    if closing_cm2_per_mm > 0:
        length_mm = min(LONGEST_TAIL_MM, at_end_cm2 / closing_cm2_per_mm / 2)
    return at_end_cm2 * length_mm / 10


def _side_area_cm2(lung: Mask, box: LungBox) -> float:
    slice_mm, row_mm, column_mm = box.geometry.spacing_mm
    faces = (
        (box.start[1] == 0, lung[:, 0], column_mm),
        (box.start[1] + lung.shape[1] == box.scan.shape[1], lung[:, -1], column_mm),
        (box.start[2] == 0, lung[:, :, 0], row_mm),
        (box.start[2] + lung.shape[2] == box.scan.shape[2], lung[:, :, -1], row_mm),
    )
    return sum(
        float(np.count_nonzero(face)) * slice_mm * side_mm / 100
        for touches, face, side_mm in faces
        if touches
    )


def _circle_area_cm2(volume: CTVolume, lung: Mask, box: LungBox) -> float:
    """Lung on the rim of a reconstruction circle; 0 where the image is not filled up outside one."""
    _, rows, columns = box.scan.shape
    if rows != columns:
        return 0.0
    hu = standard_axis_order(volume.geometry).apply(volume.hu)
    middle = hu[box.start[0] + lung.shape[0] // 2]
    centre, radius = (rows - 1) / 2, rows / 2
    row, column = np.ogrid[:rows, :columns]
    distance = np.hypot(row - centre, column - centre)
    outside = middle[distance > radius + _CIRCLE_MARGIN_PIXELS]
    if outside.size == 0 or outside.max() > _FILLED_AT_MOST_HU or outside.min() != outside.max():
        return 0.0
    part = tuple(slice(box.start[axis], box.start[axis] + lung.shape[axis]) for axis in (1, 2))
    rim = np.abs(distance[part] - (radius - _CIRCLE_MARGIN_PIXELS)) <= 0.5
    slice_mm, row_mm, _ = box.geometry.spacing_mm
    return float(np.count_nonzero(lung[:, rim])) * slice_mm * row_mm / 100
