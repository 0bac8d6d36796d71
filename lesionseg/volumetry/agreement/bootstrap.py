"""Percentile bootstrap over cases, seeded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import MeasurementError
from lesionseg.volumetry.agreement.estimates import LEVEL, Estimate, checked

RESAMPLES = 2000
"""Efron and Tibshirani 1993, chapter 13, ask for 1000 or more for percentile intervals."""
SEED = 0


def bootstrap_interval(
    values: npt.ArrayLike,
    statistic: Callable[[npt.NDArray[Any]], float],
    *,
    seed: int = SEED,
    resamples: int = RESAMPLES,
) -> Estimate:
    """Value of a statistic over cases, and its 95 % percentile bootstrap interval.

    Cases are drawn with replacement (Efron and Tibshirani 1993, An Introduction to the Bootstrap, section
    13.3), so they must be independent: one scan for each patient. With fewer than about 20 cases the interval
    is too narrow.

    Parameters
    ----------
    values : array-like of float, shape (cases,) or (cases, ...)
        At least two cases; whole rows are drawn.
    statistic : callable
        From such an array to a finite number, for instance `numpy.mean`.
    seed : int
        The same seed gives the same interval.
    resamples : int
        How often cases are drawn.

    Raises
    ------
    MeasurementError
        If there are fewer than two cases, or a value or the statistic of a resample is not finite.
    """
    figures = checked(values)
    cases = len(figures)
    draws = np.random.default_rng(seed).integers(0, cases, (resamples, cases))
    drawn = [float(statistic(figures[draw])) for draw in draws]
    value = float(statistic(figures))
    if not np.isfinite([value, *drawn]).all():
        raise MeasurementError(
            "the statistic is not a finite number for every resample of the cases",
            found=f"{np.count_nonzero(~np.isfinite(drawn))} of {resamples} resamples",
        )
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, float(low), float(high))
