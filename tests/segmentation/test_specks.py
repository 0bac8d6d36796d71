from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lesionseg.segmentation.specks import SMALLEST_PIECE_MM3, drop_specks, smallest_piece_voxels
from lesionseg.volume.components import component_sizes, label_components

LABELS = hnp.arrays(
    np.uint8,
    hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=7),
    elements=st.integers(0, 3),
)


def lung() -> np.ndarray:
    return np.ones((6, 12, 12), np.uint8)


def test_small_piece_of_lesion_becomes_lung_whatever_it_holds():
    labels = lung()
    labels[2, 2, 2:5] = (2, 3, 2)
    drop_specks(labels, 4)
    assert np.array_equal(labels, lung())


def test_piece_of_just_the_smallest_size_stays():
    labels = lung()
    labels[2, 2, 2:5] = (2, 3, 3)
    labels[4, 8, 8:10] = 3
    expected = labels.copy()
    drop_specks(labels, 2)
    assert np.array_equal(labels, expected)


def test_small_core_in_a_large_lesion_becomes_non_solid():
    labels = lung()
    labels[1:5, 2:10, 2:10] = 2
    expected = labels.copy()
    labels[2, 5, 5] = 3
    drop_specks(labels, 10)
    assert np.array_equal(labels, expected)


def test_pieces_that_touch_by_a_corner_are_one():
    labels = lung()
    labels[1, 1, 1] = labels[2, 2, 2] = labels[3, 3, 3] = 2
    expected = labels.copy()
    drop_specks(labels, 3)
    assert np.array_equal(labels, expected)


def test_single_slice_is_judged_by_its_pixels():
    labels = np.ones((8, 8), np.uint8)
    labels[1:4, 1:4] = 2
    labels[6, 6] = 3
    drop_specks(labels, 5)
    assert labels[2, 2] == 2
    assert labels[6, 6] == 1


def test_size_in_voxels_follows_from_the_spacing():
    assert smallest_piece_voxels((1.0, 1.0, 1.0)) == SMALLEST_PIECE_MM3
    assert smallest_piece_voxels((5.0, 0.7, 0.7)) == 41
    assert smallest_piece_voxels((8.0, 4.0, 4.0)) == 1


@pytest.mark.parametrize("smallest", [0, 1])
def test_nothing_is_too_small_for_one_voxel(smallest):
    labels = lung()
    labels[0, 0, 0] = 3
    drop_specks(labels, smallest)
    assert labels[0, 0, 0] == 3


@given(LABELS, st.integers(1, 6))
def test_lung_stays_and_no_small_piece_is_left(drawn, smallest):
    labels = drawn.copy()
    drop_specks(labels, smallest)
    assert np.array_equal(labels > 0, drawn > 0)
    assert (labels <= drawn).all()
    for least in (2, 3):
        sizes = component_sizes(label_components(labels >= least, 26 if labels.ndim == 3 else 8))[1:]
        assert (sizes >= smallest).all()
