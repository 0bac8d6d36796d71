"""Limits of agreement, intraclass and concordance correlation, bootstrap: against published figures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lesionseg.core.errors import MeasurementError
from lesionseg.volumetry.agreement import (
    bland_altman,
    bootstrap_interval,
    concordance,
    icc_agreement,
    icc_of_ratings,
)

SHROUT_FLEISS = [
    [9, 2, 5, 8],
    [6, 1, 3, 2],
    [8, 4, 6, 8],
    [7, 1, 2, 6],
    [10, 5, 6, 9],
    [6, 2, 4, 7],
]
"""Shrout and Fleiss 1979, table 2: six targets, four judges."""
FIGURES = st.lists(st.tuples(*[st.floats(-1e4, 1e4)] * 2), min_size=2, max_size=8)


def test_icc_is_that_of_shrout_and_fleiss_worked_example() -> None:
    assert icc_of_ratings(SHROUT_FLEISS).value == pytest.approx(0.29, abs=0.005)


# What ICC(x, lmer = FALSE) of R's psych 2.2.9 prints as ICC2, with its interval.
LESION_ML = ([12.1, 55.3, 230.4, 8.2, 99.9, 310.7, 41.0], [14.0, 49.8, 251.1, 7.9, 120.3, 289.5, 44.4])
OPPOSED = ([1, 2, 3, 4, 5.5], [5, 3.5, 3, 2, 1.2])
FROM_R = [
    (SHROUT_FLEISS, (0.2897637795, 0.01878651337, 0.7610843696)),
    (np.transpose(LESION_ML), (0.9929216154, 0.9618107315, 0.9987680306)),
    (np.transpose(OPPOSED), (-1.576035409, -1.64857063, -1.037152922)),
]


@pytest.mark.parametrize(("ratings", "expected"), FROM_R)
def test_icc_and_its_interval_agree_with_r(ratings, expected) -> None:
    found = icc_of_ratings(ratings)
    assert (found.value, found.low, found.high) == pytest.approx(expected, rel=1e-8)


def test_icc_of_two_raters_agrees_with_the_analysis_of_variance_by_hand() -> None:
    x, y = [1.0, 3.0, 5.0], [2.0, 3.0, 7.0]
    # about the mean 3.5: all 23.5; cases (1.5, 3, 6) 21, so 10.5; raters (3, 4) 1.5; rest 1 over 2, so 0.5
    assert icc_agreement(x, y).value == pytest.approx((10.5 - 0.5) / (10.5 + 0.5 + 2 * (1.5 - 0.5) / 3))


def test_a_constant_offset_lowers_icc_and_concordance_but_not_correlation() -> None:
    x = np.arange(10.0)
    for measure in (icc_agreement, concordance):
        assert measure(x, x).value == pytest.approx(1)
        assert measure(x, x + 3).value < 0.75
    assert np.corrcoef(x, x + 3)[0, 1] == pytest.approx(1)


def test_concordance_is_lins_formula() -> None:
    x, y = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.5, 1.5, 3.5, 5.5])
    # means 2.5 and 3; variances (1/n) 1.25 and 2.75; covariance 1.75
    assert concordance(x, y).value == pytest.approx(2 * 1.75 / (1.25 + 2.75 + 0.25))


def test_perfect_agreement_has_an_interval_without_width() -> None:
    found = icc_agreement([1.1, 2.2, 3.7], [1.1, 2.2, 3.7])
    assert (found.value, found.low, found.high) == (1, 1, 1)


@pytest.mark.parametrize("measure", [icc_agreement, concordance])
def test_figures_that_are_all_the_same_have_no_correlation_and_say_why(measure) -> None:
    for same in (0.0, 0.1, 1e4 / 3):
        found = measure([same] * 5, [same] * 5)
        assert (found.value, found.low, found.reason) == (None, None, "no-variance")


def test_bland_altman_of_four_differences_by_hand() -> None:
    found = bland_altman([11.0, 20.0, 28.0, 41.0], [10.0, 22.0, 25.0, 39.0])
    # differences 1, -2, 3, 2: mean 1, squares about it 0 + 9 + 4 + 1, SD sqrt(14 / 3); t(3) = 3.1824
    sd, t = math.sqrt(14 / 3), 3.182446
    assert found.cases == 4
    assert found.sd == pytest.approx(sd)
    assert (found.bias.value, found.bias.low, found.bias.high) == pytest.approx(
        (1, 1 - t * sd / 2, 1 + t * sd / 2), rel=1e-6
    )
    margin = t * sd * math.sqrt(1 / 4 + 1.959964**2 / 6)
    for limit, value in ((found.lower, 1 - 1.959964 * sd), (found.upper, 1 + 1.959964 * sd)):
        assert (limit.value, limit.low, limit.high) == pytest.approx(
            (value, value - margin, value + margin), rel=1e-6
        )


def test_swapping_prediction_and_reference_turns_the_sign_of_the_bias() -> None:
    x, y = [1.0, 4.0, 2.5], [0.5, 5.0, 1.0]
    forth, back = bland_altman(x, y), bland_altman(y, x)
    assert forth.bias.value == pytest.approx(-back.bias.value)
    assert forth.upper.value == pytest.approx(-back.lower.value)


@given(FIGURES)
def test_no_figure_is_ever_infinite_or_not_a_number(pairs) -> None:
    x, y = zip(*pairs, strict=True)
    limits = bland_altman(x, y)
    estimates = [icc_agreement(x, y), concordance(x, y), limits.bias, limits.lower, limits.upper]
    for estimate in estimates:
        parts = [estimate.value, estimate.low, estimate.high]
        assert all(part is None or math.isfinite(part) for part in parts)
        assert (estimate.value is None) == bool(estimate.reason)


@given(st.integers(0, 1000), st.integers(3, 30), st.floats(0.01, 10))
def test_icc_lies_in_its_interval(seed, cases, noise) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 3, cases)
    found = icc_agreement(truth + rng.normal(0, noise, cases), truth + rng.normal(0, noise, cases))
    assert found.low <= found.value <= found.high


def test_bootstrap_interval_of_a_mean_is_about_that_of_theory() -> None:
    values = np.random.default_rng(3).normal(10, 2, 400)
    found = bootstrap_interval(values, np.mean)
    margin = 1.96 * values.std(ddof=1) / 20
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx(
        (values.mean() - margin, values.mean() + margin), abs=0.03
    )


def test_bootstrap_repeats_with_its_seed_and_differs_with_another() -> None:
    values = np.random.default_rng(0).normal(size=15)
    assert bootstrap_interval(values, np.median, seed=4) == bootstrap_interval(values, np.median, seed=4)
    assert bootstrap_interval(values, np.mean, seed=4) != bootstrap_interval(values, np.mean, seed=5)


def test_bootstrap_draws_whole_cases() -> None:
    pairs = np.column_stack((np.arange(12.0), np.arange(12.0) + 1))
    found = bootstrap_interval(pairs, lambda drawn: float((drawn[:, 1] - drawn[:, 0]).mean()))
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_bootstrap_refuses_a_statistic_that_a_resample_leaves_undefined() -> None:
    def harmonic(values: np.ndarray) -> float:
        return float("nan") if values.min() == values.max() else float(values.mean())

    with pytest.raises(MeasurementError, match="not a finite number for every resample"):
        bootstrap_interval([1.0, 2.0], harmonic)


@pytest.mark.parametrize("measure", [bland_altman, icc_agreement, concordance])
def test_fewer_than_two_cases_unequal_lists_and_missing_values_are_refused(measure) -> None:
    for x, y in (([], []), ([1.0], [1.0]), ([1.0, 2.0], [1.0]), ([1.0, float("nan")], [1.0, 2.0])):
        with pytest.raises(MeasurementError):
            measure(x, y)
    with pytest.raises(MeasurementError):
        bootstrap_interval([1.0], np.mean)
