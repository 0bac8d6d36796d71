from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import max_pool2d

from lesionseg.core.labels import Label
from lesionseg.training.synthesis.fields import blur
from lesionseg.training.synthesis.lesions import (
    SOLID_FROM_HU,
    VISIBLE_RISE_HU,
    LesionSettings,
    insert_lesions,
)
from lesionseg.training.synthesis.patch import LungPatch
from lesionseg.training.synthesis.rim import with_rim
from lesionseg.training.synthesis.textures import consolidation, ground_glass, reticulation
from tests.training.lung_patches import SPACING_MM, blurred_border, lung_patch, seeded

ALWAYS = LesionSettings(clear_probability=0.0)


@pytest.mark.parametrize("seed", range(12))
def test_lesions_lie_in_the_lung_and_make_it_denser(seed):
    patch = lung_patch()
    hu, labels = insert_lesions(patch, ALWAYS, seeded(seed))
    assert set(labels.unique().tolist()) <= {int(label) for label in Label}
    assert not labels[~patch.lung].any()
    assert (labels[patch.lung] >= int(Label.LUNG)).all()
    lesion = labels >= int(Label.NON_SOLID)
    assert (hu - patch.hu)[lesion].mean() > 50
    far = torch.nn.functional.max_pool3d(patch.lung[None].float(), 5, 1, 2)[0] == 0
    assert torch.equal(hu[far], patch.hu[far])


def test_labelled_lesion_is_denser_than_clear_lung():
    raised, clear = [], []
    for seed in range(12):
        hu, labels = insert_lesions(lung_patch(), ALWAYS, seeded(seed))
        raised += hu[labels >= int(Label.NON_SOLID)].tolist()
        clear += hu[labels == int(Label.LUNG)].tolist()
    assert np.median(raised) > np.median(clear) + 100


def test_solid_is_what_is_denser_than_the_boundary():
    solid, non_solid = [], []
    for seed in range(24):
        hu, labels = insert_lesions(lung_patch(), ALWAYS, seeded(seed))
        dense = blur(hu, (0.0, 1.5, 1.5)) > SOLID_FROM_HU
        inner = max_pool2d((labels < Label.NON_SOLID).float(), 7, stride=1, padding=3) == 0  # off the border
        for label, found in ((Label.SOLID, solid), (Label.NON_SOLID, non_solid)):
            there = (labels == label) & inner
            found += [float(dense[there].float().mean())] if there.sum() > 200 else []
    assert len(solid) > 4
    assert len(non_solid) > 8
    assert np.mean(solid) > 0.75  # the rest are bronchi that stay open, and what the blur mixes
    assert np.mean(non_solid) < 0.1


@pytest.mark.parametrize("seed", range(6))
def test_lesion_that_cannot_be_seen_is_lung(seed):
    faint = replace(
        ALWAYS,
        ground_glass_hu=(-740.0, -730.0),
        solid_probability=0.0,
        reticular_probability=0.0,
        fading_probability=1.0,
        heavy_probability=1.0,
    )
    patch = lung_patch()
    hu, labels = insert_lesions(patch, faint, seeded(seed))
    rise = blur(hu - patch.hu, (0.0, 2.0, 2.0))
    inner = max_pool2d((~patch.lung).float(), 15, stride=1, padding=7) == 0
    found = (labels == int(Label.NON_SOLID)) & inner
    assert found.any()
    assert rise[found].quantile(0.05) > 0.6 * VISIBLE_RISE_HU


def test_lesions_of_one_seed_are_the_same_and_of_another_are_not():
    first = insert_lesions(lung_patch(), ALWAYS, seeded(5))
    again = insert_lesions(lung_patch(), ALWAYS, seeded(5))
    other = insert_lesions(lung_patch(), ALWAYS, seeded(6))
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[1], other[1])


def test_patch_without_lung_gets_no_lesion():
    patch = lung_patch()
    empty = LungPatch(patch.hu, torch.zeros_like(patch.lung), patch.depth_mm, SPACING_MM)
    hu, labels = insert_lesions(empty, ALWAYS, seeded())
    assert torch.equal(hu, patch.hu)
    assert not labels.any()


@pytest.mark.parametrize("seed", range(4))
def test_airless_lung_leaves_no_dark_line_against_the_wall(seed):
    settings = replace(
        ALWAYS,
        heavy_probability=1.0,
        heavy_burden=(1.0, 1.0),
        solid_probability=1.0,
        wholly_solid_probability=1.0,
        airless_probability=1.0,
        reticular_probability=0.0,
    )
    patch = blurred_border()
    hu, labels = insert_lesions(patch, settings, seeded(seed))
    assert (labels[patch.lung] == int(Label.SOLID)).all()
    ring = ~patch.lung & (max_pool2d(patch.lung.float(), 7, 1, 3) > 0.5)
    assert (patch.hu[ring] < -150.0).any()
    dark_before, dark = ((one[ring] < -150.0).float().mean() for one in (patch.hu, hu))
    assert dark < 0.2 * dark_before  # what is left are bronchi that stay open up to the wall


def test_with_rim_spares_open_airways_and_the_wall():
    hu = torch.tensor([[[-850.0, -850.0, -500.0, -300.0, 40.0, 40.0, -980.0, -500.0]]])
    inside = torch.tensor([[[True, True, False, False, False, False, False, False]]])
    assert with_rim(inside, hu)[0, 0].tolist() == [True, True, True, True, False, False, False, False]


def test_reticulation_is_a_mesh_over_lung_that_stays_aired():
    patch = lung_patch()
    drawn = [reticulation(patch, seeded(seed)) for seed in range(6)]
    for opacity in drawn:
        raised = (opacity.hu - patch.hu)[patch.lung]
        assert (raised >= 0.0).all()
        assert raised.quantile(0.98) - raised.median() > 100.0
        assert opacity.density_hu.max() <= -850.0 + 100.0
    assert not torch.equal(drawn[0].hu, drawn[1].hu)


def test_ground_glass_keeps_the_grain_of_the_lung_at_times_and_vessels_always():
    patch = lung_patch()
    grain = 30.0 * torch.randn(patch.shape, generator=seeded(7)) * patch.lung
    patch = replace(patch, hu=patch.hu + grain)
    patch.hu[:, 30, 30] = 0.0
    kept = []
    for seed in range(12):
        glass = ground_glass(patch, (-750.0, -380.0), 90.0, seeded(seed)).hu
        kept.append(float(torch.corrcoef(torch.stack([glass[patch.lung], patch.hu[patch.lung]]))[0, 1]))
        assert (glass - patch.hu)[:, 30, 30].abs().max() < 400
    assert max(kept) > 0.5
    assert min(kept) < 0.3


def test_consolidation_leaves_vessels_and_lies_in_its_range():
    patch = lung_patch()
    patch.hu[:, 30, 30] = 300.0
    dense = consolidation(patch, (-250.0, 60.0), seeded(2)).hu
    assert (dense[:, 30, 30] >= 300.0 - 1e-3).all()
    assert -450 < dense[patch.lung].median() < 200
