"""The median of all pairwise differences, found without holding them."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lesionseg.core.errors import InputError
from lesionseg.statistics.rank import pairwise_differences
from lesionseg.statistics.rank.float_order import first_float
from lesionseg.statistics.rank.hodges_lehmann import hodges_lehmann
from lesionseg.statistics.rank.pairwise_differences import PairwiseDifferences, differences, sorted_arms

MEGABYTE = 2**20

values = st.lists(
    st.one_of(st.integers(-4, 4).map(float), st.floats(-1e6, 1e6), st.floats(-1e-9, 1e-9)),
    min_size=1,
    max_size=12,
)


@pytest.fixture(params=[0, 250_000], ids=["counted by rows", "held"])
def held_pairs(request, monkeypatch):
    """Both ways of counting."""
    monkeypatch.setattr(pairwise_differences, "HELD_PAIRS", request.param)


@given(values, values)
def test_shift_is_the_median_of_all_differences(treatment, control):
    assert hodges_lehmann(treatment, control) == np.median(np.subtract.outer(treatment, control))


@given(values, values)
def test_counting_by_rows_is_counting_the_differences(treatment, control):
    arms = sorted_arms(np.array(treatment), np.array(control))
    every = np.subtract.outer(treatment, control)
    for value in (*every.ravel()[:5], 0.0, 0.5):
        assert arms._counted_by_rows(value) == np.sum(every <= value)


def test_every_order_statistic_is_exact(held_pairs):
    rng = np.random.default_rng(1)
    treatment, control = np.round(rng.normal(size=9), 1), rng.normal(size=8)
    ordered = differences(sorted_arms(treatment, control))
    every = np.sort(np.subtract.outer(treatment, control), axis=None)
    assert [ordered.first_reaching(place) for place in range(1, 73)] == every.tolist()


def test_weight_of_a_stratum_counts_its_differences_more_often(held_pairs):
    once, thrice = (
        sorted_arms(np.array([5.0, 6]), np.array([1.0])),
        sorted_arms(np.array([0.0, 9]), np.array([2.0])),
    )
    weighted = PairwiseDifferences((once, thrice), (Fraction(1, 3), Fraction(1)))
    assert weighted.total == Fraction(8, 3)
    assert weighted.median() == np.median([4, 5, -2, -2, -2, 7, 7, 7])
    assert (weighted.smallest, weighted.largest) == (-2, 7)


def test_weights_that_balance_exactly_give_the_middle_of_the_gap():
    arms = [sorted_arms(np.array([shift]), np.array([0.0])) for shift in (1.0, 2.0, 3.0, 10.0)]
    sevenths = (
        Fraction(1, 7),
        Fraction(2, 7),
        Fraction(3, 14),
        Fraction(3, 14),
    )  # in floats they do not balance
    assert PairwiseDifferences(arms, sevenths).median() == 2.5


def test_nearest_difference_is_found():
    arms = sorted_arms(np.array([1.0, 4, 9]), np.array([0.0, 0.25]))
    assert arms.nearest(3.8) == 3.75
    assert arms.nearest(-100) == 0.75
    assert arms.nearest(100) == 9


def test_zero_is_found_between_numbers_of_both_signs():
    assert first_float(lambda value: value >= 0, -1e300, 1e300) == 0
    assert first_float(lambda value: value > 0, -1.0, 1.0) == 5e-324
    assert first_float(lambda value: value >= -0.1, -3.0, -0.0) == -0.1


def test_search_ends_at_the_upper_bound_where_nothing_holds():
    assert first_float(lambda value: False, -1.0, 2.0) == 2.0


@pytest.mark.parametrize(("treatment", "control"), [([], [1.0]), ([1.0], []), ([np.nan], [1.0])])
def test_empty_arm_has_no_shift(treatment, control):
    assert hodges_lehmann(treatment, control) is None


def test_missing_values_are_left_out():
    assert hodges_lehmann([1.0, np.nan, 3.0], [0.0]) == 2


def test_infinite_value_is_refused():
    with pytest.raises(InputError, match="treatment, value 2"):
        hodges_lehmann([1.0, np.inf], [0.0])


@pytest.mark.slow
def test_hundred_million_differences_take_a_few_megabytes():
    rng = np.random.default_rng(2)
    treatment, control = rng.normal(size=10_000), rng.normal(size=10_000)
    tracemalloc.start()
    shift = hodges_lehmann(treatment, control)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * MEGABYTE  # all of them: 800 MB
    below = sum(int(np.sum(value - control < shift)) for value in treatment)
    assert below == 50_000_000
