"""Scores and pooling of the evaluation, against figures worked out by hand."""

import numpy as np
import pytest

from scripts.evaluation.figures import REAL, Figure, groups, mean, median_magnitude, p95_magnitude, pooled
from scripts.evaluation.scores import DICE_RULES, Overlap, area_under_roc, chosen_by, share_pct, together

HALF, MISSED, FALSE_ALARM, EMPTY = Overlap(2, 2, 1), Overlap(0, 3, 0), Overlap(4, 0, 0), Overlap(0, 0, 0)


def test_dice_counts_shared_voxels_twice():
    found, true = np.array([1, 1, 0, 0], bool), np.array([0, 1, 1, 1], bool)
    assert Overlap.of(found, true) == Overlap(2, 3, 1)
    assert Overlap.of(found, true).dice == pytest.approx(2 / 5)
    assert EMPTY.dice == 1.0


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (DICE_RULES[0], (0.5 + 0 + 0) / 3),
        (DICE_RULES[1], (0.5 + 0) / 2),
        (DICE_RULES[2], (0.5 + 0 + 0 + 1) / 4),
    ],
)
def test_each_rule_treats_empty_slices_as_it_says(rule, expected):
    chosen = chosen_by(rule, [HALF, MISSED, FALSE_ALARM, EMPTY])
    assert np.mean([overlap.dice for overlap in chosen]) == pytest.approx(expected)


def test_all_pixels_together_weigh_slices_by_their_size():
    assert together([HALF, MISSED, FALSE_ALARM]).dice == pytest.approx(2 * 1 / (6 + 5))


def test_area_under_roc_ranks_and_halves_ties():
    positive = np.array([True, True, False, False])
    assert area_under_roc(np.array([3.0, 2.0, 1.0, 0.0]), positive) == 1.0
    assert area_under_roc(np.array([1.0, 1.0, 1.0, 1.0]), positive) == 0.5
    assert area_under_roc(np.array([2.0, 0.0, 1.0, 0.0]), positive) == pytest.approx((1 + 1 + 0 + 0.5) / 4)
    with pytest.raises(ValueError, match="positive and negative"):
        area_under_roc(np.array([1.0, 2.0]), np.array([True, True]))


def test_a_share_of_nothing_is_nothing():
    none = np.zeros(4, bool)
    assert share_pct(none, none) == 0.0
    assert share_pct(np.array([1, 1, 0, 0], bool), np.array([0, 1, 1, 1], bool)) == pytest.approx(100 / 3)


def test_magnitudes_ignore_the_sign():
    values = np.array([-4.0, 1.0, 2.0])
    assert median_magnitude(values) == 2.0
    assert p95_magnitude(values) == pytest.approx(2.0 + 0.9 * 2.0)


def test_pooling_counts_cases_and_gives_an_interval_only_where_there_are_enough():
    figures = [Figure(1, REAL, "default", "some", "Dice", value, case=str(value)) for value in range(12)]
    few, many = pooled(figures[:9], mean, "Dice, mean"), pooled(figures, mean, "Dice, mean")
    assert (few.value, few.count, few.case, few.low) == (4.0, 9, "", None)
    assert many.value == 5.5
    assert many.low < 5.5 < many.high


def test_figures_of_different_methods_are_never_pooled():
    figures = [
        Figure(1, REAL, method, "some", measure, 0.0) for method in ("a", "b") for measure in ("x", "y", "x")
    ]
    assert [(group[0].method, group[0].measure, len(group)) for group in groups(figures)] == [
        ("a", "x", 2), ("a", "y", 1), ("b", "x", 2), ("b", "y", 1),
    ]  # fmt: skip
