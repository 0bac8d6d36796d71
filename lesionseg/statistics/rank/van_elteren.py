"""The stratified rank-sum test of van Elteren, with a stratified Hodges-Lehmann shift and its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from lesionseg.statistics.estimate import Alternative, Estimate
from lesionseg.statistics.rank.approximation import normal_p_value
from lesionseg.statistics.rank.strata import Strata, compared_strata, complete_patients
from lesionseg.statistics.rank.values import Given
from lesionseg.statistics.wald import check_test

METHOD = "van Elteren test (stratified rank-sum, weights 1/(n + 1)), stratified Hodges-Lehmann shift"

Ends = tuple[float | None, float | None]
Notes = tuple[str, ...]


def van_elteren(
    values: Given,
    treated: Sequence[bool] | NDArray[np.bool_],
    strata: Sequence[object],
    *,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> Estimate:
    """Compare two arms within strata by van Elteren's test.

    Each stratum's rank-sum statistic weighs 1 / (n + 1), n being the stratum's patients. P comes from the
    normal approximation with ties and without correction for continuity. The effect is the weighted median of
    all treatment - control differences within strata, midway where half of the weight lies on either side;
    the interval holds the shifts that the test does not reject, its ends being such differences.

    Parameters
    ----------
    values : sequence of float
        One per patient. NaN is a missing value: the patient is left out, with a note.
    treated : sequence of bool
        True for treatment.
    strata : sequence of hashable
        The stratum of each patient; None, NaN or empty text is none: the patient is left out, with a note.
    alpha, alternative
        As in `rank_sum`.

    Returns
    -------
    Estimate
        Strata with one arm only tell nothing: they are left out and not counted, with a note. All figures
        None if no stratum is left; P 1 if all values are tied in every stratum; without an interval if all
        differences are the same. Never NaN.

    Raises
    ------
    InputError
        Values that are not numbers, or infinite; lists of unequal length.
    ConfigurationError
        An alpha outside 0 to 1 or an unknown alternative.

    Notes
    -----
    Sources: van Elteren, Bull Int Stat Inst 1960;37:351-361; Lehmann, Nonparametrics, 1975, section 3.3.
    Agrees with R's ``coin::independence_test`` on ranks / (n + 1) taken within blocks. The interval inverts
    the same statistic; its variance at each shift is that between two neighbouring differences, where values
    of different arms are not tied.
    """
    check_test(alpha, alternative)
    patients, notes = complete_patients(values, treated, strata)
    compared, left_out = compared_strata(patients)
    notes += left_out
    if not compared.arms:
        notes += ("no stratum has values in both arms: nothing to compare",)
        return Estimate(METHOD, None, None, None, None, 0, 0, notes=notes)
    (low, high), interval_notes = _interval(compared, alpha, alternative)
    p_value, p_notes = _p_value(compared, alternative)
    return Estimate(
        method=METHOD,
        effect=compared.differences.median(),
        low=low,
        high=high,
        p_value=p_value,
        n_treatment=sum(arms.treatment.size for arms in compared.arms),
        n_control=sum(arms.control.size for arms in compared.arms),
        notes=notes + interval_notes + p_notes,
    )


def _p_value(compared: Strata, alternative: Alternative) -> tuple[float, Notes]:
    variance = compared.variance()
    if variance == 0:
        return 1.0, ("all values are the same within every stratum: P is 1",)
    return normal_p_value(float(compared.statistic()) / math.sqrt(variance), alternative), ()


def _interval(compared: Strata, alpha: float, alternative: Alternative) -> tuple[Ends, Notes]:
    """Return the differences at which the statistic of shifted arms crosses the quantiles of the test.

    Between two neighbouring differences the statistic at a shift is half of the total weight minus the weight
    of all differences below the shift, and its variance stays the same.
    """
    ordered = compared.differences
    if ordered.smallest == ordered.largest:
        return (None, None), ("no interval: all treatment - control differences are the same",)
    quantile = -float(ndtri(alpha / 2 if alternative == "two-sided" else alpha))
    reach = Fraction(quantile * math.sqrt(compared.variance_between_differences()))
    half = ordered.total / 2
    low = None if alternative == "less" else ordered.first_beyond(half - reach)
    high = None if alternative == "greater" else ordered.first_beyond(half + reach)
    notes: Notes = ()
    if reach >= half:
        ends = {"less": "the largest difference", "greater": "the smallest difference"}
        given = ends.get(alternative, "the smallest and the largest difference")
        notes = (f"the test rejects no shift at {100 * (1 - alpha):.10g} %: {given} given",)
    return (low, high), notes
