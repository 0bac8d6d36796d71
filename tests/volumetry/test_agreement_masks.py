"""Dice and surface Dice of masks whose agreement is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lesionseg.core.errors import MeasurementError
from lesionseg.volumetry.agreement import dice, surface_dice

CUBIC_MM = (1.0, 1.0, 1.0)
PAIRS = arrays(np.bool_, st.tuples(st.just(2), *[st.integers(1, 5)] * 3))
SPACINGS = st.sampled_from([CUBIC_MM, (0.5, 0.5, 0.5), (5.0, 0.7, 0.7), (1.25, 0.9, 2.1)])


def box(shape: tuple[int, int, int], *ranges: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(shape, np.bool_)
    mask[tuple(slice(*ends) for ends in ranges)] = True
    return mask


def sphere(radius_mm: float, spacing_mm: tuple[float, float, float], half_mm: float = 26.0) -> np.ndarray:
    axes = [np.arange(-half_mm, half_mm + length / 2, length) for length in spacing_mm]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    return z**2 + y**2 + x**2 <= radius_mm**2


def test_dice_of_half_shifted_boxes_is_one_half() -> None:
    first, second = (box((4, 4, 10), (0, 4), (0, 4), ends) for ends in ((0, 6), (3, 9)))
    assert dice(first, second) == 0.5


def test_dice_of_a_single_slice_is_that_of_its_pixels() -> None:
    first, second = np.array([[True, True, False]]), np.array([[True, False, False]])
    assert dice(first, second) == pytest.approx(2 / 3)


@pytest.mark.parametrize("measure", [dice, lambda a, b: surface_dice(a, b, CUBIC_MM)])
def test_two_empty_masks_agree_and_one_empty_mask_does_not(measure) -> None:
    empty, filled = np.zeros((3, 3, 3), np.bool_), box((3, 3, 3), (1, 2), (1, 2), (1, 2))
    assert measure(empty, empty) == 1
    assert measure(empty, filled) == measure(filled, empty) == 0


@pytest.mark.parametrize("spacing_mm", [CUBIC_MM, (2.5, 1.0, 1.0), (1.0, 0.7, 1.4)])
def test_concentric_spheres_agree_from_their_distance_on(spacing_mm) -> None:
    inner, outer = sphere(15, spacing_mm), sphere(20, spacing_mm)
    voxel_mm = max(spacing_mm)
    assert surface_dice(inner, outer, spacing_mm, 5 + voxel_mm) == 1
    assert surface_dice(inner, outer, spacing_mm, 5 - voxel_mm) < 0.1
    assert 0.4 < surface_dice(inner, outer, spacing_mm, 4.5) < 0.75


@pytest.mark.parametrize(("axis", "distance_mm"), [(0, 5.0), (1, 0.8), (2, 0.7)])
def test_a_shift_by_one_voxel_agrees_from_that_axis_spacing_on(axis, distance_mm) -> None:
    spacing_mm = (5.0, 0.8, 0.7)
    first = box((14, 14, 14), (2, 11), (2, 11), (2, 11))
    second = np.roll(first, 1, axis)
    assert surface_dice(first, second, spacing_mm, distance_mm) == 1
    assert surface_dice(first, second, spacing_mm, 0.9 * distance_mm) < 0.99


def test_shifted_cubes_disagree_by_the_areas_that_geometry_gives() -> None:
    side, step_mm, tolerance_mm = 40, 3, 2.5  # half way between two distances on the grid
    first, second = (box((50, 50, 50), (4, 44), (4, 44), ends) for ends in ((2, 42), (5, 45)))
    outer_face, inner_face = side**2, (side - 2 * tolerance_mm) ** 2  # the inner one is near along its rim
    strips = 4 * side * (step_mm - tolerance_mm)
    expected = 1 - (outer_face + inner_face + strips) / (6 * side**2)
    assert surface_dice(first, second, CUBIC_MM, tolerance_mm) == pytest.approx(expected, abs=0.003)


def test_surfaces_count_by_their_area_in_mm2_not_by_their_number_of_voxels() -> None:
    spacing_mm = (8.0, 1.0, 1.0)
    shared = box((24, 60, 60), (2, 12), (2, 42), (2, 42))
    extra = box((24, 60, 60), (16, 20), (48, 56), (48, 56))
    shared_mm2 = 2 * 40 * 40 + 4 * 40 * 10 * 8.0
    extra_mm2 = 2 * 8 * 8 + 4 * 8 * 4 * 8.0
    expected = 2 * shared_mm2 / (2 * shared_mm2 + extra_mm2)
    assert surface_dice(shared | extra, shared, spacing_mm, 2.0) == pytest.approx(expected, rel=0.01)


# Made once with DeepMind's surface-distance 0.1, the definition's own implementation.
REFERENCE = [
    ((1.0, 1.0, 1.0), 0.0, 0.6555503003385537),
    ((3.0, 0.7, 0.7), 0.7, 0.9046890326172116),
    ((2.5, 0.9, 1.3), 1.3, 0.9049304820184452),
]


@pytest.mark.parametrize(("spacing_mm", "tolerance_mm", "expected"), REFERENCE)
def test_ragged_masks_give_what_the_definition_s_own_implementation_gives(
    spacing_mm, tolerance_mm, expected
) -> None:
    z, y, x = np.indices((9, 12, 11))
    first = np.sin(1.3 * z) + np.cos(0.9 * y + 0.4 * x) > 0.4
    second = np.sin(1.1 * z + 0.9) + np.cos(0.6 * y + 0.7 * x) > 0.7
    assert surface_dice(first, second, spacing_mm, tolerance_mm) == pytest.approx(expected, abs=1e-12)


def test_a_mask_at_the_edge_of_the_array_is_measured_as_one_inside() -> None:
    first, second = (box((6, 6, 6), (0, 4), (0, 4), ends) for ends in ((0, 4), (0, 6)))
    inside = [np.pad(mask, 3) for mask in (first, second)]
    assert surface_dice(first, second, CUBIC_MM, 1.0) == surface_dice(*inside, CUBIC_MM, 1.0)


@given(PAIRS, SPACINGS, st.floats(0, 10))
def test_measures_are_symmetric_shares_that_grow_with_the_tolerance(pair, spacing_mm, tolerance_mm) -> None:
    first, second = pair
    found = surface_dice(first, second, spacing_mm, tolerance_mm)
    assert 0 <= found <= 1
    assert 0 <= dice(first, second) <= 1
    assert dice(first, second) == dice(second, first)
    assert surface_dice(second, first, spacing_mm, tolerance_mm) == pytest.approx(found)
    assert surface_dice(first, second, spacing_mm, tolerance_mm + 1) >= found
    assert surface_dice(first, first, spacing_mm, 0) == dice(first, first) == 1


@given(PAIRS, st.permutations(range(3)))
def test_turning_both_masks_changes_nothing(pair, axes) -> None:
    first, second = pair
    spacing_mm = (3.0, 0.7, 1.1)
    turned = [np.ascontiguousarray(mask.transpose(axes)[::-1]) for mask in pair]
    turned_mm = tuple(spacing_mm[axis] for axis in axes)
    expected = surface_dice(first, second, spacing_mm, 1.5)
    assert surface_dice(*turned, turned_mm, 1.5) == pytest.approx(expected)


def test_what_is_no_pair_of_masks_is_refused() -> None:
    mask = np.ones((2, 2, 2), np.bool_)
    for measure in (dice, lambda a, b: surface_dice(a, b, CUBIC_MM)):
        with pytest.raises(MeasurementError, match="differ in shape"):
            measure(mask, mask[:1])
        with pytest.raises(MeasurementError, match="must be bool"):
            measure(mask, mask.astype(np.uint8))


@pytest.mark.parametrize(
    ("shape", "spacing_mm", "tolerance_mm"),
    [
        ((2, 2), (1.0, 1.0), 2.0),
        ((2, 2, 2), (1.0, 1.0), 2.0),
        ((2, 2, 2), (1.0, 0.0, 1.0), 2.0),
        ((2, 2, 2), (1.0, float("nan"), 1.0), 2.0),
        ((2, 2, 2), CUBIC_MM, -1.0),
    ],
)
def test_surfaces_without_lengths_in_three_dimensions_are_refused(shape, spacing_mm, tolerance_mm) -> None:
    mask = np.ones(shape, np.bool_)
    with pytest.raises(MeasurementError):
        surface_dice(mask, mask, spacing_mm, tolerance_mm)
