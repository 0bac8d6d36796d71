"""Two proportions compared: risk difference with Newcombe's interval, Fisher's exact test."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from scipy.special import ndtri
from scipy.stats import hypergeom
from scipy.stats.contingency import odds_ratio

from lesionseg.core.errors import InputError
from lesionseg.statistics.estimate import Alternative, Estimate
from lesionseg.statistics.wald import check_test

METHOD = "Risk difference in percentage points, Newcombe's interval, Fisher's exact P"
AS_LIKELY = 1 + 1e-7  # tables this near in probability count as equally likely; R's fisher.test, relErr


class FisherResult(NamedTuple):
    """Conditional odds ratio with its exact interval, and P; None where it is infinite or not defined."""

    odds_ratio: float | None
    low: float | None
    high: float | None
    p_value: float


def risk_difference(
    treated_yes: int,
    treated_n: int,
    control_yes: int,
    control_n: int,
    *,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> Estimate:
    """Return the proportion with the event, treatment minus control, in percentage points.

    The interval is Newcombe's hybrid of the two arms' Wilson score intervals, without continuity correction:
    it stays within -100 to 100 and has a width when no one or everyone has the event. A one-sided one takes
    the normal quantile of alpha instead of alpha / 2. P is Fisher's, so it can disagree with the interval.

    An arm without subjects gives None and a note.

    Raises
    ------
    InputError
        A count is negative or above its arm's number of subjects.

    Notes
    -----
    Source: Newcombe RG. Interval estimation for the difference between independent proportions: comparison of
    eleven methods. Stat Med 1998;17:873-890, method 10.
    """
    check_test(alpha, alternative)
    counts = (treated_yes, treated_n - treated_yes, control_yes, control_n - control_yes)
    _check_counts(counts)
    if not treated_n or not control_n:
        notes = ("an arm has no subject: nothing to compare",)
        return Estimate(METHOD, None, None, None, None, treated_n, control_n, notes=notes)
    quantile = -float(ndtri(alpha / 2 if alternative == "two-sided" else alpha))
    low, high = newcombe_interval((treated_yes, treated_n), (control_yes, control_n), quantile)
    return Estimate(
        method=METHOD,
        effect=100 * (treated_yes / treated_n - control_yes / control_n),
        low=None if alternative == "less" else 100 * low,
        high=None if alternative == "greater" else 100 * high,
        p_value=_fisher_p(counts, alternative),
        n_treatment=treated_n,
        n_control=control_n,
        exact=True,
    )


def newcombe_interval(
    treatment: tuple[int, int], control: tuple[int, int], quantile: float
) -> tuple[float, float]:
    """Return Newcombe's interval as fractions; each arm is (with the event, all), all above 0."""
    treated_share, control_share = treatment[0] / treatment[1], control[0] / control[1]
    treated_low, treated_high = wilson_interval(*treatment, quantile)
    control_low, control_high = wilson_interval(*control, quantile)
    difference = treated_share - control_share
    low = difference - np.hypot(treated_share - treated_low, control_high - control_share)
    high = difference + np.hypot(treated_high - treated_share, control_share - control_low)
    return float(low), float(high)


def wilson_interval(yes: int, n: int, quantile: float) -> tuple[float, float]:
    """Return Wilson's score interval of a proportion as fractions; n is above 0.

    Source: Wilson EB. Probable inference, the law of succession, and statistical inference. JASA
    1927;22:209-212.
    """
    square = quantile**2
    middle = (yes + square / 2) / (n + square)
    half = quantile / (n + square) * np.sqrt(yes * (n - yes) / n + square / 4)
    low = 0.0 if yes == 0 else float(middle - half)  # exactly; rounding would leave 1e-17
    high = 1.0 if yes == n else float(middle + half)
    return low, high


def fisher(
    treated_yes: int,
    treated_no: int,
    control_yes: int,
    control_no: int,
    *,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> FisherResult:
    """Return odds ratio, interval and P of a 2 by 2 table.

    The odds ratio is the conditional maximum-likelihood one with its exact interval, and P the sum over all
    tables no more likely than this one, as in R's `fisher.test`. What is infinite is None; so is everything
    but P where no one or everyone has the event. An empty table has P 1.

    Raises
    ------
    InputError
        A count is negative.
    """
    check_test(alpha, alternative)
    counts = (treated_yes, treated_no, control_yes, control_no)
    _check_counts(counts)
    p_value = _fisher_p(counts, alternative)
    table = np.array(counts).reshape(2, 2)
    if not (table.sum(axis=0).all() and table.sum(axis=1).all()):
        return FisherResult(None, None, None, p_value)
    result = odds_ratio(table, kind="conditional")
    interval = result.confidence_interval(confidence_level=1 - alpha, alternative=alternative)
    low = None if alternative == "less" else float(interval.low)
    return FisherResult(_finite(result.statistic), low, _finite(interval.high), p_value)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _check_counts(counts: tuple[int, int, int, int]) -> None:
    if min(counts) < 0:
        names = ("treated yes", "treated no", "control yes", "control no")
        found = ", ".join(f"{name} {count}" for name, count in zip(names, counts, strict=True))
        raise InputError("A count of subjects is negative", expected="0 or more in each cell", found=found)


def _fisher_p(
    counts: tuple[int, int, int, int], alternative: Literal["two-sided", "less", "greater"]
) -> float:
    treated_yes, treated_no, control_yes, control_no = counts
    treated, yes = treated_yes + treated_no, treated_yes + control_yes
    control = control_yes + control_no
    possible = np.arange(max(0, yes - control), min(treated, yes) + 1)
    if possible.size == 1:
        return 1.0
    probability = hypergeom.pmf(possible, treated + control, yes, treated)
    if alternative == "less":
        counted = possible <= treated_yes
    elif alternative == "greater":
        counted = possible >= treated_yes
    else:
        counted = probability <= probability[treated_yes - possible[0]] * AS_LIKELY
    return float(min(1.0, probability[counted].sum()))
