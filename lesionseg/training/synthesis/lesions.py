"""Synthetic COVID-like lesions, put into clear lung, with their exact truth.

Shapes are level sets of smooth random fields with peripheral, dependent and focal priors. Ground glass
raises the lung while brighter vessels stay visible; consolidation replaces it, sometimes with air
bronchograms (`lesion_textures`). Hounsfield ranges enclose the published mixture for COVID-19 lung (healthy
-829, ground glass -652, consolidation -337, dense -12) and the -300 HU boundary between the latter.

Convention of the truth: *lesion* is where the drawn opacity has more than a third of its strength and
makes the lung denser by a visible amount, for readers outline a border that fades as far as it can be seen;
*solid* is lesion whose drawn density (fine
grain, septa, vessels and open airways left out) is above -300 HU, the published boundary. The rest of the
lesion is *non-solid*.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lesionseg.core.labels import Label
from lesionseg.training.synthesis.fields import (
    cells,
    chance,
    log_uniform,
    multiscale_noise,
    rank_threshold,
    smooth_noise,
    uniform,
)
from lesionseg.training.synthesis.patch import LungPatch
from lesionseg.training.synthesis.rim import with_rim
from lesionseg.training.synthesis.textures import consolidation, ground_glass, reticulation

SOLID_FROM_HU = -300.0
LESION_FROM = 1 / 3
"""Of the opacity's full strength."""
VISIBLE_RISE_HU = 60.0
"""About the grain of a lung in a noisy scan; what rises by less is lung, however wide it fades out."""


@dataclass(frozen=True)
class LesionSettings:
    """Ranges from which each synthetic lesion load is drawn; HU and mm.

    A load is mild (share of the lung drawn evenly on a log scale) or heavy (drawn evenly), so that both a
    small focus and a lung full of disease are common; the share is that of half the opacity's strength or
    more. Airless consolidation has the density of the chest wall; reticular lesions are meshes of thickened
    septa over lung with next to no ground glass. Ragged lesions have fine teeth at their border; lobular ones
    fill or spare whole secondary lobules, which are 10 to 25 mm wide.
    """

    clear_probability: float = 0.15
    heavy_probability: float = 0.5
    mild_burden: tuple[float, float] = (0.005, 0.5)
    heavy_burden: tuple[float, float] = (0.05, 0.85)
    ground_glass_hu: tuple[float, float] = (-750.0, -380.0)
    least_contrast_hu: float = 120.0
    solid_probability: float = 0.65
    wholly_solid_probability: float = 0.12
    dependent_solid_probability: float = 0.3
    solid_share: tuple[float, float] = (0.02, 0.85)
    solid_hu: tuple[float, float] = (-250.0, 0.0)
    airless_probability: float = 0.4
    airless_hu: tuple[float, float] = (25.0, 70.0)
    solid_scales_mm: tuple[float, ...] = (10.0, 22.0, 45.0)
    shape_scales_mm: tuple[float, ...] = (11.0, 26.0, 60.0)
    nodular_probability: float = 0.1
    nodular_scales_mm: tuple[float, ...] = (8.0, 16.0)
    regional_probability: float = 0.15
    regional_scales_mm: tuple[float, ...] = (40.0, 90.0)
    edge_softness: tuple[float, float] = (0.02, 0.25)
    fading_probability: float = 0.3
    fading_softness: tuple[float, float] = (0.25, 0.7)
    ragged_probability: float = 0.5
    ragged_scales_mm: tuple[float, float] = (3.0, 7.0)
    lobular_probability: float = 0.3
    lobule_mm: tuple[float, float] = (12.0, 25.0)
    reticular_probability: float = 0.1


def insert_lesions(
    patch: LungPatch, settings: LesionSettings, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw a lesion load and put it into the patch.

    Returns
    -------
    hu : Tensor, float32
        The patch with lesions.
    labels : Tensor, uint8
        Exclusive truth, values of `Label`. Lung alone where the draw leaves the lung clear or there is none.
    """
    labels = patch.lung.to(torch.uint8) * int(Label.LUNG)
    if not patch.lung.any() or chance(settings.clear_probability, generator):
        return patch.hu, labels
    field = _shape_field(patch, settings, generator)
    burden = _draw_burden(settings, generator)
    fading = chance(settings.fading_probability, generator)
    edge = uniform(*(settings.fading_softness if fading else settings.edge_softness), generator)
    level = rank_threshold(field, patch.lung, burden)
    lesion = torch.sigmoid((field - level) / edge) * with_rim(patch.lung, patch.hu)
    solid = lesion * _consolidated_part(field - level, lesion > LESION_FROM, patch, settings, generator)
    if chance(settings.reticular_probability, generator):
        glass = reticulation(patch, generator)
    else:
        glass = ground_glass(patch, settings.ground_glass_hu, settings.least_contrast_hu, generator)
    hu, density, rise = torch.lerp(patch.hu, glass.hu, lesion), glass.density_hu, lesion * glass.rise_hu
    if bool((solid > 0.0).any()):
        airless = chance(settings.airless_probability, generator)
        dense = consolidation(patch, settings.airless_hu if airless else settings.solid_hu, generator)
        hu, density = torch.lerp(hu, dense.hu, solid), torch.lerp(density, dense.density_hu, solid)
        rise = rise + solid * (dense.rise_hu - rise)
    found = (lesion > LESION_FROM) & (rise > VISIBLE_RISE_HU) & patch.lung
    labels[found] = int(Label.NON_SOLID)
    labels[found & (density > SOLID_FROM_HU)] = int(Label.SOLID)
    return hu, labels


def _draw_burden(settings: LesionSettings, generator: torch.Generator) -> float:
    if chance(settings.heavy_probability, generator):
        return uniform(*settings.heavy_burden, generator)
    return log_uniform(*settings.mild_burden, generator)


def _shape_field(patch: LungPatch, settings: LesionSettings, generator: torch.Generator) -> Tensor:
    """Sum multi-scale noise and peripheral, dependent and focal priors; sometimes nodules, regions, bands."""
    field = multiscale_noise(patch.shape, patch.spacing_mm, _scales(settings, generator), generator)
    reach_mm = uniform(8.0, 30.0, generator)
    field += uniform(0.0, 2.5, generator) * torch.exp(-patch.depth_mm / reach_mm)
    field += uniform(-0.3, 1.5, generator) * _to_the_back(patch)
    field += uniform(0.0, 1.5, generator) * _to_the_side(patch)
    if chance(0.35, generator):
        focus = smooth_noise(patch.shape, patch.spacing_mm, uniform(60.0, 150.0, generator), generator)
        field += uniform(1.0, 3.0, generator) * focus
    if chance(0.2, generator):
        thickness = uniform(0.1, 0.3, generator)
        bands = smooth_noise(patch.shape, patch.spacing_mm, uniform(30.0, 80.0, generator), generator)
        field += 2.0 * torch.exp(-((bands / thickness) ** 2))
    return field + _border_detail(patch, settings, generator)


def _border_detail(patch: LungPatch, settings: LesionSettings, generator: torch.Generator) -> Tensor:
    """Fine teeth, and lobules that are filled or spared as a whole; 0 where neither is drawn."""
    detail = torch.zeros(patch.shape)
    if chance(settings.ragged_probability, generator):
        scale_mm = log_uniform(*settings.ragged_scales_mm, generator)
        teeth = smooth_noise(patch.shape, patch.spacing_mm, scale_mm, generator)
        detail += uniform(0.05, 0.35, generator) * teeth
    if chance(settings.lobular_probability, generator):
        lobules = cells(patch.shape, patch.spacing_mm, uniform(*settings.lobule_mm, generator), generator)
        detail += uniform(0.2, 0.9, generator) * lobules
    return detail


def _scales(settings: LesionSettings, generator: torch.Generator) -> tuple[float, ...]:
    """Feature sizes: mostly mixed; at times nodules alone, or regions alone."""
    pick = uniform(0.0, 1.0, generator)
    if pick < settings.nodular_probability:
        return settings.nodular_scales_mm
    if pick < settings.nodular_probability + settings.regional_probability:
        return settings.regional_scales_mm
    return settings.shape_scales_mm


def _to_the_back(patch: LungPatch) -> Tensor:
    """From -1 at the first row to 1 at the last, shape (1, rows, 1)."""
    return torch.linspace(-1.0, 1.0, patch.shape[1])[None, :, None]


def _to_the_side(patch: LungPatch) -> Tensor:
    """From -1 in the middle between the lungs to 1 at their sides, shape (1, 1, columns).

    Lesions of COVID-19 are peripheral; depth alone does not say so, for it is as small at the hilum.
    """
    filled = torch.nonzero(patch.lung.any(dim=0).any(dim=0)).flatten().float()
    middle, reach = (filled[0] + filled[-1]) / 2, (filled[-1] - filled[0]).clamp_min(1.0) / 2
    distance = (torch.arange(patch.shape[2], dtype=torch.float32) - middle).abs() / reach
    return (2.0 * distance.clamp_max(1.0) - 1.0)[None, None, :]


def _consolidated_part(
    height: Tensor, lesion: Tensor, patch: LungPatch, settings: LesionSettings, generator: torch.Generator
) -> Tensor:
    """Draw which part of the lesion is consolidated: a core, a pattern of its own, a dependent mass, a rim.

    `height` is the shape field above the lesion's border; a rim is the reversed halo.
    """
    if not chance(settings.solid_probability, generator):
        return torch.zeros_like(height)
    if chance(settings.wholly_solid_probability, generator):
        return torch.ones_like(height)
    core = height.clamp_min(0.0)
    if chance(0.08, generator):
        core = -torch.abs(height - uniform(0.2, 0.5, generator))
    drive = multiscale_noise(patch.shape, patch.spacing_mm, settings.solid_scales_mm, generator)
    drive = drive + uniform(0.0, 2.5, generator) * core
    if chance(settings.dependent_solid_probability, generator):
        near_wall = torch.exp(-patch.depth_mm / uniform(10.0, 40.0, generator))
        drive = drive + uniform(1.0, 3.0, generator) * (_to_the_back(patch) + near_wall)
    threshold = rank_threshold(drive, lesion & patch.lung, uniform(*settings.solid_share, generator))
    return torch.sigmoid((drive - threshold) / uniform(0.05, 0.25, generator))
