"""Vessels and other thin bright structures of the lung, by their thickness."""

from __future__ import annotations

from lesionseg.segmentation.classical.settings import ClassicalSettings
from lesionseg.segmentation.classical.shapes import Float, Mask, SpacingMm, grown, opened


def vessel_mask(hu: Float, lung: Mask, spacing_mm: SpacingMm, settings: ClassicalSettings) -> Mask:
    """Find what is bright and nowhere thick.

    Parameters
    ----------
    hu : ndarray, shape (slices, rows, columns), float32
        Smoothed Hounsfield units.
    lung : ndarray of bool, same shape
    spacing_mm : (float, float, float)
    settings : ClassicalSettings

    Returns
    -------
    ndarray of bool
        Vessels with their halo, inside the lungs. Airway walls, fissures and the rim under the pleura go with
        them; vessels thicker than twice ``vessel_radius_mm`` and those that run into consolidation do not.
    """
    bright = lung & (hu >= settings.vessel_hu)
    thin = bright & ~opened(bright, settings.vessel_radius_mm, spacing_mm)
    return lung & grown(thin, settings.vessel_halo_mm, spacing_mm)
