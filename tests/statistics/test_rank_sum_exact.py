"""The exact distribution of the rank-sum statistic."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest

from lesionseg.statistics.rank.exact import RankSumDistribution


def all_statistics(n_treatment, n_control):
    """U of every allocation of the ranks, counted one by one."""
    ranks = range(1, n_treatment + n_control + 1)
    return np.array([sum(chosen) for chosen in combinations(ranks, n_treatment)]) - comb(n_treatment + 1, 2)


@pytest.mark.parametrize("sizes", [(1, 1), (1, 6), (4, 3), (3, 4), (5, 6)])
def test_probabilities_are_those_of_counting_every_allocation(sizes):
    every, distribution = all_statistics(*sizes), RankSumDistribution(*sizes)
    for u in range(-1, distribution.largest + 2):
        assert distribution.probability_up_to(u) == pytest.approx(np.mean(every <= u), abs=1e-15)
        assert distribution.probability_from(u) == pytest.approx(np.mean(every >= u), abs=1e-15)


@pytest.mark.parametrize(
    ("probability", "sizes", "quantile"),
    [(0.025, (49, 49), 925), (0.7, (5, 6), 18), (0.05, (3, 3), 0), (0.5, (4, 4), 8)],
)
def test_quantile_is_that_of_qwilcox(probability, sizes, quantile):
    assert RankSumDistribution(*sizes).quantile(probability) == quantile


def test_probability_with_the_largest_exact_arms_is_that_of_pwilcox():
    assert RankSumDistribution(49, 49).probability_up_to(1000) == pytest.approx(
        0.077968162023427587, rel=1e-13
    )


def test_two_sided_p_is_twice_the_smaller_tail_and_at_most_1():
    distribution = RankSumDistribution(3, 3)
    assert distribution.p_value(0, "two-sided") == pytest.approx(0.1)
    assert distribution.p_value(4, "two-sided") == distribution.p_value(5, "two-sided") == 1
    assert distribution.p_value(0, "less") == pytest.approx(0.05)
    assert distribution.p_value(0, "greater") == 1
