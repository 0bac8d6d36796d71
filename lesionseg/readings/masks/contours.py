"""Closed contours to voxels: a voxel is inside where its centre is, holes and keyholes by the even-odd rule.

Edges own the points on their lower side (half-open intervals), so that two regions which share an edge share
no voxel, and together leave none out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Polygon = npt.NDArray[np.float64]
"""Corners as (row, column) in fractions of a voxel, shape (corners, 2); the last joins the first."""


def fill(polygons: Sequence[Polygon], shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Voxel centres that lie inside an odd number of polygons (exclusive or).

    Parameters
    ----------
    polygons : sequence of Polygon
        May reach beyond the array; what lies beyond is cut off.
    shape : tuple of int
        Rows and columns.

    Returns
    -------
    ndarray, shape `shape`, bool
    """
    rows, columns = shape
    toggles = np.zeros((rows, columns + 1), np.uint8)
    for polygon in polygons:
        np.bitwise_xor.at(toggles, _crossings(polygon, rows, columns), np.uint8(1))
    return np.bitwise_xor.accumulate(toggles[:, :columns], axis=1).astype(np.bool_)


def _crossings(
    polygon: Polygon, rows: int, columns: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each row that an edge crosses, the first column at or right of the crossing."""
    start, end = polygon, np.roll(polygon, -1, axis=0)
    upward = start[:, 0] > end[:, 0]
    low, high = np.where(upward[:, None], end, start), np.where(upward[:, None], start, end)
    first = np.clip(np.ceil(low[:, 0]), 0, rows).astype(np.int64)
    last = np.clip(np.ceil(high[:, 0]), 0, rows).astype(np.int64)  # exclusive
    lengths = last - first
    edge = np.repeat(np.arange(len(polygon)), lengths)
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    row = first[edge] + within
    slope = (high[edge, 1] - low[edge, 1]) / (high[edge, 0] - low[edge, 0])
    place = low[edge, 1] + slope * (row - low[edge, 0])
    return row, np.clip(np.ceil(place), 0, columns).astype(np.int64)
