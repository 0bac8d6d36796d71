"""An estimate with its interval, and the paired figures that estimates are made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import MeasurementError

Figures = npt.NDArray[np.float64]
LEVEL = 0.95
"""Coverage that every interval aims at."""
TOO_FEW_CASES = "too-few-cases"
NO_VARIANCE = "no-variance"


@dataclass(frozen=True)
class Estimate:
    """One figure over all cases.

    Attributes
    ----------
    value : float or None
        None where it cannot be had.
    low, high : float or None
        Ends of its 95 % interval; None where there is none.
    reason : str
        Code of why the value or its interval is missing; empty where both are there.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""


def paired(x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Figures, Figures]:
    """Return two lists of figures, one pair for each case, as float64 arrays.

    Raises
    ------
    MeasurementError
        If they differ in length, hold fewer than two cases, or a value is not finite.
    """
    first, second = checked(x), checked(y)
    if first.shape != second.shape or first.ndim != 1:
        raise MeasurementError(
            "the figures to compare are not in pairs",
            expected=f"two lists of one length, {first.size}",
            found=f"shapes {first.shape} and {second.shape}",
        )
    return first, second


def checked(values: npt.ArrayLike) -> Figures:
    """Return figures, one row for each case, as a float64 array.

    Raises
    ------
    MeasurementError
        If there are fewer than two cases, or a value is not finite.
    """
    figures = np.asarray(values, dtype=np.float64)
    if figures.ndim == 0 or len(figures) < 2:
        raise MeasurementError(
            "agreement needs at least two cases", found=str(0 if figures.ndim == 0 else len(figures))
        )
    if not np.isfinite(figures).all():
        raise MeasurementError(
            "a figure to compare is not a finite number",
            found=f"{np.count_nonzero(~np.isfinite(figures))} of {figures.size} values",
            remedy="Leave cases with missing values out, and say how many",
        )
    return figures
