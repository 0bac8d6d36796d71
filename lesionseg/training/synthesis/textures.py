"""What synthetic lesions look like inside: ground glass over living lung, meshes of septa, consolidation.

Ground glass either replaces the air between the vessels or adds to the lung that is there. Replacing smooths
the lung's own grain away, adding keeps it; a network that saw one of them alone would take grain, or its
absence, for the sign of disease.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lesionseg.training.synthesis.fields import chance, log_uniform, smooth_noise, uniform
from lesionseg.training.synthesis.patch import LungPatch

MOST_LOST = 0.4
"""Of the mean contrast, that mottling may take away somewhere."""
VESSEL_HU, AIRED_HU = -250.0, -700.0
"""Lung at or below `AIRED_HU` takes up all of an added density, vessels from `VESSEL_HU` on none of it."""


@dataclass(frozen=True)
class Opacity:
    """A patch as if one kind of opacity filled all of it.

    Attributes
    ----------
    hu : Tensor, float32
        As the scanner would see it.
    density_hu : Tensor, float32
        Of the opacity itself: without fine grain, septa, vessels, and airways that stay open.
    rise_hu : float
        By which it is denser than clear lung, in the mean over aired lung.
    """

    hu: Tensor
    density_hu: Tensor
    rise_hu: float


def ground_glass(
    patch: LungPatch,
    hu_range: tuple[float, float],
    least_contrast_hu: float,
    generator: torch.Generator,
) -> Opacity:
    """Fill the patch with ground glass.

    The mean lies between `hu_range`, and at least `least_contrast_hu` above the lung's median.
    """
    clear_hu = float(patch.hu[patch.lung].median())
    low_hu = max(hu_range[0], clear_hu + least_contrast_hu)
    mean_hu = uniform(low_hu, max(hu_range[1], low_hu + 1.0), generator)
    fine, coarse = _mottle(patch, generator)
    texture = fine + coarse
    if chance(0.35, generator):  # crazy paving: thickened septa as ridges of a fine field
        texture += uniform(80.0, 300.0, generator) * _septa(patch, generator)
    texture = texture.clamp_min(-MOST_LOST * (mean_hu - clear_hu))  # what is called lesion can be seen
    replaced = patch.hu + (mean_hu + texture - patch.hu).clamp_min(0.0)
    aired = ((VESSEL_HU - patch.hu) / (VESSEL_HU - AIRED_HU)).clamp(0.0, 1.0)
    added = patch.hu + aired * (mean_hu - clear_hu + texture)
    share = uniform(0.0, 1.0, generator)
    return Opacity(share * added + (1.0 - share) * replaced, mean_hu + coarse, mean_hu - clear_hu)


def reticulation(patch: LungPatch, generator: torch.Generator) -> Opacity:
    """Fill the patch with a mesh of thickened septa, the lung between them little or not denser."""
    clear_hu = float(patch.hu[patch.lung].median())
    lift_hu = uniform(0.0, 100.0, generator)
    aired = ((VESSEL_HU - patch.hu) / (VESSEL_HU - AIRED_HU)).clamp(0.0, 1.0)
    mesh = uniform(250.0, 650.0, generator) * _septa(patch, generator)
    hu = patch.hu + aired * (lift_hu + mesh)
    return Opacity(hu, torch.full_like(hu, clear_hu + lift_hu), lift_hu + float(mesh.mean()))


def consolidation(patch: LungPatch, hu_range: tuple[float, float], generator: torch.Generator) -> Opacity:
    """Fill the patch with consolidation; at times with air bronchograms."""
    texture = smooth_noise(patch.shape, patch.spacing_mm, uniform(3.0, 8.0, generator), generator)
    mean_hu = uniform(*hu_range, generator)
    target = torch.maximum(patch.hu, mean_hu + uniform(2.0, 60.0, generator) * texture)
    if chance(0.4, generator):  # narrow air-filled ridges left open
        tubes = smooth_noise(patch.shape, patch.spacing_mm, uniform(10.0, 18.0, generator), generator)
        crossing = smooth_noise(patch.shape, patch.spacing_mm, uniform(10.0, 18.0, generator), generator)
        lumen = torch.exp(-((tubes / 0.18) ** 2) - (crossing / 0.35) ** 2)
        opened = target - uniform(400.0, 900.0, generator) * lumen
        target = torch.maximum(opened, torch.minimum(patch.hu, target))
    return Opacity(target, torch.full_like(target, mean_hu), mean_hu - float(patch.hu[patch.lung].median()))


def _mottle(patch: LungPatch, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw grain; and patches with a slow drift; each of random strength, HU around 0."""
    fine = smooth_noise(patch.shape, patch.spacing_mm, log_uniform(1.5, 6.0, generator), generator)
    patches = smooth_noise(patch.shape, patch.spacing_mm, uniform(5.0, 16.0, generator), generator)
    drift = smooth_noise(patch.shape, patch.spacing_mm, uniform(25.0, 80.0, generator), generator)
    grain = uniform(0.0, 70.0, generator) * fine
    coarse = uniform(0.0, 60.0, generator) * patches + uniform(0.0, 60.0, generator) * drift
    return grain, coarse


def _septa(patch: LungPatch, generator: torch.Generator) -> Tensor:
    """From 0 to 1 on the walls of a mesh with openings of 4 to 10 mm."""
    mesh = smooth_noise(patch.shape, patch.spacing_mm, uniform(4.0, 10.0, generator), generator)
    return torch.exp(-((mesh / uniform(0.18, 0.35, generator)) ** 2))
