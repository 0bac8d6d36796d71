"""Which label wins where, slice by slice: what argmax over the channels gives, from whole planes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

LogitArray = npt.NDArray[np.float32] | npt.NDArray[np.float16]
Parts = tuple[slice, slice, slice]
Plane = npt.NDArray[np.float32] | npt.NDArray[np.int16]


def winning_labels(logits: LogitArray) -> npt.NDArray[np.uint8]:
    """Index of the largest channel of every voxel; of equal ones the first.

    Parameters
    ----------
    logits : ndarray, shape (labels, slices, rows, columns)
    """
    return np.stack(
        [largest([_comparable(plane) for plane in logits[:, index]]) for index in range(logits.shape[1])]
    )


def largest(planes: Sequence[Plane]) -> npt.NDArray[np.uint8]:
    """Index of the largest channel, as a running maximum over planes that lie in one piece of memory."""
    best = planes[0].copy(order="K")  # in the planes' own memory order
    winner = np.zeros_like(best, dtype=np.uint8)
    for index, plane in enumerate(planes[1:], start=1):
        np.copyto(winner, np.uint8(index), where=plane > best)
        np.maximum(best, plane, out=best)
    return winner


def lung_leads(logits: LogitArray) -> npt.NDArray[np.bool_]:
    """Whether any label but background is at least as large as background."""
    found = np.zeros(logits.shape[1:], dtype=np.bool_)
    for index in range(len(found)):
        background, *others = (_comparable(plane) for plane in logits[:, index])
        for other in others:
            found[index] |= other >= background
    return found


def _comparable(plane: npt.NDArray[Any]) -> Plane:
    """Numbers in the same order as those of `plane`, none of them NaN; numpy compares float16 one by one.

    A float16 is a sign and a magnitude: read as an integer it keeps its order, but for negative ones, which
    are turned round. Both zeros become 0.
    """
    if plane.dtype != np.float16:
        return plane
    bits = plane.view(np.int16)
    sign = bits >> 15  # -1 where negative
    return np.asarray((bits ^ (sign & 0x7FFF)) - sign)


def box_around(mask: npt.NDArray[np.generic], margin: int = 0) -> Parts | None:
    """Index of the smallest box that holds what is not 0, and `margin` voxels more; None where all is 0."""
    present = [np.flatnonzero(mask.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    if not present[0].size:
        return None
    depth, height, width = (
        slice(max(0, int(found[0]) - margin), int(found[-1]) + 1 + margin) for found in present
    )
    return depth, height, width
