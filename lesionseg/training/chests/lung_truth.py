"""Lung masks of clear chest scans by classical steps, as training truth.

The route: air inside the body, trachea and main bronchi traced and taken out, the lungs as the large
components that remain, each closed and filled so that vessels and small nodules belong to it. It is meant
for lungs without consolidation: dense disease that touches the chest wall is lost, so such regions must be
marked to be ignored in training.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from lesionseg.volume.components import label_components

Mask = npt.NDArray[np.bool_]
SpacingMm = tuple[float, float, float]

AIR_THRESHOLD_HU = -400.0
"""Between lung (about -850) and soft tissue (about 40); the half-way point of a blurred pleural edge."""
LUMEN_ABOVE_LUNG_HU = 120.0
"""Airway lumen is sought below the lung's median plus this: the lung stays in one piece, while a thin
tracheal wall, blurred between lumen and lung, still parts the two."""

_IN_PLANE_CROSS = np.array([[[0, 1, 0], [1, 1, 1], [0, 1, 0]]], dtype=np.bool_)


@dataclass(frozen=True)
class LungTruthSettings:
    """Figures of the classical lung mask; lengths in mm, areas in mm2."""

    closing_mm: float = 6.0
    tissue_hu: float = -300.0
    airway_area_mm2: tuple[float, float] = (40.0, 1100.0)
    midline_offset_mm: float = 60.0
    gap_mm: float = 6.0
    smallest_lung_fraction: float = 0.08


def lung_truth(
    hu: npt.NDArray[np.int16], spacing_mm: SpacingMm, settings: LungTruthSettings | None = None
) -> tuple[Mask, Mask]:
    """Find the lungs and the large airways of a clear chest scan in standard axial order.

    Parameters
    ----------
    hu : ndarray, shape (slices, rows, columns)
        Hounsfield units; slices from foot to head, rows to the back, columns to the patient's left.
    spacing_mm : tuple of float
        Along (slice, row, column).

    Returns
    -------
    lungs, airways : ndarray of bool
        Both lungs with their vessels; trachea and main bronchi. Empty where there are none.
    """
    rules = settings or LungTruthSettings()
    smooth = ndimage.gaussian_filter(hu.astype(np.float32), (0.0, 0.6, 0.6))
    body = _body(smooth > rules.tissue_hu)
    air = (smooth < AIR_THRESHOLD_HU) & body
    lumen_hu = float(np.median(smooth[air])) + LUMEN_ABOVE_LUNG_HU if air.any() else AIR_THRESHOLD_HU
    lumen = ndimage.binary_opening((smooth < lumen_hu) & body, _IN_PLANE_CROSS)
    airways = _trace_airways(lumen, body, spacing_mm, rules)
    wall = ndimage.binary_dilation(airways, _IN_PLANE_CROSS, iterations=2)
    lungs = np.zeros_like(body)
    for lung in _large_components(air & ~wall, rules.smallest_lung_fraction):
        lungs |= _close_and_fill(lung, rules.closing_mm, spacing_mm)
    return lungs & body & ~wall, airways


def close_mask(mask: Mask, radius_mm: float, spacing_mm: SpacingMm) -> Mask:
    """Close a mask with a ball of `radius_mm`, by two distance transforms."""
    import edt

    margin = [int(np.ceil(radius_mm / step)) + 1 for step in spacing_mm]
    padded = np.pad(mask, [(width, width) for width in margin])
    grown = edt.edt(~padded, anisotropy=spacing_mm) <= radius_mm
    closed = edt.edt(grown, anisotropy=spacing_mm) > radius_mm
    inner = tuple(slice(width, -width) for width in margin)
    return np.asarray(closed[inner] | mask)


def _body(tissue: Mask) -> Mask:
    import cc3d

    opened = ndimage.binary_opening(tissue, np.ones((1, 5, 5), dtype=np.bool_))
    body = np.asarray(cc3d.largest_k(opened, k=1, connectivity=6) > 0)
    return np.stack([ndimage.binary_fill_holes(section) for section in body])


def _trace_airways(air: Mask, body: Mask, spacing_mm: SpacingMm, rules: LungTruthSettings) -> Mask:
    """Follow small air sections near the midline from the neck down, slice by slice."""
    pixel_mm2 = spacing_mm[1] * spacing_mm[2]
    airways = np.zeros_like(air)
    above = np.zeros(air.shape[1:], dtype=np.bool_)
    gap = 0
    for index in range(air.shape[0] - 1, -1, -1):
        regions, count = ndimage.label(air[index])
        areas = ndimage.sum_labels(air[index], regions, np.arange(1, count + 1)) * pixel_mm2
        near = ndimage.binary_dilation(above, iterations=1)
        for region, area in enumerate(np.atleast_1d(areas), start=1):
            if not rules.airway_area_mm2[0] <= area <= rules.airway_area_mm2[1]:
                continue
            section = regions == region
            if not _is_near_midline(section, body[index], spacing_mm[2], rules.midline_offset_mm):
                continue
            if (section & near).any() or (index > 0.6 * air.shape[0] and _is_compact(section)):
                airways[index] |= section
        gap = 0 if airways[index].any() else gap + 1
        if gap == 0 or gap * spacing_mm[0] > rules.gap_mm:
            above = airways[index]
    return _largest(airways)


def _is_near_midline(section: Mask, body: Mask, column_mm: float, offset_mm: float) -> bool:
    if not body.any():
        return False
    middle = float(np.median(np.nonzero(body)[1]))
    return bool(abs(np.nonzero(section)[1].mean() - middle) * column_mm < offset_mm)


def _is_compact(section: Mask) -> bool:
    rows, columns = np.nonzero(section)
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    return bool(rows.size > 0.5 * height * width and 0.4 < height / width < 2.5)


def _largest(mask: Mask) -> Mask:
    import cc3d

    return np.asarray(cc3d.largest_k(mask, k=1, connectivity=26) > 0) if mask.any() else mask


def _large_components(mask: Mask, smallest_fraction: float) -> list[Mask]:
    opened = ndimage.binary_opening(mask, ndimage.generate_binary_structure(3, 1))
    regions = label_components(opened, 6)
    sizes = np.bincount(regions.ravel())
    if sizes.size < 2:
        return []
    sizes[0] = 0
    kept = np.flatnonzero(sizes >= smallest_fraction * sizes.max())
    return [np.asarray(regions == region) for region in kept if region]


def _close_and_fill(lung: Mask, radius_mm: float, spacing_mm: SpacingMm) -> Mask:
    import fill_voids

    return np.asarray(fill_voids.fill(close_mask(lung, radius_mm, spacing_mm)))
