"""The rank-sum statistic of shifted arms, standardised, and the shifts at which it reaches a quantile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtr

from lesionseg.statistics.estimate import Alternative
from lesionseg.statistics.rank.pairwise_differences import Arms
from lesionseg.statistics.rank.root import EPSILON, find_root

ROOT_TOLERANCE = 1e-12
"""Bracket, in the values' unit, or of the differences' range where that is below 1; R's default is 1e-4."""

Correction = Literal["two-sided", "less", "greater", "none"]


@dataclass(frozen=True)
class Shift:
    """A shift at which the statistic crosses a quantile.

    Attributes
    ----------
    at : float
        A pairwise difference, unless `flat`.
    flat : bool
        True where the statistic equals the quantile on a whole stretch of shifts around this one.
    reached : bool
        False where no shift takes the statistic so far: `at` is then the smallest or largest difference.
    """

    at: float
    flat: bool = False
    reached: bool = True


def standardised(arms: Arms, shift: float, correction: Correction) -> float:
    """Return (U - m n / 2 - correction) / SD of treatment - shift against control; 0 where all are tied.

    U counts the pairs in which the treated value is the larger, ties half. The SD is that of the permutation
    distribution with ties. The correction for continuity is half a unit towards the middle, for a one-sided
    test towards the other side of it. Source: Hollander & Wolfe, Nonparametric Statistical Methods, 1999,
    section 4.1.
    """
    shifted = arms.treatment - shift
    below = np.searchsorted(arms.control, shifted, side="left").sum()
    up_to = np.searchsorted(arms.control, shifted, side="right").sum()
    excess = float(below + up_to) / 2 - arms.pairs / 2
    halves = {"two-sided": 0.5 * np.sign(excess), "greater": 0.5, "less": -0.5, "none": 0.0}
    deviation = _standard_deviation(shifted, arms.control)
    return float((excess - halves[correction]) / deviation) if deviation else 0.0


def _standard_deviation(treatment: np.ndarray, control: np.ndarray) -> float:
    """Return the SD of U under permutation; terms in R's order, so that the last digit is the same."""
    m, n = float(treatment.size), float(control.size)
    together = np.sort(np.concatenate([treatment, control]))
    ends = np.flatnonzero(np.append(together[1:] != together[:-1], True))
    tied = np.diff(ends, prepend=-1).astype(np.float64)
    ties = float((tied**3 - tied).sum())
    return float(np.sqrt((m * n / 12) * ((m + n + 1) - ties / ((m + n) * (m + n - 1)))))


def normal_p_value(z: float, alternative: Alternative) -> float:
    """Return the P value of a standard normal statistic."""
    below, above = float(ndtr(z)), float(ndtr(-z))
    return {"less": below, "greater": above}.get(alternative, min(1.0, 2 * min(below, above)))


def shift_reaching(arms: Arms, quantile: float, correction: Correction) -> Shift:
    """Return the shift at which the standardised statistic, falling as the shift grows, crosses `quantile`.

    Where it crosses in a jump, this is the pairwise difference of that jump; where it equals the quantile on
    a stretch, the point of the stretch at which R's ``uniroot`` arrives.
    """
    low, high = arms.smallest, arms.largest

    def above(shift: float) -> float:
        return standardised(arms, shift, correction) - quantile

    if above(low) <= 0:
        return Shift(low, reached=False)
    if above(high) >= 0:
        return Shift(high, reached=False)
    tolerance = ROOT_TOLERANCE * min(1.0, high - low)
    root = find_root(above, low, high, tolerance)
    if root.flat:
        return Shift(root.at, flat=True)
    return Shift(_jump_at(arms, root.at, tolerance))


def _jump_at(arms: Arms, shift: float, tolerance: float) -> float:
    """Return the pairwise difference that the search closed in on."""
    nearest = arms.nearest(shift)
    scale = max(abs(float(value)) for value in (*arms.treatment[[0, -1]], *arms.control[[0, -1]]))
    return nearest if abs(nearest - shift) <= tolerance + 8 * EPSILON * scale else shift
