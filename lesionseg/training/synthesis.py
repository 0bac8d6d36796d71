"""Synthetic COVID-like lesions, put into clear lung, with their exact truth.

Shapes are level sets of smooth random fields with peripheral, dependent and focal priors. Ground glass
raises the lung towards a target value while brighter vessels stay visible; consolidation replaces it,
sometimes with air bronchograms. Hounsfield ranges enclose the published mixture for COVID-19 lung (healthy
-829, ground glass -652, consolidation -337, dense -12) and the -300 HU boundary between the latter.

Convention of the truth: *solid* is the consolidation field where it fills more than half of a voxel; its
target lies between -250 and 60 HU before blur. Everything else that was raised is *non-solid*.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from lesionseg.core.labels import Label
from lesionseg.training.fields import (
    chance,
    log_uniform,
    multiscale_noise,
    rank_threshold,
    smooth_noise,
    uniform,
)
from lesionseg.training.patch import LungPatch


@dataclass(frozen=True)
class LesionSettings:
    """Ranges from which each synthetic lesion load is drawn; HU and mm.

    A load is mild (share of the lung drawn evenly on a log scale) or heavy (drawn evenly), so that both a
    small focus and a lung full of disease are common.
    """

    clear_probability: float = 0.15
    heavy_probability: float = 0.5
    mild_burden: tuple[float, float] = (0.005, 0.5)
    heavy_burden: tuple[float, float] = (0.05, 0.85)
    ground_glass_hu: tuple[float, float] = (-740.0, -380.0)
    least_contrast_hu: float = 90.0
    solid_probability: float = 0.65
    wholly_solid_probability: float = 0.12
    dependent_solid_probability: float = 0.3
    solid_share: tuple[float, float] = (0.02, 0.85)
    solid_hu: tuple[float, float] = (-250.0, 60.0)
    shape_scales_mm: tuple[float, ...] = (10.0, 24.0, 55.0)
    nodular_probability: float = 0.12
    nodular_scales_mm: tuple[float, ...] = (6.0, 13.0)
    regional_probability: float = 0.15
    regional_scales_mm: tuple[float, ...] = (40.0, 90.0)
    edge_softness: tuple[float, float] = (0.02, 0.25)


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
    edge = uniform(*settings.edge_softness, generator)
    level = rank_threshold(field, patch.lung, burden)
    lesion = torch.sigmoid((field - level) / edge) * _with_rim(patch.lung)
    solid = lesion * _consolidated_part(field - level, lesion > 0.5, patch, settings, generator)
    hu = _raise_to(patch.hu, _ground_glass_target(patch, settings, generator), lesion)
    hu = _raise_to(hu, _solid_target(patch, settings, generator), solid)
    labels[(lesion > 0.5) & patch.lung] = int(Label.NON_SOLID)
    labels[(solid > 0.5) & patch.lung] = int(Label.SOLID)
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
    if chance(0.35, generator):
        focus = smooth_noise(patch.shape, patch.spacing_mm, uniform(60.0, 150.0, generator), generator)
        field += uniform(1.0, 3.0, generator) * focus
    if chance(0.2, generator):
        thickness = uniform(0.1, 0.3, generator)
        bands = smooth_noise(patch.shape, patch.spacing_mm, uniform(30.0, 80.0, generator), generator)
        field += 2.0 * torch.exp(-((bands / thickness) ** 2))
    return field


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


def _with_rim(lung: Tensor) -> Tensor:
    """Lung and the voxel around it: a lesion at the pleura must leave no dark line against the wall."""
    return functional.max_pool2d(lung.float(), 3, stride=1, padding=1)


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
    drive = multiscale_noise(patch.shape, patch.spacing_mm, (8.0, 18.0, 40.0), generator)
    drive = drive + uniform(0.0, 2.5, generator) * core
    if chance(settings.dependent_solid_probability, generator):
        near_wall = torch.exp(-patch.depth_mm / uniform(10.0, 40.0, generator))
        drive = drive + uniform(1.0, 3.0, generator) * (_to_the_back(patch) + near_wall)
    threshold = rank_threshold(drive, lesion & patch.lung, uniform(*settings.solid_share, generator))
    return torch.sigmoid((drive - threshold) / uniform(0.05, 0.25, generator))


def _ground_glass_target(patch: LungPatch, settings: LesionSettings, generator: torch.Generator) -> Tensor:
    clear_hu = float(patch.hu[patch.lung].median())
    low_hu = max(settings.ground_glass_hu[0], clear_hu + settings.least_contrast_hu)
    target_hu = uniform(low_hu, max(settings.ground_glass_hu[1], low_hu + 1.0), generator)
    mottle = smooth_noise(patch.shape, patch.spacing_mm, uniform(3.0, 14.0, generator), generator)
    drift = smooth_noise(patch.shape, patch.spacing_mm, uniform(25.0, 80.0, generator), generator)
    target = target_hu + uniform(10.0, 60.0, generator) * mottle + uniform(0.0, 60.0, generator) * drift
    if chance(0.3, generator):  # crazy paving: thickened septa as ridges of a fine field
        septa = smooth_noise(patch.shape, patch.spacing_mm, uniform(5.0, 9.0, generator), generator)
        target += uniform(80.0, 250.0, generator) * torch.exp(-((septa / 0.25) ** 2))
    return target


def _solid_target(patch: LungPatch, settings: LesionSettings, generator: torch.Generator) -> Tensor:
    texture = smooth_noise(patch.shape, patch.spacing_mm, uniform(3.0, 8.0, generator), generator)
    target = uniform(*settings.solid_hu, generator) + uniform(10.0, 50.0, generator) * texture
    if chance(0.4, generator):  # air bronchograms: narrow air-filled ridges left open
        tubes = smooth_noise(patch.shape, patch.spacing_mm, uniform(10.0, 18.0, generator), generator)
        crossing = smooth_noise(patch.shape, patch.spacing_mm, uniform(10.0, 18.0, generator), generator)
        lumen = torch.exp(-((tubes / 0.18) ** 2) - (crossing / 0.35) ** 2)
        target -= uniform(400.0, 900.0, generator) * lumen
    return target


def _raise_to(hu: Tensor, target: Tensor, membership: Tensor) -> Tensor:
    """Lift values towards the target where they lie below it; brighter voxels (vessels) stay."""
    return hu + membership * (target - hu).clamp_min(0.0)
