"""What every comparison of two arms returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Alternative = Literal["two-sided", "less", "greater"]


@dataclass(frozen=True)
class Estimate:
    """Treatment minus control: an effect, its confidence interval and a P value.

    Attributes
    ----------
    method : str
        Which test and which estimator, in words for a methods section.
    effect, low, high : float or None
        Point estimate and ends of the interval, in the units of the values compared; None where it has none.
        A one-sided interval is open on one side: that end is None too.
    p_value : float or None
    n_treatment, n_control : int
        Values compared; missing ones are not counted.
    exact : bool
        True where the P value comes from the exact permutation distribution.
    confidence_pct : float or None
        Of the interval, where too few values keep it below the confidence asked for.
    notes : tuple of str
        What a reader must know: ties, a constant arm, why a figure is missing.
    """

    method: str
    effect: float | None
    low: float | None
    high: float | None
    p_value: float | None
    n_treatment: int
    n_control: int
    exact: bool = False
    confidence_pct: float | None = None
    notes: tuple[str, ...] = ()
