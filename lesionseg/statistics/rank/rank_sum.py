"""The Wilcoxon rank-sum test, its shift and interval, as R's ``wilcox.test(conf.int = TRUE)`` gives them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from scipy.special import ndtri

from lesionseg.statistics.estimate import Alternative, Estimate
from lesionseg.statistics.rank.approximation import (
    Shift,
    normal_p_value,
    shift_reaching,
    standardised,
)
from lesionseg.statistics.rank.exact import RankSumDistribution
from lesionseg.statistics.rank.pairwise_differences import Arms, PairwiseDifferences, differences, sorted_arms
from lesionseg.statistics.rank.values import Given, present
from lesionseg.statistics.wald import check_test

METHOD = "Wilcoxon rank-sum test, Hodges-Lehmann shift"
EXACT_METHOD = f"{METHOD} (exact)"
APPROXIMATE_METHOD = f"{METHOD} (normal approximation, corrected for ties and continuity)"
EXACT_BELOW = 50
"""Exact where both arms have fewer values than this and none is tied; R's rule."""
NOTICEABLE = 0.01
"""A median this far from the effect, as a part of the interval's width, is told."""

Ends = tuple[float | None, float | None]
Notes = tuple[str, ...]


def rank_sum(
    treatment: Given, control: Given, *, alpha: float = 0.05, alternative: Alternative = "two-sided"
) -> Estimate:
    """Compare two arms by the Wilcoxon rank-sum test, with the Hodges-Lehmann shift and its interval.

    Agrees with R's ``wilcox.test(treatment, control, conf.int = TRUE, conf.level = 1 - alpha, tol.root =
    1e-12)``; docs/statistics-rank.md lists the cases in which R has no answer, or one that is not used here.

    Parameters
    ----------
    treatment, control : sequence of float
        Values of the two arms, in the same unit. NaN is a missing value: left out, with a note.
    alpha : float
        One minus the confidence of the interval, between 0 and 1.
    alternative : {"two-sided", "less", "greater"}
        "less": treatment below control; the interval is then open towards minus infinity.

    Returns
    -------
    Estimate
        All figures None if an arm is empty; effect 0 and P 1 if all values are the same; without an interval
        if all differences are the same. Never NaN.

    Raises
    ------
    InputError
        Not numbers, or an infinite one.
    ConfigurationError
        An alpha outside 0 to 1 or an unknown alternative.

    Notes
    -----
    Sources: Hollander & Wolfe, Nonparametric Statistical Methods, 1999, sections 4.1 to 4.3; Bauer, JASA
    1972;67:687-690 (exact interval); the help page and code of R's ``wilcox.test``.
    """
    check_test(alpha, alternative)
    treated, treated_notes = present(treatment, "treatment")
    controls, control_notes = present(control, "control")
    notes = treated_notes + control_notes
    if not treated.size or not controls.size:
        return _nothing_to_compare(treated.size, controls.size, notes)
    arms = sorted_arms(treated, controls)
    small = max(treated.size, controls.size) < EXACT_BELOW
    tied = np.unique(np.concatenate([treated, controls])).size < treated.size + controls.size
    if small and not tied:
        return _exact(arms, alpha, alternative, notes)
    if small:
        notes += ("tied values: normal approximation, although the arms are small",)
    return _approximate(arms, alpha, alternative, notes)


def _nothing_to_compare(n_treatment: int, n_control: int, notes: Notes) -> Estimate:
    sizes = (("treatment", n_treatment), ("control", n_control))
    empty = " and ".join(name for name, size in sizes if not size)
    notes += (f"no value in {empty}: nothing to compare",)
    return Estimate(METHOD, None, None, None, None, n_treatment, n_control, notes=notes)


# --- exact -------------------------------------------------------------------------------------------------


def _exact(arms: Arms, alpha: float, alternative: Alternative, notes: Notes) -> Estimate:
    m, n = arms.treatment.size, arms.control.size
    distribution = RankSumDistribution(m, n)
    ordered = differences(arms)
    place, confidence_pct, place_notes = _exact_place(distribution, alpha, alternative)
    low, high = _exact_interval(ordered, place, distribution.largest, alternative)
    u = int(np.searchsorted(arms.control, arms.treatment).sum())
    return Estimate(
        method=EXACT_METHOD,
        effect=ordered.median(),
        low=low,
        high=high,
        p_value=distribution.p_value(u, alternative),
        n_treatment=m,
        n_control=n,
        exact=True,
        confidence_pct=confidence_pct,
        notes=notes + place_notes,
    )


def _exact_place(
    distribution: RankSumDistribution, alpha: float, alternative: Alternative
) -> tuple[int | None, float | None, Notes]:
    """Return which ordered difference, from either end, cuts off alpha, or half of it on either side.

    None where there is no interval; with it its confidence where that stays below the one asked for.
    """
    sides = 2 if alternative == "two-sided" else 1
    place = max(1, distribution.quantile(alpha / sides))
    outside = sides * distribution.probability_up_to(place - 1)
    if outside >= 1:
        return None, None, ("no interval: one value in each arm",)
    if outside <= alpha * (1 + 1e-9):
        return place, None, ()
    confidence_pct = 100 * (1 - outside)
    note = (
        f"no interval of {_level(alpha)} confidence with so few values: "
        f"the widest one is given, of {confidence_pct:.4g} %"
    )
    return place, confidence_pct, (note,)


def _exact_interval(
    ordered: PairwiseDifferences, place: int | None, largest: int, alternative: Alternative
) -> Ends:
    if place is None:
        return None, None
    low = None if alternative == "less" else ordered.first_reaching(place)
    high = None if alternative == "greater" else ordered.first_reaching(largest - place + 1)
    return low, high


# --- normal approximation ----------------------------------------------------------------------------------


def _approximate(arms: Arms, alpha: float, alternative: Alternative, notes: Notes) -> Estimate:
    effect = shift_reaching(arms, 0.0, "none")
    (low, high), interval_notes = _approximate_interval(arms, alpha, alternative)
    notes += interval_notes + _all_tied(arms)
    if effect.flat:
        notes += _other_median(arms, effect.at, (low, high))
    return Estimate(
        method=APPROXIMATE_METHOD,
        effect=effect.at,
        low=low,
        high=high,
        p_value=_approximate_p_value(arms, alternative),
        n_treatment=arms.treatment.size,
        n_control=arms.control.size,
        notes=notes,
    )


def _approximate_p_value(arms: Arms, alternative: Alternative) -> float:
    if _all_tied(arms):
        return 1.0  # every allocation of the values to the arms gives the same statistic
    return normal_p_value(standardised(arms, 0.0, alternative), alternative)


def _all_tied(arms: Arms) -> Notes:
    if arms.smallest == arms.largest == 0:
        return ("all values are the same: P is 1",)
    return ()


def _approximate_interval(arms: Arms, alpha: float, alternative: Alternative) -> tuple[Ends, Notes]:
    """Return the shifts that the test, with its correction for continuity, just does not reject."""
    if arms.smallest == arms.largest:
        return (None, None), ("no interval: all treatment - control differences are the same",)
    quantile = -float(ndtri(alpha / 2 if alternative == "two-sided" else alpha))
    low = None if alternative == "less" else shift_reaching(arms, quantile, alternative)
    high = None if alternative == "greater" else shift_reaching(arms, -quantile, alternative)
    ends = tuple((name, end) for name, end in (("lower", low), ("upper", high)) if end is not None)
    notes = tuple(_not_reached(name, alpha) for name, end in ends if not end.reached)
    return (_place(low), _place(high)), notes


def _place(end: Shift | None) -> float | None:
    return None if end is None else end.at


def _not_reached(name: str, alpha: float) -> str:
    extreme = "smallest" if name == "lower" else "largest"
    return (
        f"{name} end of the interval: the test rejects no shift on this side at {_level(alpha)}; "
        f"the {extreme} difference is given"
    )


def _other_median(arms: Arms, effect: float, ends: Ends) -> Notes:
    """Tell the median of all differences where the effect is another point of the stretch of solutions."""
    ordered = differences(arms)
    half = Fraction(arms.pairs, 2)
    first, last = ordered.first_reaching(half), ordered.first_beyond(half)
    median = (first + last) / 2
    low, high = ends
    width = arms.largest - arms.smallest if low is None or high is None else high - low
    if abs(median - effect) <= NOTICEABLE * width:
        return ()
    return (
        f"every shift from {first:.6g} to {last:.6g} solves the estimating equation; the effect is the one "
        f"that R reports, the median of all pairwise differences is {median:.6g}",
    )


def _level(alpha: float) -> str:
    return f"{100 * (1 - alpha):.10g} %"
