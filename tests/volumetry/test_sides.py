"""The patient's right lung and left lung, told apart by shape and place alone."""

from __future__ import annotations

from pathlib import Path

import cc3d
import numpy as np
import pytest
from scipy import ndimage

from lesionseg.core.errors import GeometryError
from lesionseg.volume import VolumeGeometry, read_label_map, read_volume_file
from lesionseg.volumetry import Side, split_lungs
from tests.volumetry.chest import GRID, LEFT_LUNG, RIGHT_LUNG, Ellipsoid
from tests.volumetry.real_lungs import threshold_lungs

RIGHT, LEFT = RIGHT_LUNG.mask(GRID), LEFT_LUNG.mask(GRID)


def dice(first: np.ndarray, second: np.ndarray) -> float:
    return 2 * np.count_nonzero(first & second) / (np.count_nonzero(first) + np.count_nonzero(second))


def side_dice(sides: np.ndarray, right: np.ndarray, left: np.ndarray) -> float:
    """The worse of both sides' Dice within the true lungs."""
    lung = right | left
    return min(dice((sides == Side.RIGHT) & lung, right), dice((sides == Side.LEFT) & lung, left))


def test_lungs_apart_are_told_apart_exactly():
    sides = split_lungs(RIGHT | LEFT, GRID)
    np.testing.assert_array_equal(sides == Side.RIGHT, RIGHT)
    np.testing.assert_array_equal(sides == Side.LEFT, LEFT)
    assert sides.dtype == np.uint8


def test_an_empty_mask_has_no_sides():
    assert not split_lungs(np.zeros(GRID.shape, bool), GRID).any()


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(GeometryError, match="shape"):
        split_lungs(RIGHT[1:], GRID)


@pytest.mark.parametrize("iterations", [1, 2, 3, 4])
def test_lungs_that_touch_are_cut_where_they_touch(iterations):
    grown = ndimage.binary_dilation(RIGHT | LEFT, iterations=iterations)
    sides = split_lungs(grown, GRID)
    np.testing.assert_array_equal(sides > 0, grown)
    assert side_dice(sides, RIGHT, LEFT) > 0.99


def test_a_thin_bridge_is_cut():
    lung = RIGHT | LEFT
    lung[30:40, 28:30, 20:60] = True
    assert side_dice(split_lungs(lung, GRID), RIGHT, LEFT) > 0.999


def test_lungs_fused_beyond_erosion_are_cut_at_the_valley_between_them():
    lung = RIGHT | LEFT
    lung[20:50, 15:45, 25:60] = True
    assert side_dice(split_lungs(lung, GRID), RIGHT, LEFT) > 0.98


@pytest.mark.parametrize(("lung", "side"), [(RIGHT, Side.RIGHT), (LEFT, Side.LEFT)])
def test_a_single_lung_stays_whole_on_its_side(lung, side):
    assert set(np.unique(split_lungs(lung, GRID)[lung])) == {side}


def test_a_single_lung_that_crosses_the_midline_is_not_cut():
    wide = Ellipsoid((-20, 0, 0), (90, 75, 120)).mask(GRID)
    assert set(np.unique(split_lungs(wide, GRID)[wide])) == {Side.RIGHT}


def test_the_midline_given_decides_for_a_single_lung():
    assert set(np.unique(split_lungs(RIGHT, GRID, midline_x_mm=-140.0)[RIGHT])) == {Side.LEFT}


def test_a_lung_in_two_pieces_stays_on_one_side():
    right = RIGHT.copy()
    right[34:38] = False
    assert side_dice(split_lungs(right | LEFT, GRID), right, LEFT) == 1


def test_a_nearly_collapsed_lung_keeps_its_side():
    remnant = Ellipsoid((-70, 20, 90), (18, 18, 18)).mask(GRID)
    assert side_dice(split_lungs(remnant | LEFT, GRID), remnant, LEFT) == 1


def test_islands_follow_the_nearest_lung():
    lung = RIGHT | LEFT
    lung[36, 2, 20], lung[36, 2, 66] = True, True
    sides = split_lungs(lung, GRID)
    assert (sides[36, 2, 20], sides[36, 2, 66]) == (Side.RIGHT, Side.LEFT)


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("flips", [(), (2,), (0, 1), (0, 1, 2)])
def test_the_affine_and_not_the_array_decides_which_side_is_which(axes, flips):
    affine = np.array(GRID.affine)[:, [*axes, 3]]
    shape = tuple(GRID.shape[axis] for axis in axes)
    for axis in flips:
        affine[:3, 3] += affine[:3, axis] * (shape[axis] - 1)
        affine[:3, axis] *= -1
    right, left = (np.flip(mask.transpose(axes), flips) for mask in (RIGHT, LEFT))
    sides = split_lungs(right | left, VolumeGeometry(shape, affine))
    np.testing.assert_array_equal(sides == Side.RIGHT, right)
    np.testing.assert_array_equal(sides == Side.LEFT, left)


def test_mirroring_the_mask_on_its_grid_swaps_the_sides():
    sides = split_lungs((RIGHT | LEFT)[:, :, ::-1], GRID)[:, :, ::-1]
    np.testing.assert_array_equal(sides == Side.LEFT, RIGHT)


@pytest.mark.real_data
@pytest.mark.parametrize("patient", ["lung1-001", "lung1-002"])
@pytest.mark.parametrize("grown", [0, 1, 3])
def test_contoured_lungs_are_split_as_their_readers_did(real_data: Path, patient, grown):
    contour = read_label_map(real_data / "ct-1p5mm" / f"{patient}_lung.nii.gz")
    right, left = contour.labels == Side.RIGHT, contour.labels == Side.LEFT
    mask = contour.labels > 0
    if grown:
        mask = ndimage.binary_dilation(mask, iterations=grown)
    assert side_dice(split_lungs(mask, contour.geometry), right, left) >= 0.99


@pytest.mark.real_data
def test_real_lungs_split_into_two_of_plausible_share(real_data: Path):
    shares = {}
    for path in sorted(real_data.glob("ct-1p5mm/*_ct.nii.gz")):
        volume = read_volume_file(path)
        sides = split_lungs(threshold_lungs(volume), volume.geometry)
        counts = np.bincount(sides.ravel(), minlength=3)
        shares[path.name] = counts[Side.RIGHT] / counts[1:].sum()
        for side in (Side.RIGHT, Side.LEFT):
            pieces = cc3d.statistics(cc3d.connected_components(np.ascontiguousarray(sides == side)))
            assert max(pieces["voxel_counts"][1:]) > 0.9 * counts[side], path.name
    collapsed = shares.pop("lidc0314_ct.nii.gz")  # right upper collapse
    assert 0.25 < collapsed < 0.45
    assert all(0.4 < share < 0.68 for share in shares.values()), shares
