from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lesionseg.reports.cuts import AXIAL_LEVELS, choose_cuts, lung_box

SHAPE = (40, 20, 30)


def block(*ranges: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[tuple(slice(*pair) for pair in ranges)] = True
    return mask


LUNG = block((4, 36), (3, 17), (2, 28))


def test_slice_with_most_lesion_is_shown() -> None:
    lesion = block((10, 14), (5, 8), (5, 8)) | block((12, 13), (5, 12), (5, 12))
    cuts = choose_cuts(LUNG, lesion, {})
    assert 12 in cuts.axial


def test_levels_run_from_head_to_foot_over_the_whole_lung() -> None:
    cuts = choose_cuts(LUNG, np.zeros(SHAPE, bool), {})
    assert list(cuts.axial) == sorted(cuts.axial, reverse=True)
    assert len(cuts.axial) == AXIAL_LEVELS
    assert max(cuts.axial) >= 28
    assert min(cuts.axial) <= 11


def test_neighbouring_bands_do_not_show_the_same_place_twice() -> None:
    lesion = block((11, 13), (5, 8), (5, 8))  # on the border of the two lowest bands
    levels = choose_cuts(LUNG, lesion, {}).axial
    assert min(-np.diff(levels)) >= 4


def test_coronal_and_sagittal_planes_go_through_the_lesion() -> None:
    lesion = block((10, 14), (5, 7), (20, 22))
    sides = {"right lung": block((4, 36), (3, 17), (2, 15)), "left lung": block((4, 36), (3, 17), (15, 28))}
    cuts = choose_cuts(LUNG, lesion, sides)
    assert cuts.coronal in (5, 6)
    assert dict(cuts.sagittal)["left lung"] in (20, 21)
    assert 2 <= dict(cuts.sagittal)["right lung"] < 15


def test_a_thin_rim_of_lesion_does_not_draw_the_plane_to_the_lungs_edge() -> None:
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij")
    radius = np.sqrt(z**2 + y**2 + x**2)
    cuts = choose_cuts(radius < 0.9, (radius < 0.9) & (radius > 0.8), {})
    assert 6 <= cuts.sagittal[0][1] <= 23


def test_without_lung_the_middle_is_shown() -> None:
    nothing = np.zeros(SHAPE, bool)
    cuts = choose_cuts(nothing, nothing, {})
    assert cuts.coronal == 10
    assert cuts.sagittal == (("both lungs", 15),)
    assert lung_box(nothing, (5.0, 1.0, 1.0)) == (slice(0, 40), slice(0, 20), slice(0, 30))


def test_box_keeps_a_margin_in_mm_and_stays_inside() -> None:
    box = lung_box(block((10, 20), (8, 12), (0, 5)), (6.0, 9.0, 2.0))
    assert box == (slice(7, 23), slice(6, 14), slice(0, 14))


@pytest.mark.parametrize("slices", [1, 2, 3])
def test_few_slices_give_no_level_twice(slices: int) -> None:
    mask = np.ones((slices, 4, 4), bool)
    levels = choose_cuts(mask, mask, {}).axial
    assert len(set(levels)) == len(levels)
    assert set(levels) <= set(range(slices))


@given(st.integers(0, 2**32 - 1), st.tuples(*[st.integers(1, 9)] * 3), st.floats(0, 1), st.floats(0, 1))
def test_any_mask_gives_planes_inside_the_grid(
    seed: int, shape: tuple[int, int, int], lung_share: float, lesion_share: float
) -> None:
    rng = np.random.default_rng(seed)
    lung = rng.random(shape) < lung_share
    lesion = lung & (rng.random(shape) < lesion_share)
    cuts = choose_cuts(lung, lesion, {})
    assert cuts.axial
    assert all(0 <= index < shape[0] for index in cuts.axial)
    assert 0 <= cuts.coronal < shape[1]
    assert all(0 <= index < shape[2] for _, index in cuts.sagittal)
