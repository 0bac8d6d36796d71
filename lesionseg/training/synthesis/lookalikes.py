"""What resembles a lesion and is none: effusion, emphysema, dependent density, bands, contrast, stomachs.

Drawn before lesions are inserted, so that disease also appears beside them.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from skimage.morphology import convex_hull_image
from torch import Tensor

from lesionseg.training.synthesis.fields import (
    blur,
    chance,
    grown,
    log_uniform,
    rank_threshold,
    smooth_noise,
    uniform,
)
from lesionseg.training.synthesis.patch import LungPatch
from lesionseg.training.synthesis.rim import with_rim

CONTRAST_FROM_HU = 10.0
"""Blood and muscle lie above, fat and lung below."""
BASE_LUNG_SHARE = 0.6
"""Where lung fills less of the rib cage, in the lowest slice, what lies under the diaphragm is in sight."""


def add_lookalikes(patch: LungPatch, generator: torch.Generator) -> LungPatch:
    """Draw some of them into the patch; an effusion is no longer lung.

    Probabilities and ranges are chosen by us: each is common enough to be learnt and rare enough not to hide
    the rest.
    """
    if not patch.lung.any():
        return patch
    cage = _rib_cage(patch)
    if chance(0.12, generator):
        patch = replace(patch, hu=_emphysema(patch, generator))
    if chance(0.15, generator):
        patch = replace(patch, hu=_dependent_density(patch, generator))
    if chance(0.15, generator):
        patch = replace(patch, hu=_atelectatic_bands(patch, generator))
    if chance(0.2, generator):
        patch = replace(patch, hu=_contrast_medium(patch, generator))
    if chance(0.15, generator):
        patch = _effusion(patch, generator)
    if float(patch.lung[0].sum()) < BASE_LUNG_SHARE * float(cage.sum()) and chance(0.85, generator):
        patch = replace(patch, hu=_stomach(patch, cage, generator))
    return patch


def _emphysema(patch: LungPatch, generator: torch.Generator) -> Tensor:
    field = smooth_noise(patch.shape, patch.spacing_mm, uniform(6.0, 25.0, generator), generator)
    level = rank_threshold(field, patch.lung, uniform(0.05, 0.5, generator))
    holes = torch.sigmoid((field - level) / 0.2) * patch.lung * (patch.hu < -600.0)
    return patch.hu - holes * uniform(30.0, 110.0, generator)


def _dependent_density(patch: LungPatch, generator: torch.Generator) -> Tensor:
    """Add a thin band of dense, poorly aired lung along the back, as in supine patients."""
    band = torch.exp(-patch.depth_mm / uniform(1.5, 5.0, generator)) * patch.lung
    rows = torch.linspace(0.0, 1.0, patch.hu.shape[1])[None, :, None]
    aired = ((-300.0 - patch.hu) / 550.0).clamp(0.0, 1.0)
    return patch.hu + uniform(60.0, 300.0, generator) * band * rows ** uniform(2.0, 6.0, generator) * aired


def _atelectatic_bands(patch: LungPatch, generator: torch.Generator) -> Tensor:
    """Add short plates of collapsed lung, 2 to 4 mm thick, towards the back."""
    scale_mm = uniform(60.0, 150.0, generator)
    field = smooth_noise(patch.shape, patch.spacing_mm, scale_mm, generator)
    plate = torch.exp(-((field * scale_mm / uniform(4.0, 8.0, generator)) ** 2))
    extent = smooth_noise(patch.shape, patch.spacing_mm, uniform(25.0, 60.0, generator), generator)
    rows = torch.linspace(0.0, 1.0, patch.hu.shape[1])[None, :, None]
    place = rows ** uniform(0.3, 2.0, generator) * torch.sigmoid(
        (extent - uniform(-0.2, 0.8, generator)) / 0.15
    )
    aired = ((-300.0 - patch.hu) / 550.0).clamp(0.0, 1.0)
    return patch.hu + uniform(300.0, 900.0, generator) * plate * place * aired * patch.lung


def _contrast_medium(patch: LungPatch, generator: torch.Generator) -> Tensor:
    blood = torch.sigmoid((blur(patch.hu, (0.0, 0.7, 0.7)) - CONTRAST_FROM_HU) / 15.0)
    return patch.hu + uniform(30.0, 200.0, generator) * blood


def _effusion(patch: LungPatch, generator: torch.Generator) -> LungPatch:
    """Put fluid along the back of the chest; what it covers is no longer lung.

    It has a level with a meniscus, or it is a crescent between wall and lung, as in supine patients.
    """
    shape = _crescent if chance(0.5, generator) else _below_level
    fluid = patch.lung & shape(patch, generator) & _one_side_at_times(patch, generator)
    water = uniform(-5.0, 30.0, generator) + 8.0 * torch.randn(patch.shape, generator=generator)
    lung = patch.lung & ~fluid
    wet = with_rim(fluid, patch.hu) & ~lung
    rim = torch.where(wet, torch.maximum(water, patch.hu), patch.hu)
    return replace(patch, hu=torch.where(fluid, water, rim), lung=lung, depth_mm=patch.depth_mm * lung)


def _below_level(patch: LungPatch, generator: torch.Generator) -> Tensor:
    """Everything behind a level, which rises towards the wall."""
    top, bottom = _rows_with_lung(patch)
    level = bottom - uniform(0.05, 0.35, generator) * (bottom - top)
    surface = level + 4.0 * smooth_noise((1, 1, patch.shape[2]), patch.spacing_mm, 60.0, generator)
    meniscus = uniform(5.0, 25.0, generator) * torch.exp(-patch.depth_mm / 6.0)
    return _row_numbers(patch) + meniscus > surface


def _crescent(patch: LungPatch, generator: torch.Generator) -> Tensor:
    """Draw a layer along the wall, thin in front and thick behind."""
    top, bottom = _rows_with_lung(patch)
    level = bottom - uniform(0.1, 0.6, generator) * (bottom - top)
    backwards = torch.sigmoid((_row_numbers(patch) - level) / (0.1 * (bottom - top + 1)))
    uneven = 1.0 + 0.2 * smooth_noise(patch.shape, patch.spacing_mm, 60.0, generator)
    return patch.depth_mm < log_uniform(6.0, 45.0, generator) * backwards * uneven - 1.0


def _one_side_at_times(patch: LungPatch, generator: torch.Generator) -> Tensor:
    """All columns, or those of one lung alone, shape (1, 1, columns)."""
    side = torch.ones(patch.shape[2], dtype=torch.bool)
    if chance(0.6, generator):
        side[_between_the_lungs(patch) :] = False
        side = ~side if chance(0.5, generator) else side
    return side[None, None, :]


def _between_the_lungs(patch: LungPatch) -> int:
    """Column with the least lung in the middle half of those that show some."""
    width = patch.lung.sum(dim=(0, 1))
    shown = torch.nonzero(width).flatten()
    quarter = (int(shown[-1]) - int(shown[0])) // 4
    first, last = int(shown[0]) + quarter, int(shown[-1]) - quarter
    return first + int(torch.argmin(width[first : last + 1]))


def _rows_with_lung(patch: LungPatch) -> tuple[int, int]:
    rows = torch.nonzero(patch.lung.any(dim=0).any(dim=1)).flatten()
    return int(rows[0]), int(rows[-1])


def _row_numbers(patch: LungPatch) -> Tensor:
    return torch.arange(patch.shape[1], dtype=torch.float32)[None, :, None]


def _rib_cage(patch: LungPatch) -> Tensor:
    """Convex hull of the lungs' shadow along the slices, shape (rows, columns)."""
    return torch.from_numpy(convex_hull_image(patch.lung.any(dim=0).numpy()))


def _stomach(patch: LungPatch, cage: Tensor, generator: torch.Generator) -> Tensor:
    """Fill parts of the tissue beside the lung, within the ribs, with food and gas: stomach and bowel."""
    tissue = ~patch.lung & (patch.hu > -150.0) & cage
    near_mm = uniform(15.0, 60.0, generator)
    reach = max(1, round(near_mm / patch.spacing_mm[1]))
    beside = grown(patch.lung, reach)
    shape = smooth_noise(patch.shape, patch.spacing_mm, uniform(30.0, 80.0, generator), generator)
    level = rank_threshold(shape, tissue & beside, uniform(0.05, 0.3, generator))
    filled = torch.sigmoid((shape - level) / 0.05) * tissue * beside
    food = smooth_noise(patch.shape, patch.spacing_mm, uniform(3.0, 12.0, generator), generator)
    content = uniform(-200.0, 60.0, generator) + uniform(20.0, 160.0, generator) * food
    if chance(0.7, generator):  # bubbles in food, or wide gas
        gas = smooth_noise(patch.shape, patch.spacing_mm, log_uniform(2.0, 15.0, generator), generator)
        content = torch.where(gas > uniform(0.8, 2.5, generator), uniform(-900.0, -300.0, generator), content)
    return torch.lerp(patch.hu, content, filled)
