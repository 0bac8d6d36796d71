from __future__ import annotations

import numpy as np
import pytest

from lesionseg.segmentation.winners import box_around, lung_leads, winning_labels


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_winner_is_the_first_of_the_largest_channels(kind: type) -> None:
    logits = np.random.default_rng(0).integers(-2, 3, (4, 5, 7, 6)).astype(kind)
    assert np.array_equal(winning_labels(logits), logits.argmax(axis=0))


def test_lung_leads_where_it_is_level_with_background() -> None:
    logits = np.random.default_rng(1).integers(-2, 3, (4, 5, 7, 6)).astype(np.float16)
    assert np.array_equal(lung_leads(logits), logits[1:].max(axis=0) >= logits[0])


def test_box_holds_all_that_is_set_and_its_margin_stays_inside() -> None:
    mask = np.zeros((6, 8, 9), dtype=bool)
    mask[1, 3:5, 8] = mask[4, 4, 6] = True
    assert mask[box_around(mask)].shape == (4, 2, 3)
    assert mask[box_around(mask, 2)].shape == (6, 6, 5)
    assert box_around(np.zeros_like(mask)) is None
