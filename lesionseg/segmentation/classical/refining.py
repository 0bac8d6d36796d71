"""From voxels that look like lesion to lesions: one way for every classical method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import GeometryError
from lesionseg.core.labels import Label
from lesionseg.segmentation.classical.settings import ClassicalSettings
from lesionseg.segmentation.classical.shapes import (
    Float,
    Mask,
    SpacingMm,
    opened,
    share_around,
    smoothed,
    without_specks,
)
from lesionseg.segmentation.classical.vessels import vessel_mask

MAJORITY = 0.5
ANY_MM = 1.0
"""Slice spacing of a single plane; of no effect, because nothing is measured across it."""


@dataclass(frozen=True)
class LungBox:
    """The part of a scan that holds the lungs.

    Attributes
    ----------
    hu : ndarray, shape (slices, rows, columns), float32
    lung : ndarray of bool, same shape
    spacing_mm : (float, float, float)
    """

    hu: Float
    lung: Mask
    spacing_mm: SpacingMm


Look = Callable[[LungBox], tuple[Mask, Mask]]
"""Tells the voxels that look like lesion, and those of them that look solid."""


def label_lungs(
    hu: npt.NDArray[np.number],
    lung: Mask,
    spacing_mm: tuple[float, ...],
    settings: ClassicalSettings,
    look: Look,
) -> npt.NDArray[np.uint8]:
    """Label a scan or one slice within its lungs.

    Parameters
    ----------
    hu : ndarray, shape (slices, rows, columns) or (rows, columns)
        Finite Hounsfield units, any axis order.
    lung : ndarray of bool, same shape
    spacing_mm : tuple of float
        One per axis.
    settings : ClassicalSettings
    look : callable
        The method.

    Returns
    -------
    ndarray of uint8
        Exclusive labels, same shape; all 0 if there is no lung.

    Raises
    ------
    GeometryError
        If array, mask and spacing do not fit together.
    """
    _refuse_misfit(hu, lung, spacing_mm)
    labels = np.zeros(lung.shape, np.uint8)
    if not lung.any():
        return labels
    where, is_plane = _box(lung), hu.ndim == 2
    box = _lung_box(hu[where], lung[where], spacing_mm)
    smallest = settings.smallest_mm2 if is_plane else settings.smallest_mm3
    lesion, solid = _refined(box, *look(box), settings, smallest / float(np.prod(spacing_mm)))
    inside = labels[where][None] if is_plane else labels[where]
    inside[box.lung] = Label.LUNG
    inside[lesion] = Label.NON_SOLID
    inside[lesion & solid] = Label.SOLID
    return labels


def _lung_box(hu: npt.NDArray[np.number], lung: Mask, spacing_mm: tuple[float, ...]) -> LungBox:
    if hu.ndim == 2:
        return _lung_box(hu[None], lung[None], (ANY_MM, *spacing_mm))
    step = (float(spacing_mm[0]), float(spacing_mm[1]), float(spacing_mm[2]))
    return LungBox(np.asarray(hu, np.float32), np.ascontiguousarray(lung), step)


def _refined(
    box: LungBox, lesion: Mask, solid: Mask, settings: ClassicalSettings, smallest_voxels: float
) -> tuple[Mask, Mask]:
    """Take vessels out, keep what is thick enough, and give back the vessels that run through lesion."""
    hu = smoothed(box.hu, box.lung, settings.smoothing_mm, box.spacing_mm)
    vessels = vessel_mask(hu, box.lung, box.spacing_mm, settings)
    reach_mm = settings.surroundings_mm
    tissue = box.lung & ~vessels
    lesion = opened(lesion & tissue, settings.thinnest_radius_mm, box.spacing_mm)
    around = share_around(lesion, tissue, reach_mm, box.spacing_mm) > MAJORITY
    solid = opened(
        solid & lesion, settings.thinnest_radius_mm, box.spacing_mm
    )  # vessels in bright ground glass
    solid_around = share_around(solid, lesion, reach_mm, box.spacing_mm) > MAJORITY
    lesion = without_specks(lesion | (vessels & around), smallest_voxels)
    return lesion, np.where(vessels, solid_around, solid)


def _box(lung: Mask) -> tuple[slice, ...]:
    """Bounding box of the lungs, and one voxel more, so that their border is no side of the array."""
    ranges = []
    for axis in range(lung.ndim):
        found = np.flatnonzero(lung.any(axis=tuple(other for other in range(lung.ndim) if other != axis)))
        ranges.append(slice(max(0, int(found[0]) - 1), int(found[-1]) + 2))
    return tuple(ranges)


def _refuse_misfit(hu: npt.NDArray[np.number], lung: Mask, spacing_mm: tuple[float, ...]) -> None:
    fits = hu.ndim in (2, 3) and hu.shape == lung.shape and len(spacing_mm) == hu.ndim
    if not fits or lung.dtype != np.bool_ or not all(step > 0 for step in spacing_mm):
        raise GeometryError(
            "Hounsfield units, lung mask and spacing do not fit together",
            expected="two or three axes, a bool mask of the same shape, one positive spacing per axis",
            found=f"HU {hu.shape}, mask {lung.shape} of {lung.dtype}, spacing {spacing_mm}",
        )
