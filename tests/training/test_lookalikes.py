from dataclasses import replace

import pytest
import torch
from torch.nn.functional import max_pool2d

from lesionseg.training.synthesis.lookalikes import (
    _atelectatic_bands,
    _below_level,
    _between_the_lungs,
    _crescent,
    _one_side_at_times,
    _rib_cage,
    _stomach,
    add_lookalikes,
)
from lesionseg.training.synthesis.patch import LungPatch
from tests.training.lung_patches import SPACING_MM, blurred_border, lung_patch, seeded


@pytest.mark.parametrize("seed", range(12))
def test_lookalikes_never_add_lung_and_keep_depth_inside(seed):
    patch = lung_patch()
    changed = add_lookalikes(patch, seeded(seed))
    assert not (changed.lung & ~patch.lung).any()
    assert (changed.depth_mm[~changed.lung] == 0).all()
    assert torch.isfinite(changed.hu).all()


def base_of_the_lungs():
    patch = lung_patch()
    between = torch.zeros_like(patch.lung)
    between[:, :, 20:44] = True
    lung = patch.lung & ~between
    return replace(patch, lung=lung, hu=torch.where(patch.lung & between, 40.0, patch.hu))


def test_full_stomach_lies_within_the_ribs_beside_the_lung_and_leaves_it_alone():
    patch = base_of_the_lungs()
    filled = _stomach(patch, _rib_cage(patch), seeded(3))
    changed = (filled - patch.hu).abs() > 30.0
    within = torch.zeros_like(patch.lung)
    within[:, 8:56, 8:56] = True
    assert not changed[patch.lung | ~within].any()
    assert 0.01 < changed[within & ~patch.lung].float().mean() < 0.6


def test_no_stomach_is_drawn_where_the_lungs_fill_the_rib_cage():
    def filled(patch, seed):
        fat = replace(patch, hu=torch.where(patch.lung, patch.hu, -100.0))  # which takes no contrast medium
        beside = max_pool2d(patch.lung.float(), 3, 1, 1) == 0  # where an effusion does not reach
        return bool(((add_lookalikes(fat, seeded(seed)).hu - fat.hu).abs() > 5.0)[beside].any())

    narrow, wide = base_of_the_lungs(), lung_patch()
    assert sum(filled(narrow, seed) for seed in range(40)) > 5
    assert sum(filled(wide, seed) for seed in range(40)) == 0


def test_effusion_leaves_no_dark_line_against_the_wall():
    patch = blurred_border()
    drawn = [add_lookalikes(patch, seeded(seed)) for seed in range(60)]
    drained = [changed for changed in drawn if changed.lung.sum() < patch.lung.sum()]
    assert drained
    for changed in drained:
        fluid = patch.lung & ~changed.lung
        around = ~patch.lung & (max_pool2d(fluid.float(), 5, 1, 2) > 0.5)
        assert (changed.hu[around] > -150.0).float().mean() > 0.95


def test_atelectatic_bands_are_thin_and_stay_lung():
    patch = lung_patch()
    drawn = [_atelectatic_bands(patch, seeded(seed)) - patch.hu for seed in range(12)]
    assert all((raised >= 0.0).all() and not raised[~patch.lung].any() for raised in drawn)
    shares = [float((raised > 100.0)[patch.lung].float().mean()) for raised in drawn]
    assert sum(share > 0.0 for share in shares) > 6
    assert max(shares) < 0.25


def test_effusion_is_water_and_no_longer_lung():
    patch = lung_patch()
    drawn = [add_lookalikes(patch, seeded(seed)) for seed in range(60)]
    drained = [changed for changed in drawn if changed.lung.sum() < patch.lung.sum()]
    assert drained
    fluid = patch.lung & ~drained[0].lung
    assert -40 < drained[0].hu[fluid].median() < 60


def lung_with_depth() -> LungPatch:
    """Two lungs, 30 columns wide each, with their distance from the surface in plane."""
    patch = lung_patch()
    lung = patch.lung & ~((torch.arange(64) >= 29) & (torch.arange(64) < 35))
    rows, columns = torch.arange(64.0)[:, None], torch.arange(64.0)[None]
    across = torch.minimum(
        (columns - 7).minimum(29 - columns).maximum((columns - 34).minimum(56 - columns)), rows - 7
    )
    depth_mm = 1.5 * torch.minimum(across, 56 - rows).clamp_min(0.0) * lung
    return LungPatch(torch.where(lung, -850.0, 40.0), lung, depth_mm, SPACING_MM)


@pytest.mark.parametrize("shape", [_crescent, _below_level])
def test_an_effusion_lies_behind(shape):
    patch = lung_with_depth()
    front, back = [], []
    for seed in range(20):
        fluid = shape(patch, seeded(seed)) & patch.lung
        front.append(float(fluid[:, 8:20].sum()))
        back.append(float(fluid[:, 44:56].sum()))
    assert sum(back) > 5 * sum(front)
    assert sum(behind > 0 for behind in back) >= 15


def test_an_effusion_of_one_side_ends_between_the_lungs():
    patch = lung_with_depth()
    assert 28 <= _between_the_lungs(patch) <= 35
    lopsided = replace(patch, lung=patch.lung & ~((torch.arange(64) >= 8) & (torch.arange(64) < 24)))
    assert 28 <= _between_the_lungs(lopsided) <= 35


def test_an_effusion_fills_one_side_or_the_other_or_both():
    patch = lung_with_depth()
    middle = _between_the_lungs(patch)
    sides = {tuple(_one_side_at_times(patch, seeded(seed))[0, 0].tolist()) for seed in range(30)}
    left = tuple(column < middle for column in range(64))
    assert sides == {(True,) * 64, left, tuple(not inside for inside in left)}
