"""Masks by thickness and surroundings; smoothing that stays within the lungs. All lengths in mm."""

from __future__ import annotations

import edt
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from lesionseg.volume.components import label_components

Mask = npt.NDArray[np.bool_]
Float = npt.NDArray[np.float32]
SpacingMm = tuple[float, float, float]

GIVEN_BACK = 1.5
"""Opening gives back what lies within this many radii of the thick parts, so that their corners stay."""


def opened(mask: Mask, radius_mm: float, spacing_mm: SpacingMm) -> Mask:
    """Keep what is thicker than a ball of `radius_mm`, with its corners.

    Opening by distance transforms (Serra 1982, "Image Analysis and Mathematical Morphology"). The array's own
    sides do not count as borders, so that a single slice is opened by a disc.
    """
    core = edt.edt(mask, anisotropy=spacing_mm) > radius_mm
    if not core.any():
        return np.zeros_like(mask)
    return np.asarray(mask & (edt.edt(~core, anisotropy=spacing_mm) <= GIVEN_BACK * radius_mm))


def grown(mask: Mask, radius_mm: float, spacing_mm: SpacingMm) -> Mask:
    """Add everything within `radius_mm`."""
    if not mask.any():
        return mask
    return np.asarray(edt.edt(~mask, anisotropy=spacing_mm) <= radius_mm)


def without_specks(mask: Mask, smallest_voxels: float) -> Mask:
    """Drop connected pieces (corners touching) of fewer voxels."""
    pieces = label_components(mask, 26)
    large = np.bincount(pieces.ravel()) >= smallest_voxels
    large[0] = False
    return np.asarray(large[pieces])


def smoothed(values: Float, within: Mask, sigma_mm: float, spacing_mm: SpacingMm) -> Float:
    """Gaussian mean of the values inside a mask alone; 0 outside it.

    Averaging across the mask's border would draw chest wall into the lung.
    """
    sigma = [sigma_mm / step for step in spacing_mm]
    weight = ndimage.gaussian_filter(within.astype(np.float32), sigma)
    total = ndimage.gaussian_filter(np.where(within, values, np.float32(0)), sigma)
    return np.where(within, total / np.maximum(weight, np.float32(1e-6)), np.float32(0))


def share_around(part: Mask, whole: Mask, reach_mm: float, spacing_mm: SpacingMm) -> Float:
    """Share of `whole` that is `part`, in a box of `reach_mm` to each side; 0 where there is no `whole`."""
    size = [2 * round(reach_mm / step) + 1 for step in spacing_mm]
    found, possible = (
        ndimage.uniform_filter(mask.astype(np.float32), size, mode="constant")
        for mask in (part & whole, whole)
    )
    return np.where(possible > 1e-6, found / np.maximum(possible, np.float32(1e-6)), np.float32(0))
