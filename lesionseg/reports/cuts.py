"""Choosing the planes that tell most about a label map: where the lesion is, spread over the whole lung."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from lesionseg.volumetry.box import bounding_box

Mask = npt.NDArray[np.bool_]

SLICE_AXIS, ROW_AXIS, COLUMN_AXIS = 0, 1, 2
AXIAL_LEVELS = 4
CROP_MARGIN_MM = 18.0
"""Tissue shown around the lungs, so that the chest wall is seen."""
TELLING_SHARE = 0.6
"""A coronal or sagittal plane shows at least this part of the largest lung section, not a lung's rim."""
LEVEL_DISTANCE = 0.5
"""Two axial levels lie at least this fraction of a band apart, where the scan allows."""


@dataclass(frozen=True)
class Cuts:
    """Indices of the planes to draw, on a (cropped) grid in standard axial order.

    Attributes
    ----------
    axial : tuple of int
        From head to foot.
    coronal : int
    sagittal : tuple of (str, int)
        Side ("right lung", "left lung", or "both lungs" where they cannot be told apart) and column.
    """

    axial: tuple[int, ...]
    coronal: int
    sagittal: tuple[tuple[str, int], ...]


def choose_cuts(lung: Mask, lesion: Mask, sides: dict[str, Mask]) -> Cuts:
    """Choose the planes of an overview.

    Parameters
    ----------
    lung, lesion : ndarray of bool, shape (slices, rows, columns)
        In standard axial order: foot to head, front to back, right to left.
    sides : dict of str to ndarray of bool
        Mask of each lung by its name, empty masks left out; may be empty.

    Returns
    -------
    Cuts
        The lung's extent is cut in four bands; each gives the axial level with most lesion, or its middle
        where it has none. The coronal plane and the sagittal planes are those with most lesion, or most
        lung where there is no lesion. Without lung: evenly spaced planes of the whole grid.
    """
    if not sides:
        sides = {"both lungs": lung}
    return Cuts(
        axial=_axial_levels(lung, lesion),
        coronal=_fullest_plane(lung, lesion, ROW_AXIS),
        sagittal=tuple(
            (name, _fullest_plane(mask, lesion & mask, COLUMN_AXIS)) for name, mask in sides.items()
        ),
    )


def profile(mask: Mask, axis: int) -> npt.NDArray[np.int64]:
    """Voxels of `mask` in each plane across `axis`."""
    others = tuple(other for other in range(3) if other != axis)
    return np.asarray(np.count_nonzero(mask, axis=others), dtype=np.int64)


def extent(mask: Mask, axis: int) -> tuple[int, int]:
    """First plane across `axis` that `mask` touches and the one after the last; all of it when empty."""
    touched = np.flatnonzero(profile(mask, axis))
    return (int(touched[0]), int(touched[-1]) + 1) if touched.size else (0, mask.shape[axis])


def lung_box(lung: Mask, spacing_mm: tuple[float, float, float]) -> tuple[slice, slice, slice]:
    """Part of the grid worth showing: the lungs with a margin, or all of it where there is no lung."""
    inner = bounding_box(lung) or tuple(slice(0, length) for length in lung.shape)
    ranges = []
    for part, length, step_mm in zip(inner, lung.shape, spacing_mm, strict=True):
        margin = round(CROP_MARGIN_MM / step_mm)
        ranges.append(slice(max(part.start - margin, 0), min(part.stop + margin, length)))
    return ranges[0], ranges[1], ranges[2]


def _axial_levels(lung: Mask, lesion: Mask) -> tuple[int, ...]:
    start, stop = extent(lung, SLICE_AXIS)
    area = profile(lesion, SLICE_AXIS)
    edges = np.linspace(start, stop, AXIAL_LEVELS + 1)
    distance = LEVEL_DISTANCE * (stop - start) / AXIAL_LEVELS
    bands = [
        np.arange(int(np.floor(low)), max(int(np.ceil(high)), int(low) + 1)) for low, high in _pairs(edges)
    ]
    bands.sort(key=lambda band: -int(area[band].max()))
    levels: list[int] = []
    for band in bands:
        apart = [index for index in band if all(abs(index - level) >= distance for level in levels)]
        candidates = np.asarray(apart or band)
        levels.append(_best_of(candidates, area))
    return tuple(sorted(set(levels), reverse=True))


def _best_of(candidates: npt.NDArray[np.int64], area: npt.NDArray[np.int64]) -> int:
    if area[candidates].max() > 0:
        return int(candidates[np.argmax(area[candidates])])
    return int(candidates[len(candidates) // 2])


def _fullest_plane(lung: Mask, lesion: Mask, axis: int) -> int:
    lung_area = profile(lung, axis)
    if not lung_area.any():
        return int(lung.shape[axis]) // 2
    telling = lung_area >= TELLING_SHARE * lung_area.max()
    lesion_area = np.where(telling, profile(lesion, axis), 0)
    return int(np.argmax(lesion_area if lesion_area.any() else lung_area))


def _pairs(edges: npt.NDArray[np.float64]) -> list[tuple[float, float]]:
    return [(float(low), float(high)) for low, high in pairwise(edges)]
