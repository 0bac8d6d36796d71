"""How much of two masks' surfaces lies close together: normalised surface Dice.

Defined by Nikolov et al. 2021 (J Med Internet Res 23:e26151; arXiv 1809.04430): the share of both surfaces,
by area, that lies within a tolerance of the other one. As there, a surface is made of one element for every
2 x 2 x 2 neighbourhood of voxels that is neither full nor empty; the element lies in the middle of the eight
voxel centres, and its area depends on which of them belong to the mask. The areas are those of the marching
cubes' triangles (Lorensen and Cline 1987, SIGGRAPH Comput Graph 21:163-169), stretched by the voxel spacing.
"""

from __future__ import annotations

from functools import lru_cache

import edt
import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import MeasurementError
from lesionseg.volumetry.agreement.overlap import Mask, refuse_unlike_masks
from lesionseg.volumetry.box import bounding_box

TOLERANCE_MM = 2.0
"""About the distance by which two readers' outlines of one lesion differ, and one or two voxels of a CT."""
_ROUNDING_MM = 1e-4
"""Distances are single precision: one that equals the tolerance on paper counts as within it."""
_CORNERS = tuple(np.ndindex(2, 2, 2))
_FULL = 255
Areas = npt.NDArray[np.float64]


def surface_dice(
    first: Mask, second: Mask, spacing_mm: tuple[float, float, float], tolerance_mm: float = TOLERANCE_MM
) -> float:
    """Share of two masks' surfaces, by area, that lies within `tolerance_mm` of the other surface.

    Parameters
    ----------
    first, second : ndarray of bool, shape (slices, rows, columns)
        A mask that reaches the edge of the array is closed by a surface there.
    spacing_mm : tuple of float
        Distance between voxel centres along (slice, row, column).
    tolerance_mm : float
        Distances up to and including this one count as agreement.

    Returns
    -------
    float
        0 to 1. Both empty: 1. One empty: 0.

    Raises
    ------
    MeasurementError
        If the masks are not bool, differ in shape or are not three-dimensional, or a length is not positive
        (the tolerance may be 0).
    """
    refuse_unlike_masks(first, second)
    _refuse_lengths(first.ndim, spacing_mm, tolerance_mm)
    box = bounding_box(first | second)
    if box is None:
        return 1.0
    if not first.any() or not second.any():
        return 0.0
    spacing = (float(spacing_mm[0]), float(spacing_mm[1]), float(spacing_mm[2]))
    codes = [_corner_codes(np.pad(mask[box], 1)) for mask in (first, second)]
    areas = _element_areas_mm2(spacing)
    near, total = 0.0, 0.0
    for own, other in (codes, reversed(codes)):
        distance_mm = edt.edt(~_on_surface(other), anisotropy=spacing, black_border=False)
        on_surface = _on_surface(own)
        area = areas[own[on_surface]]
        near += float(area[distance_mm[on_surface] <= tolerance_mm + _ROUNDING_MM].sum())
        total += float(area.sum())
    return near / total


def _corner_codes(mask: Mask) -> npt.NDArray[np.uint8]:
    """Which of the eight voxels around each corner belong to the mask, one bit each, in C order."""
    codes = np.zeros([length - 1 for length in mask.shape], np.uint8)
    voxels = mask.view(np.uint8)
    for bit, offsets in enumerate(_CORNERS):
        window = tuple(
            slice(offset, offset + length) for offset, length in zip(offsets, codes.shape, strict=True)
        )
        codes |= voxels[window] << np.uint8(bit)
    return codes


def _on_surface(codes: npt.NDArray[np.uint8]) -> Mask:
    return np.asarray((codes != 0) & (codes != _FULL))


@lru_cache(maxsize=8)
def _element_areas_mm2(spacing_mm: tuple[float, float, float]) -> Areas:
    """Area of the surface between eight voxel centres, by their code; 0 for empty and full.

    Inside and outside have one surface, so a code and its complement share the smaller of their two areas:
    they differ where corners touch along a diagonal only.
    """
    from skimage.measure import marching_cubes

    areas = np.zeros(_FULL + 1)
    for code in range(1, _FULL):
        cell = np.array([bool(code >> bit & 1) for bit in range(8)], np.float32).reshape(2, 2, 2)
        vertices, faces, _, _ = marching_cubes(cell, 0.5, spacing=spacing_mm, method="lorensen")
        a_mm, b_mm, c_mm = (vertices[faces[:, corner]].astype(np.float64) for corner in range(3))
        areas[code] = np.linalg.norm(np.cross(b_mm - a_mm, c_mm - a_mm), axis=1).sum() / 2
    areas = np.minimum(areas, areas[::-1])
    areas.setflags(write=False)
    return areas


def _refuse_lengths(dimensions: int, spacing_mm: tuple[float, ...], tolerance_mm: float) -> None:
    if dimensions != 3 or len(spacing_mm) != 3:
        raise MeasurementError(
            "surfaces are compared in three dimensions",
            expected="masks (slices, rows, columns) and three spacings",
            found=f"{dimensions} axes and {len(spacing_mm)} spacings",
            remedy="Give a single slice an axis of length 1 and its thickness",
        )
    lengths = (*spacing_mm, tolerance_mm)
    if not (np.isfinite(lengths).all() and min(spacing_mm) > 0 and tolerance_mm >= 0):
        raise MeasurementError(
            "spacing and tolerance must be lengths",
            expected="mm: spacing above 0, tolerance 0 or more",
            found=", ".join(f"{length:g}" for length in lengths),
        )
