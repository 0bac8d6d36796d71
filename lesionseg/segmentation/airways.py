"""Trachea and main bronchi, which are air but not lung.

A conservative rule on the working grid, not a full airway segmentation. The trachea is looked for from the
head down as a round spot of air near the midline, enclosed by soft tissue, that stays one for several
centimetres; it is then followed down slice by slice, through the carina and along the main bronchi. A spot
that suddenly widens has leaked into lung and is not followed. If no such tube is found nothing is excluded.

The adult trachea is roughly 10 to 27 mm across (Breatnach, Abbott and Fraser 1984, "Dimensions of the normal
human trachea"), that is 80 to 570 mm²; the limits below are wider, for children and partial volume.
"""

from __future__ import annotations

from dataclasses import dataclass

import cc3d
import numpy as np
import numpy.typing as npt

from lesionseg.segmentation.body import BODY_THRESHOLD_HU
from lesionseg.segmentation.resampling import FloatArray
from lesionseg.volume.components import label_components

LUMEN_THRESHOLD_HU = -900.0
"""Air in the lumen lies near -1000 HU; aerated lung near -830 HU (see also emphysema: the leak guard)."""
WALL_THRESHOLD_HU = -500.0
"""Rim voxels below this are lumen by at least half and go with it."""
SEED_AREA_MM2 = (50.0, 700.0)
SEED_ELONGATION = 2.5
"""Longest to shortest side of the bounding box."""
SEED_FILL = 0.5
"""Share of its bounding box that the lumen covers; 0.79 for a circle."""
SEED_OFF_MIDLINE_MM = 40.0
SMALLEST_TRACHEA_MM = 30.0
"""A spot must stay a tube over this length above the carina; lung apices widen sooner."""
LARGEST_AREA_MM2 = 900.0
"""Of one lumen in one slice; the carina, cut slantwise, is the widest place."""
LARGEST_GROWTH = 2.5
"""Of one lumen from slice to slice; `GROWTH_ALLOWANCE_MM2` more, so that small lumens may vary."""
GROWTH_ALLOWANCE_MM2 = 60.0
SMALLEST_BRANCH_MM2 = 25.0
"""A bronchus under 5.6 mm across lies within the lung and stays lung."""
BELOW_CARINA_MM = 40.0
"""The main bronchi drop by 20 to 40 mm before they enter the lungs."""
CARINA_SPLIT_MM = 10.0
"""Two lumens whose centres lie this far apart are the two main bronchi."""

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Lumen:
    """One spot of air in one slice."""

    mask: BoolArray
    area_mm2: float
    centre_mm: tuple[float, float]


def airway_mask(hu: FloatArray, spacing_mm: tuple[float, float, float]) -> BoolArray:
    """Find trachea and main bronchi.

    Parameters
    ----------
    hu : ndarray, shape (slices, rows, columns), float32
        In standard axial order: the last slice is nearest the head.
    spacing_mm : (float, float, float)
        Of (slice, row, column).

    Returns
    -------
    ndarray of bool
        Same shape; all False if no trachea is found.
    """
    airways = np.zeros(hu.shape, dtype=np.bool_)
    for top in range(hu.shape[0] - 1, 0, -1):
        for seed in _seeds(hu[top], spacing_mm):
            lumens, length_mm = _follow(hu, top, seed, spacing_mm)
            if length_mm >= SMALLEST_TRACHEA_MM:
                for index, mask in lumens.items():
                    airways[index] = mask
                return _with_rim(airways, hu)
    return airways


def _seeds(plane_hu: FloatArray, spacing_mm: tuple[float, float, float]) -> list[_Lumen]:
    body = plane_hu > BODY_THRESHOLD_HU
    if not body.any():
        return []
    columns = np.flatnonzero(body.any(axis=0))
    midline_mm = (columns[0] + columns[-1]) / 2 * spacing_mm[2]
    return [
        lumen
        for lumen in _lumens(plane_hu < LUMEN_THRESHOLD_HU, spacing_mm)
        if SEED_AREA_MM2[0] <= lumen.area_mm2 <= SEED_AREA_MM2[1]
        and abs(lumen.centre_mm[1] - midline_mm) <= SEED_OFF_MIDLINE_MM
        and _is_round(lumen, spacing_mm)
        and _is_enclosed(lumen, body)
    ]


def _follow(
    hu: FloatArray, top: int, seed: _Lumen, spacing_mm: tuple[float, float, float]
) -> tuple[dict[int, BoolArray], float]:
    """Follow a lumen from slice `top` downwards; return its masks and its length above the carina."""
    current, found = [seed], {top: seed.mask}
    carina: int | None = None
    for index in range(top - 1, -1, -1):
        current = _continuations(current, hu[index], spacing_mm)
        if carina is None and _are_main_bronchi(current):
            carina = index
        if not current or (carina is not None and (carina - index) * spacing_mm[0] > BELOW_CARINA_MM):
            break
        found[index] = np.logical_or.reduce([lumen.mask for lumen in current])
    bottom = min(found) if carina is None else carina
    return found, (top - bottom) * spacing_mm[0]


def _continuations(
    lumens: list[_Lumen], plane_hu: FloatArray, spacing_mm: tuple[float, float, float]
) -> list[_Lumen]:
    above = np.logical_or.reduce([lumen.mask for lumen in lumens])
    limit_mm2 = LARGEST_GROWTH * max(lumen.area_mm2 for lumen in lumens) + GROWTH_ALLOWANCE_MM2
    return [
        lumen
        for lumen in _lumens(plane_hu < LUMEN_THRESHOLD_HU, spacing_mm)
        if SMALLEST_BRANCH_MM2 <= lumen.area_mm2 <= min(LARGEST_AREA_MM2, limit_mm2)
        and (lumen.mask & above).any()
    ]


def _are_main_bronchi(lumens: list[_Lumen]) -> bool:
    lateral_mm = [lumen.centre_mm[1] for lumen in lumens]
    return len(lumens) > 1 and max(lateral_mm) - min(lateral_mm) >= CARINA_SPLIT_MM


def _lumens(air: BoolArray, spacing_mm: tuple[float, float, float]) -> list[_Lumen]:
    if not air.any():
        return []
    labels = label_components(air, 8)
    statistics = cc3d.statistics(labels)
    pixel_mm2 = spacing_mm[1] * spacing_mm[2]
    smallest, largest = SMALLEST_BRANCH_MM2 / pixel_mm2, LARGEST_AREA_MM2 / pixel_mm2
    return [
        _Lumen(
            labels == label,
            float(size * pixel_mm2),
            (float(centre[0] * spacing_mm[1]), float(centre[1] * spacing_mm[2])),
        )
        for label, (size, centre) in enumerate(
            zip(statistics["voxel_counts"], statistics["centroids"], strict=True)
        )
        if label > 0 and smallest <= size <= largest
    ]


def _is_round(lumen: _Lumen, spacing_mm: tuple[float, float, float]) -> bool:
    height_mm = np.count_nonzero(lumen.mask.any(axis=1)) * spacing_mm[1]
    width_mm = np.count_nonzero(lumen.mask.any(axis=0)) * spacing_mm[2]
    slim = max(height_mm, width_mm) <= SEED_ELONGATION * min(height_mm, width_mm)
    return bool(slim and lumen.area_mm2 >= SEED_FILL * height_mm * width_mm)


def _is_enclosed(lumen: _Lumen, body: BoolArray) -> bool:
    """Whether soft tissue lies in front of, behind and on both sides of the lumen's centre."""
    rows, columns = (np.flatnonzero(lumen.mask.any(axis=axis)) for axis in (1, 0))
    row, column = int(rows[len(rows) // 2]), int(columns[len(columns) // 2])
    sides = (body[:row, column], body[row:, column], body[row, :column], body[row, column:])
    return all(bool(side.any()) for side in sides)


def _with_rim(airways: BoolArray, hu: FloatArray) -> BoolArray:
    """Add the in-plane neighbours that are mostly lumen."""
    grown = airways.copy()
    grown[:, 1:] |= airways[:, :-1]
    grown[:, :-1] |= airways[:, 1:]
    grown[:, :, 1:] |= airways[:, :, :-1]
    grown[:, :, :-1] |= airways[:, :, 1:]
    return np.asarray(airways | (grown & (hu < WALL_THRESHOLD_HU)))
