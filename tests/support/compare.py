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
    may return it as it is or as air.
    """

    hu: Array
    affine: Array
    padding: Array | None = None
    padding_hu: float = 0.0
    tolerance_mm: float = AFFINE_TOLERANCE_MM


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
    volume_pct = _lung_volume_error_pct(got_hu, got_affine, want_hu, want_affine)
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


def _lung_volume_error_pct(got: Array, got_affine: Array, want: Array, want_affine: Array) -> float:
    """Volume of voxels in the phantom lung HU range against the truth, in %."""
    lung, true_lung = (
        np.count_nonzero((array > _LUNG_RANGE_HU[0]) & (array < _LUNG_RANGE_HU[1]))
        * abs(np.linalg.det(affine[:3, :3]))
        for array, affine in ((got, got_affine), (want, want_affine))
    )
    return float(100 * (lung - true_lung) / true_lung) if true_lung else float("nan")
