"""Apical, middle and basal thirds of the lungs' height.

The height runs along the patient's long axis (LPS z), whatever way the slices lie, and is that of both lungs
together: the zones of the published scores are bounded by landmarks at one level for both lungs (carina,
inferior pulmonary veins; Ooi et al. 2004, Radiology 230:836-844), so a level must mean the same right and
left, also where one lung has shrunk.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from lesionseg.volume.geometry import VolumeGeometry
from lesionseg.volumetry.box import Mask

LEVEL_AREA_CM2 = 1.0
"""A level belongs to the height from this lung cross-section on, so that a stray voxel moves no third."""
_LPS_Z = 2


class Third(IntEnum):
    """A third of the lungs' height, from foot to head."""

    BASAL = 0
    MIDDLE = 1
    APICAL = 2


@dataclass(frozen=True)
class LungHeight:
    """Levels in LPS z mm: where the lungs begin and end, and where the thirds meet."""

    lowest_mm: float
    highest_mm: float

    @property
    def boundaries_mm(self) -> tuple[float, float]:
        """Between basal and middle, and between middle and apical third."""
        third_mm = (self.highest_mm - self.lowest_mm) / 3
        return self.lowest_mm + third_mm, self.highest_mm - third_mm


def level_of_slice(geometry: VolumeGeometry, index: int) -> npt.NDArray[np.float64]:
    """LPS z in mm of every voxel centre of a slice: shape (1, 1) where it is level, else (rows, columns)."""
    along_slice, along_row, along_column, origin = geometry.affine[_LPS_Z]
    base = np.full((1, 1), origin + index * along_slice)
    _, rows, columns = geometry.shape
    if abs(along_row) * rows + abs(along_column) * columns < 1e-3 * abs(along_slice):
        return base
    return np.asarray(
        base + along_row * np.arange(rows)[:, None] + along_column * np.arange(columns)[None, :]
    )


def lung_height(lung: Mask, geometry: VolumeGeometry) -> LungHeight:
    """Height of a mask in standard axis order, outer voxel faces included.

    Levels are as thick as the slices are apart; a level counts where the mask covers at least 1 cm², and all
    levels of the mask count where none does.
    """
    step_mm = float(np.abs(geometry.affine[_LPS_Z, :3]).max())
    bottom_mm = float(geometry.corners_lps_mm()[:, _LPS_Z].min())
    counts = np.zeros(int(np.ptp(geometry.corners_lps_mm()[:, _LPS_Z]) / step_mm) + 2, np.int64)
    for index, plane in enumerate(lung):
        level = np.rint((level_of_slice(geometry, index) - bottom_mm) / step_mm).astype(np.intp)
        if level.size == 1:
            counts[level[0, 0]] += np.count_nonzero(plane)
        else:
            counts += np.bincount(level[plane], minlength=counts.size)
    area_cm2 = counts * geometry.voxel_volume_ml / (step_mm / 10)
    covered = np.flatnonzero(area_cm2 >= LEVEL_AREA_CM2)
    if covered.size == 0:
        covered = np.flatnonzero(counts)
    return LungHeight(
        bottom_mm + (int(covered[0]) - 0.5) * step_mm, bottom_mm + (int(covered[-1]) + 0.5) * step_mm
    )


def third_of_slice(geometry: VolumeGeometry, index: int, height: LungHeight) -> npt.NDArray[np.uint8]:
    """Third that each voxel of a slice lies in, shaped as `level_of_slice` is."""
    level_mm = level_of_slice(geometry, index)
    lower_mm, upper_mm = height.boundaries_mm
    return (level_mm >= lower_mm).astype(np.uint8) + (level_mm >= upper_mm).astype(np.uint8)
