"""Lung parenchyma, fissures, image sharpness and noise."""

from __future__ import annotations

import numpy as np
import scipy.ndimage

from lesionseg.phantoms.anatomy import ChestShapes
from lesionseg.phantoms.fields import ChestGrid, Float, smooth_field, smooth_surface
from lesionseg.phantoms.habitus import Habitus

FISSURE_HU = 130.0
FISSURE_WIDTH_MM = 1.1


def parenchyma_hu(grid: ChestGrid, shapes: ChestShapes, habitus: Habitus, rng: np.random.Generator) -> Float:
    """Attenuation of healthy lung without its vessels: denser towards the back, finely uneven; HU."""
    coarse_rng, fine_rng, patch_rng, fissure_rng = rng.spawn(4)
    height = grid.y / np.float32(habitus.cavity_half_depth_mm)
    hu = habitus.lung_hu + 0.5 * habitus.gravity_hu * height
    hu = hu + 9 * smooth_field(grid, coarse_rng, 20.0) + 13 * smooth_field(grid, fine_rng, 6.0)
    if habitus.has_emphysema:
        hu -= 55 * np.clip(smooth_field(grid, patch_rng, 16.0) - 0.6, 0, 1)
    if habitus.has_dependent_density:
        depth = np.clip(-shapes.cavity, 0, 40)
        hu += 150 * np.exp(-depth / 4.0) * np.clip(height - 0.35, 0, 0.5) * 2
    hu += _fissures(grid, habitus, fissure_rng)
    return np.asarray(hu, np.float32)


def _fissures(grid: ChestGrid, habitus: Habitus, rng: np.random.Generator) -> Float:
    """Oblique fissure on both sides, minor fissure on the right; HU to add."""
    top = habitus.dome_to_apex_mm
    ripple = 5.0 * smooth_surface(grid.y, grid.x, rng, 45.0)[None]
    slope = rng.uniform(0.75, 1.05)
    over_oblique = grid.z - rng.uniform(0.28, 0.38) * top - slope * grid.y + ripple
    distance = np.abs(over_oblique) / np.float32(np.hypot(1, slope))
    minor = np.abs(grid.z - rng.uniform(0.38, 0.48) * top + 0.15 * grid.y + ripple)
    minor = np.where((over_oblique > 0) & (grid.x < 0), minor, np.float32(1e3))
    nearest = np.minimum(distance, minor)
    width = max(FISSURE_WIDTH_MM, 0.5 * grid.edge_mm)
    strength = FISSURE_HU * FISSURE_WIDTH_MM / width
    return np.asarray(strength * np.exp(-((nearest / np.float32(width)) ** 2)), np.float32)


def scanned(hu: Float, sharpness: float, noise_hu: float, rng: np.random.Generator) -> Float:
    """Image of a tissue map as a scanner would show it.

    Parameters
    ----------
    hu : ndarray, float32
        Tissue map.
    sharpness : float
        0 for a soft kernel to 1 for a sharp one: less blur, finer noise, overshoot at edges.
    noise_hu : float
        Standard deviation of the noise.
    rng : numpy.random.Generator
        Source of the noise.
    """
    blur = 0.75 - 0.4 * sharpness
    image = _blurred(hu, (0.35, blur, blur))
    if sharpness > 0.5:
        image += (sharpness - 0.5) * (image - _blurred(image, (0.0, 0.9, 0.9)))
    grain = 0.9 - 0.5 * sharpness
    noise = _blurred(rng.standard_normal(hu.shape, dtype=np.float32), (0.35, grain, grain))
    return np.asarray(image + noise * np.float32(noise_hu / max(float(noise.std()), 1e-6)), np.float32)


def _blurred(image: Float, sigmas: tuple[float, float, float]) -> Float:
    for axis, sigma in enumerate(sigmas):
        if sigma > 0 and image.shape[axis] > 1:
            image = scipy.ndimage.gaussian_filter1d(image, sigma, axis=axis, truncate=3.0, mode="nearest")
    return image
