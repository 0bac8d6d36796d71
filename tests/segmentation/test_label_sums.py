"""Lesion and lung at stricter and laxer decisions, from probabilities that are known."""

from __future__ import annotations

import numpy as np
import pytest

from lesionseg.segmentation.label_sums import argmax_tally, sum_labels

SPACING_MM = (5.0, 1.5, 1.5)
SURE = (0.0, 1.0, 0.0, 0.0)
OUTSIDE = (1.0, 0.0, 0.0, 0.0)


def logits_of(probabilities: np.ndarray) -> np.ndarray:
    """Logits, float16, whose softmax is `probabilities` (slices, rows, columns, labels)."""
    return np.moveaxis(np.log(np.maximum(probabilities, 1e-4)), -1, 0).astype(np.float16)


def lung_of(odd: tuple[float, float, float, float], count: int) -> np.ndarray:
    """A sure lung of 10 x 10 x 10 voxels amid 20 x 20 of background; `count` voxels within it are `odd`."""
    probabilities = np.tile(np.array(OUTSIDE), (10, 20, 20, 1))
    probabilities[:, 5:15, 5:15] = SURE
    flat = probabilities[5, 8:12, 6:14].reshape(-1, 4)
    flat[:count] = odd
    probabilities[5, 8:12, 6:14] = flat.reshape(4, 8, 4)
    return probabilities


def sums_of(probabilities: np.ndarray, labels: np.ndarray | None = None):
    labels = np.argmax(probabilities, axis=-1).astype(np.uint8) if labels is None else labels
    return sum_labels(logits_of(probabilities), labels, np.zeros(labels.shape, bool), SPACING_MM)


def test_a_sure_network_leaves_no_interval():
    sums = sums_of(lung_of((0.0, 0.0, 1.0, 0.0), 20))
    for tally in (sums.decided, sums.strict, sums.lax):
        assert (tally.lung, tally.lesion, tally.solid) == (1000, 20, 0)
    assert sums.expected.lesion_pct == pytest.approx(2.0, abs=0.2)
    assert sums.unsure_lesion_mm3 == pytest.approx(0, abs=20)


@pytest.mark.parametrize(
    ("lesion", "strict", "decided", "lax"),
    [(0.2, 0, 0, 0), (0.4, 0, 0, 20), (0.6, 0, 20, 20), (0.8, 20, 20, 20)],
)
def test_an_unsure_lesion_counts_by_how_sure_it_is(lesion, strict, decided, lax):
    sums = sums_of(lung_of((0.0, 1 - lesion, lesion, 0.0), 20))
    assert (sums.strict.lesion, sums.decided.lesion, sums.lax.lesion) == (strict, decided, lax)
    assert sums.strict.lung == sums.lax.lung == 1000
    assert sums.expected.lesion == pytest.approx(20 * lesion, abs=0.5)


def test_a_lesion_that_may_lie_outside_the_lung_takes_lung_with_it():
    sums = sums_of(lung_of((0.45, 0.0, 0.0, 0.55), 20))
    assert (sums.decided.lung, sums.decided.solid) == (1000, 20)
    assert (sums.strict.lung, sums.strict.solid) == (980, 0)
    assert (sums.lax.lung, sums.lax.solid) == (1000, 20)


def test_a_lesion_beside_the_lung_brings_lung_along():
    probabilities = lung_of(SURE, 0)
    probabilities[:, 15, 5:15] = (0.6, 0.0, 0.0, 0.4)
    sums = sums_of(probabilities)
    assert (sums.decided.lung, sums.decided.solid) == (1000, 0)
    assert (sums.lax.lung, sums.lax.solid) == (1100, 100)


def test_a_filled_hole_counts_as_sure():
    probabilities = lung_of((1.0, 0.0, 0.0, 0.0), 20)
    labels = np.argmax(probabilities, axis=-1).astype(np.uint8)
    labels[5, 8:12, 6:14][labels[5, 8:12, 6:14] == 0] = 3
    sums = sums_of(probabilities, labels)
    assert [tally.solid for tally in (sums.decided, sums.strict, sums.lax)] == [20, 20, 20]
    assert sums.expected.solid == pytest.approx(20, abs=0.5)


def test_what_post_processing_threw_away_does_not_count():
    probabilities = lung_of(SURE, 0)
    labels = np.argmax(probabilities, axis=-1).astype(np.uint8)
    probabilities[:, :2, :2] = (0.0, 0.0, 1.0, 0.0)
    assert sums_of(probabilities, labels).lax.lesion == 0
    assert argmax_tally(logits_of(probabilities)).lesion == 40


def test_airways_are_no_doubt_of_the_border():
    probabilities = lung_of(SURE, 0)
    labels = np.argmax(probabilities, axis=-1).astype(np.uint8)
    airways = np.zeros(labels.shape, bool)
    airways[:, 4, 5:15] = True
    probabilities[:, 4, 5:15] = (0.5, 0.5, 0.0, 0.0)
    with_them = sum_labels(logits_of(probabilities), labels, np.zeros(labels.shape, bool), SPACING_MM)
    without = sum_labels(logits_of(probabilities), labels, airways, SPACING_MM)
    assert with_them.unsure_border_mm3 == pytest.approx(100 * 11.25, rel=0.05)
    assert without.unsure_border_mm3 < 0.1 * with_them.unsure_border_mm3


def test_no_lung_gives_zeros_and_no_division():
    labels = np.zeros((3, 6, 6), np.uint8)
    sums = sum_labels(np.zeros((4, 3, 6, 6), np.float16), labels, labels > 0, SPACING_MM)
    assert sums.decided.lesion_pct == sums.expected.solid_pct == 0.0
