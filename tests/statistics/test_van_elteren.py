"""Behaviour of the stratified rank-sum test."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri

from lesionseg.core.errors import ConfigurationError, InputError
from lesionseg.statistics.rank.approximation import normal_p_value
from lesionseg.statistics.rank.van_elteren import van_elteren

patients = st.lists(
    st.tuples(st.integers(-3, 3).map(float), st.booleans(), st.sampled_from(["a", "b", "c", None])),
    max_size=20,
)


def trial(seed, n=90, shift=0.0):
    """Three strata that differ by far more than the arms, unevenly treated."""
    rng = np.random.default_rng(seed)
    strata = rng.choice(["mild", "moderate", "severe"], n)
    place = np.select([strata == "mild", strata == "moderate"], [0.0, 20.0], 50.0)
    treated = rng.random(n) < np.where(strata == "severe", 0.75, 0.45)
    return rng.normal(size=n) + place + shift * treated, treated, strata


@given(patients, st.sampled_from(["two-sided", "less", "greater"]))
def test_figures_are_finite_or_absent_and_in_order(rows, alternative):
    values, treated, strata = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    estimate = van_elteren(values, treated, strata, alternative=alternative)
    figures = (estimate.effect, estimate.low, estimate.high, estimate.p_value)
    assert all(figure is None or math.isfinite(figure) for figure in figures)
    assert estimate.low is None or estimate.low <= estimate.effect
    assert estimate.high is None or estimate.effect <= estimate.high
    assert estimate.p_value is None or 0 <= estimate.p_value <= 1


def test_differences_between_strata_do_not_count():
    values, treated, strata = trial(1)
    apart = values + 1000 * (strata == "severe")
    assert van_elteren(apart, treated, strata).p_value == van_elteren(values, treated, strata).p_value
    assert van_elteren(apart, treated, strata).effect == pytest.approx(
        van_elteren(values, treated, strata).effect
    )


def test_true_shift_is_found_within_strata():
    estimate = van_elteren(*trial(2, n=300, shift=2.0))
    assert estimate.low < 2 < estimate.high
    assert estimate.high - estimate.low < 1
    assert estimate.p_value < 1e-12


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_test_rejects_shifts_beyond_the_interval_and_none_within(alternative):
    values, treated, strata = trial(3, n=60)
    estimate = van_elteren(values, treated, strata, alternative=alternative)
    step = (
        1e-7  # smaller than any gap between differences of these values, so that none is crossed but the end
    )

    def p_value(shift):
        return van_elteren(values - shift * treated, treated, strata, alternative=alternative).p_value

    if estimate.low is not None:
        assert p_value(estimate.low - step) < 0.05 <= p_value(estimate.low + step)
    if estimate.high is not None:
        assert p_value(estimate.high + step) < 0.05 <= p_value(estimate.high - step)


def test_p_is_that_of_the_formula_done_by_hand():
    # Stratum a: 1 and 3 treated, 2 control: U - mn/2 = 0, variance 2/3. Stratum b: 9 treated, 4 and 5
    # control: U - mn/2 = 1, variance 2/3. Weights 1/4 each: z = 0.25 / sqrt((2/3 + 2/3) / 16).
    estimate = van_elteren([1, 3, 2, 9, 4, 5], [True, True, False, True, False, False], list("aaabbb"))
    assert estimate.p_value == pytest.approx(
        normal_p_value(0.25 / math.sqrt((4 / 3) / 16), "two-sided"), abs=1e-15
    )


def test_interval_counts_the_ties_that_a_shift_leaves_and_not_those_before_it():
    # R: wilcox.test(exact = FALSE, correct = FALSE, conf.int = TRUE); with the ties at shift 0: -2 to 0.
    values = [2.0, 0, 2, 2, 0, 1, 2, 1, 0, 2, 2, 2]
    estimate = van_elteren(values, [True] * 6 + [False] * 6, ["all"] * 12)
    assert (estimate.low, estimate.high) == (-2.0, 1.0)


def test_small_strata_weigh_more_per_pair_than_rank_sum_sizes_say():
    # a: one difference of -1, weight 1/3; b: nine differences of 2, weight 1/7 each.
    values, treated = [0.0, 1, 2, 2, 2, 0, 0, 0], [True, False, True, True, True, False, False, False]
    estimate = van_elteren(values, treated, list("aabbbbbb"))
    assert (estimate.effect, estimate.low) == (2.0, -1.0)


def test_stratum_with_one_arm_is_left_out_and_named():
    values, treated, strata = trial(4, n=40)
    more = van_elteren([*values, 7, 8], [*treated, True, True], [*strata, "critical", "critical"])
    without = van_elteren(values, treated, strata)
    assert (more.effect, more.low, more.high, more.p_value) == (
        without.effect,
        without.low,
        without.high,
        without.p_value,
    )
    assert more.n_treatment == without.n_treatment
    assert "left out: critical (2 of 42 patients)" in more.notes[0]


def test_many_strata_with_one_arm_are_counted_and_not_all_named():
    estimate = van_elteren([1.0, 2] + [3.0] * 9, [True, False] + [True] * 9, ["ab"] * 2 + list("cdefghijk"))
    assert "c, d, e, f, g and 4 more (9 of 11 patients)" in estimate.notes[0]


@pytest.mark.parametrize(
    "rows", [([], [], []), ([1.0, 2], [True, False], ["a", "b"]), ([math.nan], [True], ["a"])]
)
def test_no_stratum_with_both_arms_gives_no_figure(rows):
    estimate = van_elteren(*rows)
    assert (estimate.effect, estimate.low, estimate.high, estimate.p_value) == (None, None, None, None)
    assert "no stratum has values in both arms: nothing to compare" in estimate.notes


def test_values_tied_in_every_stratum_have_p_1_and_effect_0():
    estimate = van_elteren([1.0, 1, 1, 7, 7], [True, False, True, False, True], list("aaabb"))
    assert (estimate.effect, estimate.low, estimate.high, estimate.p_value) == (0.0, None, None, 1.0)


def test_patients_without_value_or_stratum_are_left_out_and_counted():
    values, treated, strata = trial(5, n=30)
    holed = van_elteren([*values, math.nan, 3.0], [*treated, True, False], [*strata, "mild", None])
    assert holed.p_value == van_elteren(values, treated, strata).p_value
    assert holed.notes == (
        "1 of 32 values missing, left out",
        "without a stratum, left out: 1 of 32 patients",
    )


def test_interval_that_no_shift_limits_is_told():
    estimate = van_elteren([1.0, 2, 3, 4], [True, False, True, False], list("aabb"))
    assert estimate.notes[-1].startswith("no interval")
    estimate = van_elteren([1.0, 2, 3, 5], [True, False, True, False], list("aabb"))
    assert (estimate.low, estimate.high) == (-2.0, -1.0)
    assert "rejects no shift" in estimate.notes[-1]


def test_wider_confidence_has_the_wider_interval():
    rows = trial(6)
    narrow, wide = van_elteren(*rows, alpha=0.2), van_elteren(*rows, alpha=0.01)
    assert wide.low < narrow.low < narrow.effect < narrow.high < wide.high
    assert wide.p_value == narrow.p_value


def test_lists_of_unequal_length_are_refused():
    with pytest.raises(InputError, match="2 values, 1 arms, 2 strata"):
        van_elteren([1.0, 2.0], [True], ["a", "a"])


def test_arm_that_is_neither_is_refused_and_not_taken_for_control():
    with pytest.raises(InputError, match="treated, value 2"):
        van_elteren([1.0, 2.0], [True, None], ["a", "a"])


def test_infinite_value_is_refused():
    with pytest.raises(InputError, match="value 2"):
        van_elteren([1.0, math.inf], [True, False], ["a", "a"])


def test_unknown_alternative_is_refused():
    with pytest.raises(ConfigurationError):
        van_elteren([1.0], [True], ["a"], alternative="both")


@pytest.mark.slow
def test_interval_covers_the_true_shift_as_often_as_it_says():
    runs = 600
    estimates = [van_elteren(*trial(seed, shift=1.0)) for seed in range(runs)]
    covered = sum(estimate.low <= 1 <= estimate.high for estimate in estimates) / runs
    margin = -ndtri(0.0005) * math.sqrt(0.95 * 0.05 / runs)
    assert abs(covered - 0.95) < margin
