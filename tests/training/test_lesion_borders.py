"""What makes the border of a synthetic lesion unlike a smooth blob."""

from dataclasses import replace

import torch

from lesionseg.core.labels import Label
from lesionseg.training.synthesis.fields import CELL_FIELDS, cells
from lesionseg.training.synthesis.lesions import LesionSettings, insert_lesions
from lesionseg.training.synthesis.patch import LungPatch
from tests.training.lung_patches import SPACING_MM, seeded

SMOOTH = LesionSettings(
    clear_probability=0.0,
    heavy_probability=1.0,
    heavy_burden=(0.3, 0.3),
    solid_probability=0.0,
    reticular_probability=0.0,
    fading_probability=0.0,
    nodular_probability=0.0,
    ragged_probability=0.0,
    lobular_probability=0.0,
)


def full_patch() -> LungPatch:
    hu = torch.full((6, 80, 80), -850.0)
    return LungPatch(hu, torch.ones_like(hu, dtype=torch.bool), torch.full_like(hu, 20.0), SPACING_MM)


def border_share(settings: LesionSettings) -> float:
    """Voxels at a border between lung and lesion, as a share of the lesion, over some seeds."""
    border = lesion = 0.0
    for seed in range(12):
        _, labels = insert_lesions(full_patch(), settings, seeded(seed))
        found = labels >= int(Label.NON_SOLID)
        border += float((found[:, :, 1:] != found[:, :, :-1]).sum() + (found[:, 1:] != found[:, :-1]).sum())
        lesion += float(found.sum())
    return border / lesion


def test_ragged_lesions_have_longer_borders():
    assert border_share(replace(SMOOTH, ragged_probability=1.0)) > 1.15 * border_share(SMOOTH)


def test_lobular_lesions_have_longer_borders():
    assert border_share(replace(SMOOTH, lobular_probability=1.0)) > 1.05 * border_share(SMOOTH)


def test_cells_are_compartments_of_one_level_and_of_the_asked_size():
    drawn = cells((4, 96, 96), SPACING_MM, 24.0, seeded())
    assert 2 <= len(drawn.unique()) <= CELL_FIELDS
    same = (drawn[:, :, 1:] == drawn[:, :, :-1]).float().mean()
    finer = cells((4, 96, 96), SPACING_MM, 9.0, seeded())
    assert same > 0.9
    assert (finer[:, :, 1:] == finer[:, :, :-1]).float().mean() < same


def test_cells_of_one_seed_are_the_same():
    first, again, other = (cells((2, 40, 40), SPACING_MM, 15.0, seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
