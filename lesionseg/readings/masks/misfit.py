"""In what way a mask's grid does not fit the scan: flipped, shifted, rotated, other spacing, other size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import GeometryError, MaskMismatchError
from lesionseg.readings.masks.lattice import GridFit, fit_grid
from lesionseg.readings.masks.reader_mask import Misfit, ReferenceScan
from lesionseg.volume import VolumeGeometry, standard_axis_order

SAME_SPACING: Final = 1e-3
"""Spacings that differ by a smaller part than this are one spacing, rounded."""
_LPS_NAMES: Final = ("left-right", "front-back", "head-foot")
_ARRAY_NAMES: Final = ("slices", "rows", "columns")
_TOWARDS: Final = (
    ("to the left", "to the right"),
    ("to the back", "to the front"),
    ("headwards", "footwards"),
)
_DRAW_AGAIN: Final = "Draw on the very scan that was segmented, and save the mask on its grid"


@dataclass(frozen=True)
class _Finding:
    reason: Misfit
    problem: str
    found: str
    remedy: str


def fit_or_refuse(grid: VolumeGeometry, scan: ReferenceScan, case: str) -> GridFit:
    """Find where a whole mask's grid lies in the scan.

    A grid that has the scan's full length along an axis and begins elsewhere was moved, even if by whole
    voxels.

    Raises
    ------
    MaskMismatchError
        Saying in what way it does not fit.
    """
    fit = fit_grid(grid, scan.geometry)
    if fit is not None and not fit.moved_axes and _touches(fit):
        return fit
    raise misfit_error(grid, scan, case)


def misfit_error(grid: VolumeGeometry, scan: ReferenceScan, case: str) -> MaskMismatchError:
    """Describe a grid that does not fit the scan."""
    finding = _finding(grid, scan.geometry)
    return MaskMismatchError(
        finding.problem,
        reason=finding.reason,
        case=case,
        expected=f"the grid of {scan.name}: {described(scan.geometry)}",
        found=f"{finding.found}: {described(grid)}",
        remedy=finding.remedy,
    )


def described(grid: VolumeGeometry) -> str:
    """Shape, spacing and first voxel of a grid, for a message."""
    shape = " x ".join(str(length) for length in grid.shape)
    spacing = " x ".join(f"{length:.3f}" for length in grid.spacing_mm)
    origin = ", ".join(f"{place:.1f}" for place in grid.origin_lps_mm)
    return f"{shape} voxels of {spacing} mm, first at ({origin})"


def displacement_text(displacement_mm: npt.ArrayLike) -> str:
    """Say a displacement in LPS mm in words, for instance ``3.0 mm to the left, 1.5 mm footwards``."""
    parts = [
        f"{abs(length):.{1 if abs(length) >= 1 else 2}f} mm {towards[length < 0]}"
        for length, towards in zip(np.asarray(displacement_mm, np.float64).tolist(), _TOWARDS, strict=True)
        if abs(length) >= 0.005
    ]
    return ", ".join(parts) or "0.00 mm"


def _finding(grid: VolumeGeometry, scan: VolumeGeometry) -> _Finding:
    same_way = _same_way(grid, scan)
    flips = None if same_way else _flip(grid, scan)
    if flips is not None:
        return flips
    turned = standard_axis_order(grid).apply_to_geometry(grid)
    target = standard_axis_order(scan).apply_to_geometry(scan)
    angle = _angle_deg(turned, target)
    if angle > 0.1:
        return _Finding(
            Misfit.ROTATED,
            "the mask's axes are turned against the scan's",
            f"turned by {angle:.1f} degrees",
            "Save the mask on the scan's own grid; a registered or straightened copy is another grid",
        )
    if not np.allclose(turned.spacing_mm, target.spacing_mm, rtol=SAME_SPACING):
        return _Finding(
            Misfit.SPACING,
            "the mask has another voxel spacing than the scan",
            f"{_spacing_text(turned)} instead of {_spacing_text(target)} (head-foot, front-back, left-right)",
            _DRAW_AGAIN,
        )
    fit = fit_grid(turned, target)
    if fit is not None and not fit.moved_axes:
        return _Finding(
            Misfit.SIZE,
            "the mask has another size than the scan, and reaches beyond it",
            "another size",
            _DRAW_AGAIN,
        )
    return _shift(turned, target, fit)


def _shift(turned: VolumeGeometry, target: VolumeGeometry, fit: GridFit | None) -> _Finding:
    """Both grids in standard order, of one spacing and orientation."""
    if fit is not None:
        voxels = np.array([fit.start[axis] if axis in fit.moved_axes else 0 for axis in range(3)])
        offset_mm = target.affine[:3, :3] @ voxels
    elif turned.shape == target.shape:
        offset_mm = np.subtract(turned.origin_lps_mm, target.origin_lps_mm)
    else:  # a part of the scan: only how far it lies off the voxel centres can be told
        index = target.lps_to_index(turned.origin_lps_mm)
        offset_mm = target.affine[:3, :3] @ (index - np.rint(index))
    return _Finding(
        Misfit.SHIFTED,
        "the mask is shifted against the scan",
        f"shifted by {displacement_text(offset_mm)}",
        "Check that mask and scan belong together, and that no program moved or re-registered the mask",
    )


def _flip(grid: VolumeGeometry, scan: VolumeGeometry) -> _Finding | None:
    """Find whether the grid fits once its place is mirrored, or its axes run the other way."""
    for signs, names in _sign_choices(_LPS_NAMES):
        mirrored = np.diag([*signs, 1.0]) @ grid.affine
        if _fits_whole(mirrored, grid, scan):
            return _Finding(
                Misfit.FLIPPED,
                "the mask is mirrored against the scan",
                f"flipped {names}, as if LPS and RAS coordinates were mistaken for each other",
                "Save the mask again with the scan's own geometry",
            )
    for signs, names in _sign_choices(_ARRAY_NAMES):
        reversed_axes = grid.affine @ np.diag([*signs, 1.0])
        if _fits_whole(reversed_axes, grid, scan):
            return _Finding(
                Misfit.FLIPPED,
                "the mask is mirrored against the scan",
                f"its {names} run in the opposite direction from the scan's first voxel",
                "Save the mask again with the scan's own geometry",
            )
    return None


def _fits_whole(affine: npt.NDArray[np.float64], grid: VolumeGeometry, scan: VolumeGeometry) -> bool:
    try:
        fit = fit_grid(VolumeGeometry(grid.shape, affine), scan)
    except GeometryError:
        return False
    return fit is not None and fit.inside


def _sign_choices(names: tuple[str, str, str]) -> Iterator[tuple[list[float], str]]:
    for count in (1, 2, 3):
        for chosen in combinations(range(3), count):
            signs = [-1.0 if axis in chosen else 1.0 for axis in range(3)]
            yield signs, " and ".join(names[axis] for axis in chosen)


def _same_way(grid: VolumeGeometry, scan: VolumeGeometry) -> bool:
    """Whether the axes already run as the scan's do, so that only a shift can part them."""
    return np.allclose(grid.affine[:3, :3], scan.affine[:3, :3], atol=1e-4)


def _touches(fit: GridFit) -> bool:
    return all(part.stop > part.start for part in fit.scan_part)


def _angle_deg(first: VolumeGeometry, second: VolumeGeometry) -> float:
    cosines = np.sum(first.direction * second.direction, axis=0)
    return float(np.degrees(np.arccos(np.clip(cosines, -1, 1))).max())


def _spacing_text(grid: VolumeGeometry) -> str:
    return " x ".join(f"{length:.3f}" for length in grid.spacing_mm) + " mm"
