from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lesionseg.segmentation.postprocessing import clean_lungs


def ball(shape: tuple[int, int, int], centre: tuple[int, int, int], radius: float) -> np.ndarray:
    offsets = np.moveaxis(np.indices(shape), 0, -1) - np.asarray(centre)
    return np.linalg.norm(offsets, axis=-1) <= radius


SHAPE = (40, 40, 80)
RIGHT = ball(SHAPE, (20, 20, 20), 14)
LEFT = ball(SHAPE, (20, 20, 60), 12)


def two_lungs() -> np.ndarray:
    labels = np.zeros(SHAPE, np.uint8)
    labels[RIGHT | LEFT] = 1
    return labels


def test_two_clean_lungs_stay_as_they_are() -> None:
    labels = two_lungs()
    labels[ball(SHAPE, (20, 20, 20), 5)] = 2
    labels[ball(SHAPE, (20, 20, 20), 3)] = 3
    assert np.array_equal(clean_lungs(labels), labels)


def test_single_lung_stays() -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[RIGHT] = 1
    assert np.array_equal(clean_lungs(labels), labels)


def test_shrunken_second_lung_stays() -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[RIGHT] = 1
    labels[ball(SHAPE, (20, 20, 60), 7)] = 3  # an eighth of the other lung, consolidated
    assert np.array_equal(clean_lungs(labels), labels)


def test_third_piece_and_crumbs_are_dropped() -> None:
    labels = two_lungs()
    labels[ball(SHAPE, (35, 5, 40), 4)] = 1
    labels[0, 0, 0] = 1
    assert np.array_equal(clean_lungs(labels), two_lungs())


def test_crumb_is_not_taken_for_the_second_lung() -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[RIGHT] = 1
    expected = labels.copy()
    labels[ball(SHAPE, (20, 20, 60), 4)] = 1
    assert np.array_equal(clean_lungs(labels), expected)


def test_lesion_off_the_lungs_is_dropped_and_one_on_them_kept() -> None:
    labels = two_lungs()
    island, rim = ball(SHAPE, (5, 35, 40), 3), ball(SHAPE, (20, 35, 20), 3)
    labels[island] = 2
    labels[rim] = 3
    cleaned = clean_lungs(labels)
    assert not cleaned[island].any()
    assert (cleaned[rim] == 3).all()


def test_hole_becomes_lung_without_lesion_and_lesions_keep_their_label() -> None:
    labels = two_lungs()
    hole = ball(SHAPE, (20, 20, 20), 4)
    labels[ball(SHAPE, (20, 20, 30), 3)] = 2
    labels[hole] = 0
    cleaned = clean_lungs(labels)
    assert (cleaned[hole] == 1).all()
    assert np.array_equal(cleaned[~hole], labels[~hole])


def test_hole_wrapped_in_lesion_is_its_solid_core() -> None:
    labels = (ball(SHAPE, (20, 20, 20), 12) * np.uint8(1)).astype(np.uint8)
    labels[ball(SHAPE, (20, 20, 20), 7)] = 2
    core = ball(SHAPE, (20, 20, 20), 4)
    labels[core] = 0
    cleaned = clean_lungs(labels)
    assert (cleaned[core] == 3).all()
    assert np.array_equal(cleaned[~core], labels[~core])


def test_notch_that_opens_to_the_outside_is_no_hole() -> None:
    labels = two_lungs()
    labels[18:22, 18:22, :20] = 0
    assert np.array_equal(clean_lungs(labels), labels)


def test_gap_between_the_lungs_is_not_filled() -> None:
    labels = two_lungs()
    labels[18:23, 10:30, 30:52] = 1  # a bridge, so that they are one piece
    assert np.array_equal(clean_lungs(labels), labels)


def test_bare_row_of_voxels_is_no_trouble() -> None:
    labels = np.array([1, 0, 2], np.uint8).reshape(1, 1, 3)
    assert np.array_equal(clean_lungs(labels), labels)


def test_empty_map_stays_empty() -> None:
    labels = np.zeros((3, 4, 5), np.uint8)
    cleaned = clean_lungs(labels)
    assert not cleaned.any()
    assert cleaned is not labels


@given(hnp.arrays(np.uint8, (6, 7, 8), elements=st.integers(0, 3)))
def test_labels_are_kept_dropped_or_filled_but_never_exchanged(labels: np.ndarray) -> None:
    before = labels.copy()
    cleaned = clean_lungs(labels)
    assert np.array_equal(labels, before)
    assert ((cleaned == labels) | (cleaned == 0) | ((labels == 0) & np.isin(cleaned, (1, 3)))).all()
    assert np.array_equal(clean_lungs(cleaned), cleaned)
