from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import max_pool2d

from lesionseg.training.chests.cutting import MOST_MERGED, PatchSettings, _first_slice, draw_patch
from lesionseg.training.chests.scans import TrainingScan
from tests.training.lung_patches import block_scan, seeded

PLAIN = PatchSettings(
    slices=4,
    in_plane=(96, 96),
    in_plane_spacing_mm=1.5,
    rotation_deg=0.0,
    zoom=(1.0, 1.0),
    stretch=1.0,
    warp_mm=0.0,
)


def round_lung(slice_mm: float = 3.0, slices: int = 40) -> TrainingScan:
    """One lung, a cylinder 42 mm in radius, all the way up."""
    rows, columns = np.mgrid[:96, :96] - 47.5
    section = rows**2 + columns**2 < 28.0**2
    lung = np.broadcast_to(section, (slices, 96, 96)).copy()
    hu = np.where(lung, -850, 40).astype(np.int16)
    depth_mm = np.where(lung, 10.0, 0.0).astype(np.float16)
    return TrainingScan("cylinder", hu, lung, np.zeros_like(lung), depth_mm, (slice_mm, 1.5, 1.5))


def width_and_height(mask: torch.Tensor) -> tuple[int, int]:
    section = mask.any(dim=0)
    return int(section.any(dim=0).sum()), int(section.any(dim=1).sum())


def test_without_stretch_and_warp_a_patch_keeps_the_shape_of_the_chest():
    for seed in range(6):
        patch, _ = draw_patch(round_lung(), PLAIN, seeded(seed))
        width, height = width_and_height(patch.lung)
        assert abs(width - height) <= 1


def test_stretch_makes_chests_broader_and_deeper_within_its_factor():
    ratios = []
    for seed in range(40):
        patch, _ = draw_patch(round_lung(), replace(PLAIN, stretch=1.3), seeded(seed))
        width, height = width_and_height(patch.lung)
        ratios.append(width / height)
    assert min(ratios) > 1 / 1.3 - 0.05
    assert max(ratios) < 1.3 + 0.05
    assert min(ratios) < 0.87
    assert max(ratios) > 1.15


def test_a_warp_bends_the_outline_and_keeps_truth_and_image_together():
    areas = []
    for seed in range(12):
        patch, ignored = draw_patch(round_lung(), replace(PLAIN, warp_mm=6.0), seeded(seed))
        assert not ignored.any()
        beside = max_pool2d(patch.lung.float(), 7, stride=1, padding=3).bool() & ~patch.lung
        assert (patch.hu[patch.lung] < -400).float().mean() > 0.99
        assert (patch.hu[beside] > -400).float().mean() > 0.9
        assert (patch.lung == patch.lung[:1]).all()  # the same on every slice
        areas.append(float(patch.lung[0].sum()))
    undisturbed = float(round_lung().lung[0].sum())
    assert np.std(areas) > 0.01 * undisturbed
    assert np.mean(areas) == pytest.approx(undisturbed, rel=0.1)


def test_thin_slices_are_averaged_to_what_thick_ones_are_but_no_further():
    thickness = {
        slice_mm: {
            round(draw_patch(round_lung(slice_mm), PLAIN, seeded(seed))[0].spacing_mm[0], 3)
            for seed in range(60)
        }
        for slice_mm in (1.5, 3.0, 8.0)
    }
    assert thickness[1.5] == {1.5 * merged for merged in range(1, MOST_MERGED + 1)}
    assert thickness[3.0] == {3.0, 6.0}
    assert thickness[8.0] == {8.0}


def test_stacks_are_drawn_below_the_lungs_too():
    scan = block_scan()
    firsts = [_first_slice(scan, 8, seeded(seed)) for seed in range(300)]
    below = sum(first < 0 for first in firsts)
    assert 30 < below < 200
