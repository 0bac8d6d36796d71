"""Figures of an image: what they measure, and what they do not mind."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from lesionseg.segmentation.image_figures import (
    SMALLEST_NOISE_HU,
    coarse_in_plane,
    lung_hu,
    noise_hu,
    slice_jumps_pct,
    slice_step_ratio,
    surface_mm2,
    tissue_hu,
)
from tests.segmentation.builders import simple_chest

SPACING_MM = (4.0, 3.0, 3.0)


@pytest.fixture(scope="module")
def hu() -> np.ndarray:
    return simple_chest(SPACING_MM, noise_hu=0.0).hu


def with_noise(hu: np.ndarray, noise: float) -> np.ndarray:
    return (hu + noise * np.random.default_rng(1).standard_normal(hu.shape)).astype(np.float32)


@pytest.mark.parametrize("noise", [10.0, 40.0])
def test_noise_is_found_whatever_else_the_image_shows(hu, noise):
    assert noise_hu(with_noise(hu, noise)) == pytest.approx(noise, rel=0.1)


def test_an_image_without_noise_or_without_tissue_has_the_smallest_noise(hu):
    assert noise_hu(hu) == SMALLEST_NOISE_HU
    assert noise_hu(np.full((2, 8, 8), -1000, np.float32)) == SMALLEST_NOISE_HU
    assert noise_hu(np.zeros((1, 2, 2), np.float32)) == SMALLEST_NOISE_HU


@pytest.mark.parametrize("offset", [-40.0, 0.0, 100.0])
def test_tissue_follows_a_shift_of_the_scale_despite_noise(hu, offset):
    coarse = coarse_in_plane(with_noise(hu, 30.0) + np.float32(offset), SPACING_MM)
    assert tissue_hu(coarse) == pytest.approx(40 + offset, abs=10)


def test_what_is_not_there_is_none():
    air = np.full((12, 8, 8), -1000, np.float32)
    assert tissue_hu(air) is None
    assert slice_jumps_pct(air) is None
    assert slice_jumps_pct(air[:2]) is None
    assert slice_step_ratio(air[:5]) is None
    assert lung_hu(air, np.zeros(air.shape, np.uint8)) is None


def test_lung_is_judged_without_its_lesions():
    values = np.array([[[-850, -840, -100]]], np.float32)
    assert lung_hu(values, np.array([[[1, 1, 3]]], np.uint8)) == -845


def test_slices_that_jump_to_and_fro_are_told_from_noise(hu):
    still = slice_jumps_pct(coarse_in_plane(with_noise(hu, 20.0), SPACING_MM))
    rng = np.random.default_rng(2)
    moved = np.stack([ndimage.shift(plane, rng.uniform(-4, 4, 2), order=1, cval=-1000) for plane in hu])
    assert still < 20
    assert slice_jumps_pct(coarse_in_plane(moved, SPACING_MM)) > 60


def test_one_jump_between_two_halves_is_found(hu):
    middle = hu.shape[0] // 2
    jumped = np.concatenate([hu[:middle], np.roll(hu[middle:], 12, axis=1)])
    still, moved = (slice_step_ratio(coarse_in_plane(image, SPACING_MM)) for image in (hu, jumped))
    assert moved > 1.5 * still


def test_surface_counts_faces_between_two_masks():
    cube = np.zeros((8, 8, 8), bool)
    cube[2:6, 2:6, 2:6] = True
    assert surface_mm2(cube, ~cube, (2.0, 1.0, 1.0)) == 2 * 16 * 1 + 4 * 16 * 2
    assert surface_mm2(cube, np.zeros_like(cube), (2.0, 1.0, 1.0)) == 0
