"""Is what a reader returned the truth, and if not, by how much is it off? numpy alone.

Readers order and flip axes as they like; arrays are therefore first turned to the standard axial order by
their own affine, which is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

AFFINE_TOLERANCE_MM = 0.01
HU_TOLERANCE = 0.01
PADDING_AIR_HU = (-1100.0, -900.0)  # what a reader may put in place of padding
_LUNG_RANGE_HU = (-950, -700)


@dataclass(frozen=True)
class Truth:
    """The right array ``(slice, row, column)`` in HU and its affine to LPS mm.

    `padding` marks voxels outside the reconstruction circle: the stored value there is not HU, and readers
    may return it as it is or as air. `slice_spacing_mm`, one value per slice, stands where the slices are
    unevenly spaced: then no regular volume is right, and it serves to work out the true volume.
    """

    hu: Array
    affine: Array
    padding: Array | None = None
    padding_hu: float = 0.0
    tolerance_mm: float = AFFINE_TOLERANCE_MM
    slice_spacing_mm: Array | None = None


@dataclass(frozen=True)
class Difference:
    """How far a reading is from the truth; `same` when nowhere beyond the tolerances."""

    same: bool
    summary: str
    lung_volume_error_pct: float


def difference(hu: Array, affine: Array, truth: Truth) -> Difference:
    """Compare a reading with the truth on the standard axial order of both."""
    got_hu, got_affine = standard_order(hu, affine)
    want_hu, want_affine = standard_order(truth.hu, truth.affine)
    padding = None if truth.padding is None else standard_order(truth.padding, truth.affine)[0]
    true_ml = true_lung_ml(truth)
    volume_pct = 100 * (_lung_ml(hu, affine) / true_ml - 1) if true_ml else float("nan")
    if truth.slice_spacing_mm is not None:
        return Difference(False, "a regular grid for uneven slices", volume_pct)
    if got_hu.shape != want_hu.shape:
        return Difference(False, f"shape {got_hu.shape}, not {want_hu.shape}", volume_pct)
    faults = []
    shift_mm = float(np.abs(_corners(got_affine, got_hu.shape) - _corners(want_affine, want_hu.shape)).max())
    if not shift_mm <= truth.tolerance_mm:
        faults.append(f"corner off by {shift_mm:.4g} mm")
    off = ~(np.abs(got_hu.astype(np.float64) - want_hu) <= HU_TOLERANCE)
    if padding is not None:
        air = (got_hu >= PADDING_AIR_HU[0]) & (got_hu <= PADDING_AIR_HU[1])
        off &= ~(padding & (air | (got_hu == truth.padding_hu)))
    if off.any():
        largest = float(np.abs(got_hu.astype(np.float64) - want_hu)[off].max())
        faults.append(f"{100 * off.mean():.3g} % of voxels off by up to {largest:.4g} HU")
    return Difference(not faults, "; ".join(faults), volume_pct)


def standard_order(array: Array, affine: Array) -> tuple[Array, Array]:
    """Turn to slices towards the head, rows to the back, columns to the left, by swaps and flips alone."""
    affine = np.array(affine, dtype=np.float64)
    cosines = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    axes = max(permutations(range(3)), key=lambda p: sum(abs(cosines[2 - i, p[i]]) for i in range(3)))
    array = np.transpose(array, axes)
    affine[:3, :3] = affine[:3, list(axes)]
    for axis in range(3):
        if affine[2 - axis, axis] < 0:
            array = np.flip(array, axis)
            affine[:3, 3] += affine[:3, axis] * (array.shape[axis] - 1)
            affine[:3, axis] *= -1
    return array, affine


def _corners(affine: Array, shape: tuple[int, ...]) -> Array:
    indices = np.array(list(np.ndindex(2, 2, 2))) * (np.asarray(shape) - 1)
    return np.asarray(indices @ affine[:3, :3].T + affine[:3, 3])


def true_lung_ml(truth: Truth) -> float:
    """Volume of the phantom lung's HU range in the truth."""
    if truth.slice_spacing_mm is None:
        return _lung_ml(truth.hu, truth.affine)
    scale = truth.slice_spacing_mm / np.linalg.norm(truth.affine[:3, 0])
    parts = [_lung_ml(plane[None], truth.affine) for plane in truth.hu]
    return float(np.dot(parts, scale))


def _lung_ml(hu: Array, affine: Array) -> float:
    voxels = np.count_nonzero((hu > _LUNG_RANGE_HU[0]) & (hu < _LUNG_RANGE_HU[1]))
    return float(voxels * abs(np.linalg.det(np.asarray(affine)[:3, :3])) / 1000)
