"""Overlap of two masks of the same region: Dice."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import MeasurementError

Mask = npt.NDArray[np.bool_]


def dice(first: Mask, second: Mask) -> float:
    """Dice's coefficient, 2 |A and B| / (|A| + |B|) (Dice 1945, Ecology 26:297-302).

    Parameters
    ----------
    first, second : ndarray of bool
        Masks of one shape, of any number of dimensions.

    Returns
    -------
    float
        0 to 1. Both empty: 1, they agree that there is nothing. One empty: 0.

    Raises
    ------
    MeasurementError
        If the masks differ in shape or are not bool.
    """
    refuse_unlike_masks(first, second)
    total = np.count_nonzero(first) + np.count_nonzero(second)
    return 2 * np.count_nonzero(first & second) / total if total else 1.0


def refuse_unlike_masks(first: Mask, second: Mask) -> None:
    """Raise `MeasurementError` where two arrays are not masks of one shape."""
    if first.shape != second.shape:
        raise MeasurementError(
            "the masks differ in shape",
            expected=str(first.shape),
            found=str(second.shape),
            remedy="Compare masks on one grid",
        )
    for mask in (first, second):
        if mask.dtype != np.bool_:
            raise MeasurementError(
                "a mask must be bool", found=str(mask.dtype), remedy="Compare labels == value, or labels > 0"
            )
