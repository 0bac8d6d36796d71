"""Whether two label maps lie on one grid, and if not, how they differ."""

from __future__ import annotations

import numpy as np

from lesionseg.core.errors import GeometryError
from lesionseg.volume.geometry import VolumeGeometry
from lesionseg.volume.orientation import standard_axis_order

GRID_TOLERANCE_MM = 0.1
"""Corners of two grids may lie this far apart: programs round what they write, by far less than a voxel."""


def refuse_other_grid(prediction: VolumeGeometry, reference: VolumeGeometry, case: str) -> None:
    """Raise `GeometryError` where two grids differ by more than `GRID_TOLERANCE_MM`; nothing is resampled."""
    if prediction.matches(reference, GRID_TOLERANCE_MM):
        return
    problem, found, remedy = _difference(prediction, reference)
    raise GeometryError(
        problem,
        case=case,
        expected=f"the reference on the prediction's grid: {_described(prediction)}",
        found=f"{found}: {_described(reference)}",
        remedy=remedy,
    )


def _difference(prediction: VolumeGeometry, reference: VolumeGeometry) -> tuple[str, str, str]:
    first, second = (standard_axis_order(grid).apply_to_geometry(grid) for grid in (prediction, reference))
    if first.matches(second, GRID_TOLERANCE_MM):
        return (
            "prediction and reference store the same grid along other axes",
            "axes swapped or flipped",
            "Save the reference in the scan's own axis order, for instance from the program it was drawn in",
        )
    if prediction.shape != reference.shape:
        return (
            "prediction and reference have different grids",
            "another shape",
            "Draw the reference on the very scan that was segmented, or resample it by nearest neighbour",
        )
    distance_mm = np.linalg.norm(prediction.corners_lps_mm() - reference.corners_lps_mm(), axis=1).max()
    return (
        "prediction and reference lie at different places",
        f"the same shape, but corners up to {distance_mm:.1f} mm apart",
        "Check that both belong to one scan, and that no program flipped or moved the reference",
    )


def _described(grid: VolumeGeometry) -> str:
    shape = " x ".join(str(length) for length in grid.shape)
    spacing = " x ".join(f"{length:.3f}" for length in grid.spacing_mm)
    origin = ", ".join(f"{place:.1f}" for place in grid.origin_lps_mm)
    return f"{shape} voxels of {spacing} mm, first at ({origin})"
