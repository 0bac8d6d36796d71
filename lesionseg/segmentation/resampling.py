"""Separable linear resampling between two grids that cover the same extent.

Both grids share their outer faces, so voxel ``i`` of ``n`` covers ``[i/n, (i+1)/n]`` of the extent and its
centre lies at ``(i + 0.5)/n``: the half-pixel convention. The weights are a triangle as wide as the coarser
of the two spacings: plain linear interpolation towards a finer grid, and an average that keeps fine structure
from aliasing towards a coarser one (Turkowski 1990, "Filters for common resampling tasks").
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

FloatArray = npt.NDArray[np.float32]
AxisMatrix: TypeAlias = "csr_array[np.float32, tuple[int, int]]"

BLOCK_SLICES = 16
"""Slices held as float32 at a time while a volume is resampled."""


def axis_weights(source_length: int, target_length: int) -> FloatArray:
    """Weights that turn `source_length` samples into `target_length`.

    Returns
    -------
    ndarray, shape (target_length, source_length), float32
        Rows add up to 1; samples beyond the ends are never invented. The identity for equal lengths.
    """
    ratio = source_length / target_length
    centres = (np.arange(target_length) + 0.5) * ratio - 0.5
    distance = np.abs(np.arange(source_length) - centres[:, None]) / max(1.0, ratio)
    weights = np.clip(1.0 - distance, 0.0, None)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def sparse_weights(weights: FloatArray) -> AxisMatrix | None:
    """Weights as a sparse matrix, or None where they change nothing.

    Sparse, because each row holds but a few weights; and because scipy's product runs in one thread, it
    neither depends on the number of threads nor stalls on a busy machine as a threaded matrix product does.
    """
    count = weights.shape[1]
    if weights.shape[0] == count and np.array_equal(weights, np.eye(count, dtype=np.float32)):
        return None
    return csr_array(weights)


def resample_plane(plane: FloatArray, rows: AxisMatrix | None, columns: AxisMatrix | None) -> FloatArray:
    """Resample ``(rows, columns)``; an axis without weights is passed through untouched."""
    if rows is not None:
        plane = rows @ plane
    if columns is not None:
        plane = (columns @ plane.T).T
    return plane


def resample(
    source: npt.NDArray[np.generic],
    shape: tuple[int, int, int],
    *,
    limits: tuple[float, float] | None = None,
) -> FloatArray:
    """Resample a volume to `shape` over the same extent, clipping the source to `limits` first.

    Memory beyond the result stays within `BLOCK_SLICES` source slices.
    """
    slices, rows, columns = (axis_weights(old, new) for old, new in zip(source.shape, shape, strict=True))
    in_plane = sparse_weights(rows), sparse_weights(columns)
    result = np.zeros(shape, dtype=np.float32)
    for start in range(0, source.shape[0], BLOCK_SLICES):
        block = np.array(source[start : start + BLOCK_SLICES], dtype=np.float32, order="C")
        if limits is not None:
            np.clip(block, *limits, out=block)
        for offset, plane in enumerate(block):
            resampled = resample_plane(plane, *in_plane)
            share = slices[:, start + offset]
            for target in np.flatnonzero(share):
                result[target] += share[target] * resampled
    return result
