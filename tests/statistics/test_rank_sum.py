"""Behaviour of the rank-sum test that no table of R shows."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lesionseg.core.errors import ConfigurationError, InputError
from lesionseg.statistics.rank.hodges_lehmann import hodges_lehmann
from lesionseg.statistics.rank.rank_sum import rank_sum

ALTERNATIVES = ("two-sided", "less", "greater")
FEW_LEVELS = st.lists(st.integers(-3, 3).map(float), max_size=9)
DECIMALS = st.lists(st.integers(-500, 500).map(lambda tenths: tenths / 10), min_size=1, max_size=12)
MEGABYTE = 2**20

lists_of_values = st.one_of(FEW_LEVELS, DECIMALS)


def figures(estimate):
    return (estimate.effect, estimate.low, estimate.high, estimate.p_value)


@given(lists_of_values, lists_of_values, st.sampled_from(ALTERNATIVES), st.sampled_from([0.01, 0.05, 0.2]))
def test_figures_are_finite_or_absent_and_in_order(treatment, control, alternative, alpha):
    estimate = rank_sum(treatment, control, alpha=alpha, alternative=alternative)
    assert all(figure is None or math.isfinite(figure) for figure in figures(estimate))
    assert estimate.low is None or estimate.low <= estimate.effect + 1e-12
    assert estimate.high is None or estimate.effect - 1e-12 <= estimate.high
    assert estimate.p_value is None or 0 <= estimate.p_value <= 1


@given(DECIMALS, DECIMALS)
def test_swapped_arms_have_the_same_p_and_the_mirrored_interval(treatment, control):
    there, back = rank_sum(treatment, control), rank_sum(control, treatment)
    assert there.p_value == pytest.approx(back.p_value, abs=1e-12)
    if there.low is not None:
        assert (there.low, there.high) == pytest.approx((-back.high, -back.low), abs=1e-9)


@given(DECIMALS, DECIMALS)
def test_effect_solves_what_the_median_of_all_differences_solves(treatment, control):
    every = np.subtract.outer(treatment, control).ravel()
    effect = rank_sum(treatment, control).effect
    assert np.sum(every < effect - 1e-9) <= every.size / 2
    assert np.sum(every > effect + 1e-9) <= every.size / 2


@given(
    st.lists(st.integers(-40, 40), min_size=3, max_size=9),
    st.lists(st.integers(-40, 40), min_size=3, max_size=9),
)
def test_unit_of_the_values_does_not_matter(treatment, control):
    tiny = 2.0**-70  # far below the tolerance of R's root
    large, small = (
        rank_sum(treatment, control),
        rank_sum(np.array(treatment) * tiny, np.array(control) * tiny),
    )
    assert small.p_value == large.p_value
    if large.low is not None:
        assert (small.low / tiny, small.high / tiny) == (large.low, large.high)


def test_effect_is_the_median_of_the_differences_and_not_the_difference_of_the_medians():
    treatment, control = [1.0, 2.0, 30.0], [0.0, 0.5, 0.7]
    estimate = rank_sum(treatment, control)
    assert (
        estimate.effect
        == np.median(np.subtract.outer(treatment, control))
        == hodges_lehmann(treatment, control)
    )
    assert estimate.exact


def test_another_median_of_the_differences_is_told():
    estimate = rank_sum(np.arange(1, 51) ** 2, [100.5, 200.5, 300.5])
    assert estimate.effect == pytest.approx(430.896111799363)  # R
    assert "median of all pairwise differences is 452" in " ".join(estimate.notes)
    assert "from 428.5 to 475.5" in " ".join(estimate.notes)


def test_median_that_hardly_differs_is_not_told():
    rng = np.random.default_rng(3)
    treatment, control = rng.normal(size=80), rng.normal(size=60)
    estimate = rank_sum(treatment, control)
    assert estimate.effect != hodges_lehmann(treatment, control)
    assert estimate.notes == ()


def test_shift_of_the_treated_arm_moves_effect_and_interval_alone():
    rng = np.random.default_rng(4)
    treatment, control = rng.normal(size=31), rng.normal(size=33)
    before, after = rank_sum(treatment, control), rank_sum(treatment + 8, control)
    assert (after.effect, after.low, after.high) == pytest.approx(
        (before.effect + 8, before.low + 8, before.high + 8)
    )


def test_one_sided_intervals_are_open():
    treatment, control = [1.0, 2, 3, 4.5, 9], [4.0, 5, 6, 7, 12]
    less = rank_sum(treatment, control, alternative="less")
    greater = rank_sum(treatment, control, alternative="greater")
    assert less.low is None
    assert greater.high is None
    assert less.high < 3
    assert less.p_value < 0.5 < greater.p_value


def test_all_values_the_same_have_p_1_and_effect_0():
    estimate = rank_sum([5.0] * 60, [5.0] * 60)
    assert figures(estimate) == (0.0, None, None, 1.0)
    assert "all values are the same: P is 1" in estimate.notes


def test_constant_arms_have_their_difference_as_effect_and_no_interval():
    estimate = rank_sum([2.0, 2, 2], [5.0, 5, 5, 5])
    assert figures(estimate)[:3] == (-3.0, None, None)
    assert 0 < estimate.p_value < 0.05
    assert any("no interval" in note for note in estimate.notes)


@pytest.mark.parametrize(
    ("treatment", "control", "named"),
    [
        ([], [1.0], "treatment"),
        ([1.0], [], "control"),
        ([], [], "treatment and control"),
        ([math.nan], [1], "treatment"),
    ],
)
def test_empty_arm_gives_no_figure_and_says_which(treatment, control, named):
    estimate = rank_sum(treatment, control)
    assert figures(estimate) == (None, None, None, None)
    assert f"no value in {named}: nothing to compare" in estimate.notes


def test_missing_values_are_left_out_and_counted_in_a_note():
    whole = rank_sum([1.0, 3, 8], [2.0, 5, 9, 11])
    holed = rank_sum([1.0, math.nan, 3, 8], [2.0, 5, 9, 11, math.nan])
    assert figures(holed) == figures(whole)
    assert (holed.n_treatment, holed.n_control) == (3, 4)
    assert "treatment: 1 of 4 values missing, left out" in holed.notes


def test_interval_that_cannot_have_the_confidence_says_which_it_has():
    few = rank_sum([1.0, 2, 4], [8.0, 16, 32])
    assert few.confidence_pct == pytest.approx(90.0)
    assert few.notes == (
        "no interval of 95 % confidence with so few values: the widest one is given, of 90 %",
    )


def test_confidence_slightly_short_is_told_although_r_is_silent():
    notes = rank_sum([1.0, 2, 4], [8.0, 16, 32, 64]).notes
    assert "94.29 %" in notes[0]


def test_end_that_no_shift_reaches_is_told():
    notes = " ".join(rank_sum([1.0, 2, 2], [2.0, 3, 4]).notes)
    assert "the smallest difference is given" in notes
    assert "the largest difference is given" in notes


def test_small_tied_arms_say_that_p_is_approximate():
    estimate = rank_sum([1.0, 2, 3, 3], [3.0, 4, 5, 6])
    assert not estimate.exact
    assert estimate.notes[0].startswith("tied values")


def test_ends_of_the_interval_are_differences_of_two_patients():
    treatment, control = np.round(np.random.default_rng(5).normal(size=(2, 70)), 2)
    estimate = rank_sum(treatment, control)
    every = np.subtract.outer(treatment, control)
    assert np.any(every == estimate.low)
    assert np.any(every == estimate.high)


@pytest.mark.parametrize("alpha", [0, 1, -0.05, 5, math.nan])
def test_alpha_outside_0_to_1_is_refused(alpha):
    with pytest.raises(ConfigurationError):
        rank_sum([1.0], [2.0], alpha=alpha)


def test_unknown_alternative_is_refused():
    with pytest.raises(ConfigurationError):
        rank_sum([1.0], [2.0], alternative="two.sided")


@pytest.mark.parametrize("values", [["a", "b"], [[1.0, 2.0]], [1.0, math.inf], [1e301]])
def test_values_that_are_no_list_of_finite_numbers_are_refused(values):
    with pytest.raises(InputError, match="control"):
        rank_sum([1.0, 2.0], values)


def test_many_pairs_are_not_held_in_memory():
    rng = np.random.default_rng(6)
    treatment, control = rng.normal(size=2000), rng.normal(0.1, 1, size=2000)
    tracemalloc.start()
    estimate = rank_sum(treatment, control)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * MEGABYTE  # 4 million differences take 32 MB
    every = np.sort(np.subtract.outer(treatment, control), axis=None)
    assert every[every.size // 2 - 1] <= estimate.effect <= every[every.size // 2]
    assert estimate.low in every
