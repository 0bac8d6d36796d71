"""Synthetic COVID-like lesions, put into clear lung, with their exact truth.

Shapes are level sets of smooth random fields with peripheral, dependent and focal priors. Ground glass
raises the lung towards a target value while brighter vessels stay visible; consolidation replaces it,
sometimes with air bronchograms. Hounsfield ranges enclose the published mixture for COVID-19 lung (healthy
-829, ground glass -652, consolidation -337, dense -12) and the -300 HU boundary between the latter.

Convention of the truth: *solid* is the consolidation field where it fills more than half of a voxel; its
target lies between -280 and 60 HU before blur. Everything else that was raised is *non-solid*.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from lesionseg.core.labels import Label
from lesionseg.training.fields import (
    SpacingMm,
    blur,
    chance,
    multiscale_noise,
    rank_threshold,
    smooth_noise,
    uniform,
)


@dataclass(frozen=True)
class LesionSettings:
    """Ranges from which each synthetic lesion load is drawn; HU and mm.

    A load is mild (share of the lung drawn evenly on a log scale) or heavy (drawn evenly), so that both a
    small focus and a lung full of disease are common.
    """

    clear_probability: float = 0.2
    heavy_probability: float = 0.5
    mild_burden: tuple[float, float] = (0.005, 0.5)
    heavy_burden: tuple[float, float] = (0.05, 0.85)
    ground_glass_hu: tuple[float, float] = (-720.0, -400.0)
    least_contrast_hu: float = 90.0
    solid_hu: tuple[float, float] = (-280.0, 60.0)
    shape_scales_mm: tuple[float, ...] = (10.0, 24.0, 55.0)
    edge_softness: tuple[float, float] = (0.02, 0.25)


@dataclass(frozen=True)
class LungPatch:
    """A stack of slices with its lung truth.

    Attributes
    ----------
    hu : Tensor, shape (slices, rows, columns), float32
    lung : Tensor of bool, same shape
    depth_mm : Tensor, float32
        Distance to the lung's surface, 0 outside.
    spacing_mm : tuple of float
        Along (slice, row, column).
    """

    hu: Tensor
    lung: Tensor
    depth_mm: Tensor
    spacing_mm: SpacingMm


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
    solid = lesion * _consolidated_part(field - level, lesion > 0.5, patch, generator)
    hu = _raise_to(patch.hu, _ground_glass_target(patch, settings, generator), lesion)
    hu = _raise_to(hu, _solid_target(patch, settings, generator), solid)
    labels[(lesion > 0.5) & patch.lung] = int(Label.NON_SOLID)
    labels[(solid > 0.5) & patch.lung] = int(Label.SOLID)
    return hu, labels


def _draw_burden(settings: LesionSettings, generator: torch.Generator) -> float:
    if chance(settings.heavy_probability, generator):
        return uniform(*settings.heavy_burden, generator)
    return _log_uniform(*settings.mild_burden, generator)


def _log_uniform(low: float, high: float, generator: torch.Generator) -> float:
    return low * float((high / low) ** uniform(0.0, 1.0, generator))


def _shape_field(patch: LungPatch, settings: LesionSettings, generator: torch.Generator) -> Tensor:
    """Multi-scale noise with peripheral, dependent and focal priors; sometimes bands."""
    shape = (patch.hu.shape[0], patch.hu.shape[1], patch.hu.shape[2])
    field = multiscale_noise(shape, patch.spacing_mm, settings.shape_scales_mm, generator)
    reach_mm = uniform(8.0, 30.0, generator)
    field += uniform(0.0, 2.5, generator) * torch.exp(-patch.depth_mm / reach_mm)
    rows = torch.linspace(-1.0, 1.0, shape[1])[None, :, None]
    field += uniform(-0.3, 1.5, generator) * rows
    if chance(0.35, generator):
        focus = smooth_noise(shape, patch.spacing_mm, uniform(60.0, 150.0, generator), generator)
        field += uniform(1.0, 3.0, generator) * focus
    if chance(0.2, generator):
        thickness = uniform(0.1, 0.3, generator)
        bands = smooth_noise(shape, patch.spacing_mm, uniform(30.0, 80.0, generator), generator)
        field += 2.0 * torch.exp(-((bands / thickness) ** 2))
    return field


def _with_rim(lung: Tensor) -> Tensor:
    """Lung and the voxel around it: a lesion at the pleura must leave no dark line against the wall."""
    return functional.max_pool2d(lung.float(), 3, stride=1, padding=1)


def _consolidated_part(
    height: Tensor, lesion: Tensor, patch: LungPatch, generator: torch.Generator
) -> Tensor:
    """Draw which part of the lesion is consolidated: a core, a pattern of its own, or a rim (reversed halo).

    `height` is the shape field above the lesion's border.
    """
    if not chance(0.7, generator):
        return torch.zeros_like(height)
    if chance(0.2, generator):
        return torch.ones_like(height)
    shape = (height.shape[0], height.shape[1], height.shape[2])
    core = height.clamp_min(0.0)
    if chance(0.08, generator):
        core = -torch.abs(height - uniform(0.2, 0.5, generator))
    drive = multiscale_noise(shape, patch.spacing_mm, (8.0, 18.0, 40.0), generator)
    drive = drive + uniform(0.0, 2.5, generator) * core
    threshold = rank_threshold(drive, lesion & patch.lung, uniform(0.03, 0.95, generator))
    return torch.sigmoid((drive - threshold) / uniform(0.05, 0.25, generator))


def _ground_glass_target(patch: LungPatch, settings: LesionSettings, generator: torch.Generator) -> Tensor:
    shape = (patch.hu.shape[0], patch.hu.shape[1], patch.hu.shape[2])
    clear_hu = float(patch.hu[patch.lung].median())
    low_hu = max(settings.ground_glass_hu[0], clear_hu + settings.least_contrast_hu)
    target_hu = uniform(low_hu, max(settings.ground_glass_hu[1], low_hu + 1.0), generator)
    mottle = smooth_noise(shape, patch.spacing_mm, uniform(3.0, 14.0, generator), generator)
    target = target_hu + uniform(10.0, 70.0, generator) * mottle
    if chance(0.3, generator):  # crazy paving: thickened septa as ridges of a fine field
        septa = smooth_noise(shape, patch.spacing_mm, uniform(5.0, 9.0, generator), generator)
        target += uniform(80.0, 250.0, generator) * torch.exp(-((septa / 0.25) ** 2))
    return target


def _solid_target(patch: LungPatch, settings: LesionSettings, generator: torch.Generator) -> Tensor:
    shape = (patch.hu.shape[0], patch.hu.shape[1], patch.hu.shape[2])
    texture = smooth_noise(shape, patch.spacing_mm, uniform(3.0, 8.0, generator), generator)
    target = uniform(*settings.solid_hu, generator) + uniform(10.0, 50.0, generator) * texture
    if chance(0.4, generator):  # air bronchograms: narrow air-filled ridges left open
        tubes = smooth_noise(shape, patch.spacing_mm, uniform(10.0, 18.0, generator), generator)
        crossing = smooth_noise(shape, patch.spacing_mm, uniform(10.0, 18.0, generator), generator)
        lumen = torch.exp(-((tubes / 0.18) ** 2) - (crossing / 0.35) ** 2)
        target -= uniform(400.0, 900.0, generator) * lumen
    return target


def _raise_to(hu: Tensor, target: Tensor, membership: Tensor) -> Tensor:
    """Lift values towards the target where they lie below it; brighter voxels (vessels) stay."""
    return hu + membership * (target - hu).clamp_min(0.0)


def scanner_variation(hu: Tensor, lung: Tensor, generator: torch.Generator) -> Tensor:
    """Vary what is not disease: inspiration, gravity gradient, blur or sharp kernel, noise, HU drift.

    Parameters
    ----------
    hu : Tensor, shape (slices, rows, columns), float32
    lung : Tensor of bool, same shape

    Returns
    -------
    Tensor, float32
    """
    if lung.any():
        hu = hu + lung * _parenchyma_shift(hu, generator)
    if chance(0.5, generator):
        sigma = uniform(0.3, 0.9, generator)
        hu = blur(hu, (0.0, sigma, sigma))
    elif chance(0.4, generator):
        hu = hu + uniform(0.2, 1.5, generator) * (hu - blur(hu, (0.0, 0.8, 0.8)))
    if chance(0.15, generator):  # breathing motion: sections doubled sideways
        shift = 1 + int(chance(0.5, generator))
        hu = 0.5 * (hu + torch.roll(hu, shift, dims=1))
    if chance(0.8, generator):
        grain = uniform(0.0, 0.8, generator)
        noise = blur(torch.randn(hu.shape, generator=generator), (0.0, grain, grain))
        hu = hu + _log_uniform(5.0, 80.0, generator) * noise / noise.std()
    return hu + uniform(-20.0, 20.0, generator)


def _parenchyma_shift(hu: Tensor, generator: torch.Generator) -> Tensor:
    """Air content and gravity: a smooth lift of lung that is not lesion, weaker where it is already dense."""
    openness = ((-300.0 - hu) / 550.0).clamp(0.0, 1.0)
    rows = torch.linspace(0.0, 1.0, hu.shape[1])[None, :, None]
    gravity = uniform(0.0, 130.0, generator) * rows ** uniform(1.0, 4.0, generator)
    inspiration = uniform(-50.0, 90.0, generator)
    return openness * (gravity + inspiration)
