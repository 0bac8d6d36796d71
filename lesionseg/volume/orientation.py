"""Turning a grid to the standard axial order and back, by exact axis swaps and flips alone.

Standard order: slices from foot to head, rows from front to back, columns from the patient's right to the
left, which are the directions +S, +P, +L of LPS. Oblique grids are turned to the nearest such order; their
tilt stays in the affine.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from lesionseg.volume.geometry import VolumeGeometry

_STANDARD_LPS_AXIS = (2, 1, 0)  # array axes (slice, row, column) run along LPS z, y, x
_Scalar = TypeVar("_Scalar", bound=np.generic)


@dataclass(frozen=True)
class AxisOrder:
    """Which source axis becomes each standard axis, and which of those are then reversed.

    `apply` and `undo` return views and are exact inverses of each other.
    """

    axes: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]

    def apply(self, array: npt.NDArray[_Scalar]) -> npt.NDArray[_Scalar]:
        """Bring an array of the source grid into standard order."""
        return np.flip(array.transpose(self.axes), self._flipped_axes())

    def undo(self, array: npt.NDArray[_Scalar]) -> npt.NDArray[_Scalar]:
        """Bring an array in standard order back to the source grid."""
        inverse = tuple(int(axis) for axis in np.argsort(self.axes))
        return np.flip(array, self._flipped_axes()).transpose(inverse)

    def apply_to_geometry(self, geometry: VolumeGeometry) -> VolumeGeometry:
        """Geometry of the array that `apply` returns: every voxel keeps its place in the patient."""
        affine = np.array(geometry.affine)
        affine[:3, :3] = affine[:3, list(self.axes)]
        shape = [geometry.shape[axis] for axis in self.axes]
        for axis in self._flipped_axes():
            affine[:3, 3] += affine[:3, axis] * (shape[axis] - 1)
            affine[:3, axis] *= -1
        return VolumeGeometry((shape[0], shape[1], shape[2]), affine, geometry.frame_of_reference_uid)

    def _flipped_axes(self) -> tuple[int, ...]:
        return tuple(axis for axis, flip in enumerate(self.flipped) if flip)


def standard_axis_order(geometry: VolumeGeometry) -> AxisOrder:
    """Find the axis swaps and flips that bring `geometry` nearest to standard axial order."""
    cosines = geometry.direction  # rows: LPS x, y, z; columns: source axes
    best = max(
        permutations(range(3)),
        key=lambda axes: sum(
            abs(cosines[lps, axis]) for lps, axis in zip(_STANDARD_LPS_AXIS, axes, strict=True)
        ),
    )
    flips = [bool(cosine < 0) for cosine in cosines[_STANDARD_LPS_AXIS, best]]
    return AxisOrder((best[0], best[1], best[2]), (flips[0], flips[1], flips[2]))
