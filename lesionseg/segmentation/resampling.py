"""Separable linear resampling between two grids that cover the same extent.

Both grids share their outer faces, so voxel ``i`` of ``n`` covers ``[i/n, (i+1)/n]`` of the extent and its
centre lies at ``(i + 0.5)/n``: the half-pixel convention. The weights are a triangle as wide as the coarser
of the two spacings: plain linear interpolation towards a finer grid, and an average that keeps fine structure
from aliasing towards a coarser one (Turkowski 1990, "Filters for common resampling tasks").
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

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


def resample_planes(planes: FloatArray, row_weights: FloatArray, column_weights: FloatArray) -> FloatArray:
    """Resample the last two axes of ``(n, rows, columns)``; equal lengths are passed through untouched."""
    if row_weights.shape[0] != row_weights.shape[1]:
        planes = row_weights @ planes
    if column_weights.shape[0] != column_weights.shape[1]:
        planes = planes @ column_weights.T
    return planes


def resample(
    source: npt.NDArray[np.generic],
    shape: tuple[int, int, int],
    *,
    limits: tuple[float, float] | None = None,
) -> FloatArray:
    """Resample a volume to `shape` over the same extent, clipping the source to `limits` first.

    Memory beyond the result stays within `BLOCK_SLICES` source slices.
    """
    weights = [axis_weights(old, new) for old, new in zip(source.shape, shape, strict=True)]
    result = np.zeros(shape, dtype=np.float32)
    for start in range(0, source.shape[0], BLOCK_SLICES):
        block = np.array(source[start : start + BLOCK_SLICES], dtype=np.float32, order="C")
        if limits is not None:
            np.clip(block, *limits, out=block)
        for offset, plane in enumerate(resample_planes(block, weights[1], weights[2])):
            share = weights[0][:, start + offset]
            for target in np.flatnonzero(share):
                result[target] += share[target] * plane
    return result
