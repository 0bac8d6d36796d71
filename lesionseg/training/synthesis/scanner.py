"""What a scanner and a breath change: air content, gravity, blur or sharp kernel, motion, noise, HU drift."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lesionseg.training.synthesis.fields import SpacingMm, blur, chance, log_uniform, smooth_noise, uniform

MOTION_GRID_MM: SpacingMm = (3.0, 1.5, 1.5)
"""Usual spacing; how far motion reaches need not be known better."""


@dataclass(frozen=True)
class ScannerSettings:
    """How much a scanner and a breath may change; HU.

    Attributes
    ----------
    noise_hu : tuple of float
        Standard deviation, drawn evenly on a log scale.
    gravity_hu : float
        At most so much denser is the lung at the back.
    inspiration_hu : tuple of float
        The lung as a whole.
    """

    noise_hu: tuple[float, float] = (5.0, 60.0)
    gravity_hu: float = 80.0
    inspiration_hu: tuple[float, float] = (-50.0, 70.0)


QUIET = ScannerSettings(noise_hu=(3.0, 30.0), gravity_hu=60.0, inspiration_hu=(-30.0, 50.0))
"""Of slices that somebody chose for a picture: usual dose, usual kernel."""


def scanner_variation(
    hu: Tensor, lung: Tensor, generator: torch.Generator, settings: ScannerSettings | None = None
) -> Tensor:
    """Vary what is not disease: inspiration, gravity gradient, blur or sharp kernel, noise, HU drift.

    Parameters
    ----------
    hu : Tensor, shape (slices, rows, columns), float32
    lung : Tensor of bool, same shape
    generator : torch.Generator
    settings : ScannerSettings, optional

    Returns
    -------
    Tensor, float32
    """
    ranges = settings or ScannerSettings()
    if lung.any():
        hu = hu + lung * _parenchyma_shift(hu, ranges, generator)
    if chance(0.5, generator):
        sigma = uniform(0.3, 0.9, generator)
        hu = blur(hu, (0.0, sigma, sigma))
    elif chance(0.4, generator):
        hu = hu + uniform(0.2, 1.5, generator) * (hu - blur(hu, (0.0, 0.8, 0.8)))
    if chance(0.25, generator):
        hu = _breathing(hu, generator)
    if chance(0.8, generator):
        grain = uniform(0.0, 0.8, generator)
        noise = blur(torch.randn(hu.shape, generator=generator), (0.0, grain, grain))
        hu = hu + log_uniform(*ranges.noise_hu, generator) * noise / noise.std()
    return hu + uniform(-20.0, 20.0, generator)


def _breathing(hu: Tensor, generator: torch.Generator) -> Tensor:
    """Mix each section with one a little higher or lower and further back or front; in a part of it at times.

    What lies beside the diaphragm and the heart becomes a haze, vessels and walls are doubled.
    """
    slices = torch.arange(hu.shape[0]) + (1 - 2 * int(chance(0.5, generator)))
    rows = round(uniform(-4.0, 4.0, generator))
    moved = torch.roll(hu[slices.clamp(0, hu.shape[0] - 1)], rows, dims=1)
    share = torch.full_like(hu, uniform(0.2, 0.5, generator))
    if chance(0.5, generator):
        field = smooth_noise((hu.shape[0], hu.shape[1], hu.shape[2]), MOTION_GRID_MM, 90.0, generator)
        share = share * torch.sigmoid((field - uniform(-0.5, 1.0, generator)) / 0.3)
    return torch.lerp(hu, moved, share)


def _parenchyma_shift(hu: Tensor, ranges: ScannerSettings, generator: torch.Generator) -> Tensor:
    """Air content and gravity: a smooth lift of lung that is not lesion, weaker where it is already dense."""
    openness = ((-300.0 - hu) / 550.0).clamp(0.0, 1.0)
    rows = torch.linspace(0.0, 1.0, hu.shape[1])[None, :, None]
    gravity = uniform(0.0, ranges.gravity_hu, generator) * rows ** uniform(1.0, 4.0, generator)
    inspiration = uniform(*ranges.inspiration_hu, generator)
    return openness * (gravity + inspiration)
