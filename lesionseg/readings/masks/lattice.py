"""Where a mask's voxels lie in the scan's array: exactly on its lattice, or nowhere.

A grid fits when its axes are the scan's axes in any order and direction, its spacing is the scan's, and its
voxel centres are voxel centres of the scan. It may be smaller, and it may be larger where nothing is drawn
beyond the scan. Nothing is ever resampled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lesionseg.volume import AxisOrder, VolumeGeometry

LATTICE_TOLERANCE_MM: Final = 0.1
"""Corners may lie this far from the scan's voxel centres: programs round what they write, by far less than a
voxel. The same as between label maps in `lesionseg.volumetry.agreement`."""


@dataclass(frozen=True)
class GridFit:
    """How a mask's array lies in the scan's.

    Attributes
    ----------
    order : AxisOrder
        Brings the mask's array into the scan's axis order and directions.
    start : tuple of int
        Scan index of the first voxel of the array so turned; negative where it begins before the scan.
    shape : tuple of int
        Of the array so turned.
    scan_shape : tuple of int
    """

    order: AxisOrder
    start: tuple[int, int, int]
    shape: tuple[int, int, int]
    scan_shape: tuple[int, int, int]

    @property
    def inside(self) -> bool:
        """Whether no voxel lies beyond the scan."""
        return all(
            start >= 0 and start + length <= whole
            for start, length, whole in zip(self.start, self.shape, self.scan_shape, strict=True)
        )

    @property
    def whole(self) -> bool:
        """Whether it is the scan's very grid, whatever the order and direction of its axes."""
        return self.start == (0, 0, 0) and self.shape == self.scan_shape

    @property
    def moved_axes(self) -> tuple[int, ...]:
        """Axes along which it has the scan's full length and yet begins elsewhere: it was moved."""
        return tuple(
            axis for axis in range(3) if self.shape[axis] == self.scan_shape[axis] and self.start[axis] != 0
        )

    @property
    def scan_part(self) -> tuple[slice, slice, slice]:
        """The part of the scan's array that the mask covers; empty slices where it covers none."""
        first, last = self._bounds()
        return slice(first[0], last[0]), slice(first[1], last[1]), slice(first[2], last[2])

    def place(self, values: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], int]:
        """Turn an array of the mask and cut it to the scan.

        Returns
        -------
        ndarray, uint8
            Values for `scan_part`, a view.
        int
            Voxels beyond the scan that are not 0.
        """
        turned = self.order.apply(values)
        first, last = self._bounds()
        cut = tuple(
            slice(low - start, high - start) for low, high, start in zip(first, last, self.start, strict=True)
        )
        kept = turned[cut]
        lost = 0 if self.inside else int(np.count_nonzero(turned)) - int(np.count_nonzero(kept))
        return kept, lost

    def _bounds(self) -> tuple[list[int], list[int]]:
        first = [min(max(start, 0), whole) for start, whole in zip(self.start, self.scan_shape, strict=True)]
        last = [
            max(min(start + length, whole), low)
            for start, length, whole, low in zip(self.start, self.shape, self.scan_shape, first, strict=True)
        ]
        return first, last


def fit_grid(grid: VolumeGeometry, scan: VolumeGeometry) -> GridFit | None:
    """Find where `grid` lies on the scan's lattice; None where it lies off it."""
    to_scan = np.linalg.solve(scan.affine, grid.affine)
    steps = np.rint(to_scan[:3, :3])
    if not _is_signed_permutation(steps):
        return None
    first = np.rint(to_scan[:3, 3])
    if _farthest_mm(grid, scan, steps, first) > LATTICE_TOLERANCE_MM:
        return None
    axes = [int(np.flatnonzero(row)[0]) for row in steps]  # of the mask, for each axis of the scan
    flipped = [bool(steps[axis, own] < 0) for axis, own in enumerate(axes)]
    shape = [grid.shape[own] for own in axes]
    start = [
        int(place) - (length - 1 if flip else 0)
        for place, length, flip in zip(first, shape, flipped, strict=True)
    ]
    order = AxisOrder((axes[0], axes[1], axes[2]), (flipped[0], flipped[1], flipped[2]))
    return GridFit(order, (start[0], start[1], start[2]), (shape[0], shape[1], shape[2]), scan.shape)


def _is_signed_permutation(steps: npt.NDArray[np.float64]) -> bool:
    size = np.abs(steps)
    return bool((size.sum(axis=0) == 1).all() and (size.sum(axis=1) == 1).all())


def _farthest_mm(
    grid: VolumeGeometry,
    scan: VolumeGeometry,
    steps: npt.NDArray[np.float64],
    first: npt.NDArray[np.float64],
) -> float:
    """Largest distance between a corner voxel and the scan's voxel it is taken for."""
    corners = np.array(list(np.ndindex(2, 2, 2))) * (np.asarray(grid.shape) - 1)
    taken_for = scan.index_to_lps(corners @ steps.T + first)
    return float(np.linalg.norm(grid.index_to_lps(corners) - taken_for, axis=1).max())
