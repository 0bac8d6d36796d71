from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import max_pool2d

from lesionseg.core.labels import Label
from lesionseg.training.cutting import PatchSettings, PictureSettings, _first_slice
from lesionseg.training.fields import blur, rank_threshold, smooth_noise
from lesionseg.training.lesion_textures import consolidation, ground_glass, reticulation
from lesionseg.training.lookalikes import (
    _atelectatic_bands,
    _below_level,
    _between_the_lungs,
    _crescent,
    _rib_cage,
    _stomach,
    add_lookalikes,
)
from lesionseg.training.losses import IGNORED_LABEL, region_loss
from lesionseg.training.patch import LungPatch
from lesionseg.training.pictures import PICTURE_COLUMNS, as_picture, hounsfield_from_grey, segment_picture
from lesionseg.training.rim import with_rim
from lesionseg.training.sampling import BatchSettings, SyntheticBatches
from lesionseg.training.scanner import _breathing, scanner_variation
from lesionseg.training.scans import load_training_scan, save_training_scan, training_scan
from lesionseg.training.synthesis import SOLID_FROM_HU, VISIBLE_RISE_HU, LesionSettings, insert_lesions
from lesionseg.volume import CTVolume, VolumeGeometry

SPACING_MM = (3.0, 1.5, 1.5)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def lung_patch() -> LungPatch:
    hu = torch.full((6, 64, 64), 40.0)
    lung = torch.zeros_like(hu, dtype=torch.bool)
    lung[:, 8:56, 8:56] = True
    hu[lung] = -850.0
    depth_mm = torch.full_like(hu, 10.0) * lung
    return LungPatch(hu, lung, depth_mm, SPACING_MM)


ALWAYS = LesionSettings(clear_probability=0.0)


def block_scan(*, ignore=()):
    hu = np.full((20, 60, 70), 40, np.int16)
    hu[3:17, 10:50, 10:30] = -850
    hu[3:17, 10:50, 40:60] = -850
    volume = CTVolume(hu, VolumeGeometry.from_axes(hu.shape, SPACING_MM), "block")
    return training_scan(volume, lung=hu < -500, ignore=ignore)


def test_smooth_noise_has_unit_variance_and_the_asked_scale():
    fine = smooth_noise((4, 80, 80), SPACING_MM, 5.0, seeded())
    coarse = smooth_noise((4, 80, 80), SPACING_MM, 40.0, seeded())
    assert fine.std() == pytest.approx(1.0, abs=1e-3)
    assert fine.diff(dim=2).abs().mean() > 3 * coarse.diff(dim=2).abs().mean()


def test_blur_keeps_the_mean_of_a_constant_and_spreads_a_point():
    assert torch.allclose(blur(torch.full((3, 9, 9), 7.0), (1.0, 1.0, 1.0)), torch.tensor(7.0))
    point = torch.zeros(1, 15, 15)
    point[0, 7, 7] = 1.0
    spread = blur(point, (0.0, 1.0, 1.0))
    assert spread.sum() == pytest.approx(1.0, abs=1e-4)
    assert spread[0, 7, 7] < 0.2


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.5, 1.0])
def test_rank_threshold_keeps_the_asked_fraction(fraction):
    field = torch.randn((4, 30, 30), generator=seeded())
    level = rank_threshold(field, torch.ones_like(field, dtype=torch.bool), fraction)
    assert (field >= level).float().mean() == pytest.approx(fraction, abs=1e-3)


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


def test_scanner_variation_leaves_shape_and_tissue_contrast():
    patch = lung_patch()
    varied = scanner_variation(patch.hu, patch.lung, seeded(2))
    assert varied.shape == patch.hu.shape
    assert varied[~patch.lung].mean() - varied[patch.lung].mean() > 500


def small_batches(*, pictures: float, count: int = 6, first: int = 0, ignore=()) -> SyntheticBatches:
    settings = BatchSettings(
        stacks=2,
        pictures=3,
        picture_share=pictures,
        patches=PatchSettings(slices=4, in_plane=(48, 64)),
        picture=PictureSettings(in_plane=(96, 64), least_lung_cm2=1.0),
    )
    return SyntheticBatches([block_scan(ignore=ignore)], settings, count=count, seed=1, first=first)


@pytest.mark.parametrize(("pictures", "shape"), [(0.0, (2, 1, 4, 48, 64)), (1.0, (3, 1, 1, 96, 64))])
def test_batches_are_repeatable_and_mark_the_unknown(pictures, shape):
    left = ((0.0, 1.0), (0.0, 1.0), (0.0, 0.5))
    batches = small_batches(pictures=pictures, ignore=(left,))
    images, labels = batches[3]
    again, _ = batches[3]
    assert images.shape == shape
    assert labels.shape == (shape[0], *shape[2:])
    assert torch.equal(images, again)
    assert images.min() >= -1.0
    assert images.max() <= 1.0
    assert any((batches[index][1] == IGNORED_LABEL).any() for index in range(6))
    with pytest.raises(IndexError):
        batches[6]


def test_sequence_goes_on_where_an_earlier_one_stopped():
    whole = small_batches(pictures=0.5, count=5)
    rest = small_batches(pictures=0.5, count=2, first=3)
    assert torch.equal(whole[4][0], rest[1][0])


def test_picture_is_air_outside_its_crop_and_has_no_lung_there():
    images, labels = small_batches(pictures=1.0)[0]
    padded = (images[:, 0, 0] == -1.0) & (images[:, 0, 0].amax(dim=2, keepdim=True) == -1.0)
    assert padded.any()
    assert (labels[:, 0][padded] == int(Label.BACKGROUND)).all()
    assert (labels == int(Label.LUNG)).any()


def chest_slice() -> torch.Tensor:
    slice_hu = torch.full((60, 80), 45.0)
    slice_hu[10:50, 10:35] = -860.0
    slice_hu[10:50, 45:70] = -860.0
    slice_hu[20:26, 38:44] = -990.0
    slice_hu[30:40, 12:22] = -550.0
    return slice_hu + 5.0 * torch.randn((60, 80), generator=seeded(3))


@pytest.mark.parametrize("window", [(-1350.0, 150.0), (-1000.0, 400.0), (-1100.0, 100.0)])
def test_grey_picture_gives_back_hounsfield_units_whatever_the_window(window):
    hu = chest_slice()
    grey = ((hu - window[0]) * 255 / (window[1] - window[0])).clamp(0, 255).round()
    estimate = hounsfield_from_grey(grey)
    assert (estimate - hu).abs().median() < 40
    assert estimate[30:40, 12:22].mean() == pytest.approx(-550, abs=60)


def test_black_frame_around_a_picture_is_not_taken_for_air():
    hu = chest_slice()
    grey = ((hu + 1500) * 255 / 1700).clamp(0, 255).round()
    framed = torch.nn.functional.pad(grey, (6, 6, 6, 6))
    inner = hounsfield_from_grey(framed)[6:-6, 6:-6]
    assert (inner - hounsfield_from_grey(grey)).abs().max() < 1.0


def test_black_corners_that_smoothing_mixed_with_the_picture_are_not_taken_for_air():
    grey = ((chest_slice() + 1500) * 255 / 1700).clamp(0, 255).round()
    cut = grey.clone()
    rows, columns = torch.meshgrid(torch.arange(60), torch.arange(80), indexing="ij")
    for row in (rows, 59 - rows):
        for column in (columns, 79 - columns):
            cut *= ((row + column - 8) / 3.0).clamp(0.0, 1.0)
    kept = cut == grey
    assert not kept.all()
    change = hounsfield_from_grey(cut.round())[kept] - hounsfield_from_grey(grey)[kept]
    assert change.abs().max() < 10.0


@pytest.mark.parametrize("shape", [(5, 5), (1, 5), (5, 1)])
def test_picture_that_is_black_everywhere_stays_finite(shape):
    assert torch.isfinite(hounsfield_from_grey(torch.zeros(shape))).all()


def test_picture_of_one_grey_value_stays_finite():
    assert torch.isfinite(hounsfield_from_grey(torch.full((5, 5), 7.0))).all()


def test_spoilt_picture_stays_near_its_slice():
    hu = chest_slice()
    errors = [(as_picture(hu, seeded(seed)) - hu)[10:50, 10:35].abs().median() for seed in range(10)]
    assert max(errors) < 180
    assert len({float(error) for error in errors}) > 5


def test_segmented_picture_has_the_size_of_the_picture_and_mirrors_with_it():
    torch.manual_seed(0)
    network = torch.nn.Conv3d(1, 4, (1, 3, 3), padding=(0, 1, 1)).eval()
    grey = torch.rand((37, 53), generator=seeded(1)) * 255
    labels = segment_picture(network, grey, window_hu=(-1000.0, 400.0))
    assert labels.shape == grey.shape
    assert labels.dtype == torch.uint8


def test_segmented_picture_holds_no_specks():
    network = torch.nn.Conv3d(1, 4, 1).eval()
    with torch.no_grad():  # dark is lung, bright is solid component
        network.weight.copy_(torch.tensor([0.0, -8.0, 0.0, 8.0]).view(4, 1, 1, 1, 1))
        network.bias.zero_()
    grey = torch.full((PICTURE_COLUMNS, PICTURE_COLUMNS), 30.0)
    grey[:, 100:] = 200.0
    grey[20:23, 20:23] = 200.0
    labels = segment_picture(network, grey, window_hu=(-1000.0, 400.0))
    assert (labels[:, 110:-1] == int(Label.SOLID)).all()
    assert (labels[10:30, 10:30] == int(Label.LUNG)).all()


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


def blurred_border() -> LungPatch:
    patch = lung_patch()
    return replace(patch, hu=blur(patch.hu, (0.0, 1.0, 1.0)))


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


def test_breathing_mixes_neighbouring_sections_only():
    hu = torch.full((5, 32, 32), -850.0)
    hu[2] = 50.0
    for seed in range(6):
        mixed = _breathing(hu, seeded(seed))
        assert (mixed[2] <= 50.0).all()
        raised = [bool((mixed[index] > -850.0).any()) for index in range(5)]
        assert raised in ([False, True, True, False, False], [False, False, True, True, False])


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


def test_prepared_scan_survives_the_disk(tmp_path):
    scan = block_scan(ignore=(((0.0, 0.5), (0.0, 1.0), (0.0, 1.0)),))
    save_training_scan(scan, tmp_path / "scan.npz")
    back = load_training_scan(tmp_path / "scan.npz")
    assert back.name == "block"
    assert back.spacing_mm == SPACING_MM
    for name in ("hu", "lung", "ignored", "depth_mm"):
        assert np.array_equal(getattr(back, name), getattr(scan, name))


def test_loss_of_the_truth_is_small_and_ignored_voxels_do_not_count():
    labels = torch.randint(0, 4, (1, 2, 16, 16), generator=seeded())
    logits = 20.0 * torch.nn.functional.one_hot(labels, 4).movedim(-1, 1).float()
    loss, figures = region_loss(logits, labels)
    assert loss < 1e-3
    assert figures["dice_solid"] > 0.999
    spoiled = logits.clone()
    spoiled[:, :, 0] = -spoiled[:, :, 0]
    worse, _ = region_loss(spoiled, labels)
    assert worse > 1.0
    hidden = labels.clone()
    hidden[:, 0] = IGNORED_LABEL
    assert region_loss(spoiled, hidden)[0] < 1e-3


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


def test_stacks_are_drawn_below_the_lungs_too():
    scan = block_scan()
    firsts = [_first_slice(scan, 8, seeded(seed)) for seed in range(300)]
    below = sum(first < 0 for first in firsts)
    assert 30 < below < 200
