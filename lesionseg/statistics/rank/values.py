"""The values that a rank test is given, checked and sorted out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lesionseg.core.errors import InputError

Values = NDArray[np.float64]
Given = Sequence[float] | NDArray[np.floating]

LARGEST_VALUE = 1e300
"""Differences of larger values leave the range of floating point."""


def checked_values(values: Given, name: str) -> Values:
    """Return the values as a float64 array; NaN, which stands for a missing value, is kept.

    Raises
    ------
    InputError
        Not numbers in one dimension, or one is infinite or beyond 1e300.
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            "The values to compare are not numbers", case=name, expected="numbers", found=str(error)
        ) from error
    if array.ndim != 1:
        raise InputError(
            "The values to compare are not a list",
            case=name,
            expected="one dimension",
            found=f"{array.ndim}",
        )
    beyond = np.flatnonzero(np.abs(array) > LARGEST_VALUE)  # false for NaN
    if beyond.size:
        raise InputError(
            "A value is infinite or too large to be compared",
            case=f"{name}, value {beyond[0] + 1}",
            expected=f"at most {LARGEST_VALUE:g} in size, or missing (NaN)",
            found=f"{array[beyond[0]]:g}",
            remedy="Correct the value, or leave it out",
        )
    return array


def present(values: Given, name: str) -> tuple[Values, tuple[str, ...]]:
    """Return the values that are not missing, and a note if some are.

    Raises
    ------
    InputError
        As `checked_values`.
    """
    array = checked_values(values, name)
    kept = array[~np.isnan(array)]
    missing = array.size - kept.size
    return kept, (f"{name}: {missing} of {array.size} values missing, left out",) if missing else ()
