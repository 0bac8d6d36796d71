"""Coordinates, soft edges and smooth random fields on which the chest is drawn.

Chest coordinates in mm: x to the patient's left, y to the back, z to the head; the origin lies in the
midplane, half-way between front and back, at the height of the right diaphragm's top. Shapes are signed
"depth" functions, negative inside, roughly in mm, so that one soft step turns them into partial volume.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]
Box = tuple[slice, slice, slice]
FIELD_EXTENT_MM = ((-180.0, 330.0), (-220.0, 220.0), (-260.0, 260.0))
"""Region (z, y, x) over which random fields are defined, whatever the scan's grid."""


@dataclass(frozen=True)
class ChestGrid:
    """Voxel centres in chest coordinates, ready for broadcasting.

    Attributes
    ----------
    z, y, x : ndarray, float32
        Shapes ``(slices, 1, 1)``, ``(1, rows, 1)`` and ``(1, 1, columns)``, in mm, ascending.
    spacing_mm : tuple of float
        Voxel spacing (slice, row, column).
    """

    z: Float
    y: Float
    x: Float
    spacing_mm: tuple[float, float, float]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Array shape (slices, rows, columns)."""
        return self.z.size, self.y.size, self.x.size

    @property
    def edge_mm(self) -> float:
        """Width of the soft step at an edge: the larger in-plane spacing."""
        return max(self.spacing_mm[1:])

    def box(self, low_mm: npt.ArrayLike, high_mm: npt.ArrayLike) -> Box | None:
        """Smallest index box that holds the region (z, y, x) between two corners; None outside the grid."""
        low, high = np.asarray(low_mm, np.float64), np.asarray(high_mm, np.float64)
        slices = []
        for axis, (start_mm, stop_mm) in zip(
            (self.z, self.y, self.x), zip(low, high, strict=True), strict=True
        ):
            start, stop = np.searchsorted(axis.ravel(), [start_mm, stop_mm])
            if start >= stop:
                return None
            slices.append(slice(int(start), int(stop)))
        return slices[0], slices[1], slices[2]

    def sub(self, box: Box) -> ChestGrid:
        """Part of the grid inside an index box."""
        return ChestGrid(self.z[box[0]], self.y[:, box[1]], self.x[:, :, box[2]], self.spacing_mm)


def centred_grid(
    shape: tuple[int, int, int], spacing_mm: tuple[float, float, float], middle_z_mm: float
) -> ChestGrid:
    """Grid centred on the body's axis, its middle slice at height `middle_z_mm`."""
    z, y, x = (
        ((np.arange(length) - (length - 1) / 2) * step).astype(np.float32)
        for length, step in zip(shape, spacing_mm, strict=True)
    )
    z += np.float32(middle_z_mm)
    return ChestGrid(z[:, None, None], y[None, :, None], x[None, None, :], spacing_mm)


def inside(depth_mm: Float, edge_mm: float) -> Float:
    """Fraction of a voxel inside a shape: 1 deep inside, 0 outside, linear over one voxel at the edge."""
    return np.asarray(np.clip(np.float32(0.5) - depth_mm / np.float32(edge_mm), 0, 1), np.float32)


def blend(hu: Float, fraction: Float, tissue_hu: Float | float) -> None:
    """Mix a tissue into `hu` in place by its voxel fraction."""
    hu += fraction * (np.asarray(tissue_hu, np.float32) - hu)


def ellipsoid_depth(grid: ChestGrid, centre_mm: npt.ArrayLike, radii_mm: npt.ArrayLike) -> Float:
    """Signed depth of an ellipsoid with axes along (z, y, x); exact zero set, approximate mm elsewhere."""
    (cz, cy, cx), (rz, ry, rx) = np.asarray(centre_mm, np.float32), np.asarray(radii_mm, np.float32)
    radius = np.sqrt(((grid.z - cz) / rz) ** 2 + ((grid.y - cy) / ry) ** 2 + ((grid.x - cx) / rx) ** 2)
    return np.asarray((radius - 1) * np.float32(min(rz, ry, rx)), np.float32)


def paint_ellipsoid(
    hu: Float, grid: ChestGrid, centre_mm: npt.ArrayLike, radii_mm: npt.ArrayLike, tissue_hu: float
) -> None:
    """Mix an ellipsoid of one tissue into `hu` in place."""
    centre, reach = np.asarray(centre_mm, np.float64), np.asarray(radii_mm, np.float64) + grid.edge_mm
    box = grid.box(centre - reach, centre + reach)
    if box is not None:
        blend(hu[box], inside(ellipsoid_depth(grid.sub(box), centre_mm, radii_mm), grid.edge_mm), tissue_hu)


def smooth_field(grid: ChestGrid, rng: np.random.Generator, scale_mm: float) -> Float:
    """Smooth random field of mean 0 and standard deviation 1 with features of about `scale_mm`.

    Gaussian bumps with random heights on a lattice fixed in chest coordinates: the field belongs to the
    patient, not to the scan's grid. Shape of the grid, float32.
    """
    knots = [np.arange(low, high + scale_mm, scale_mm) for low, high in FIELD_EXTENT_MM]
    heights = rng.standard_normal([len(axis) for axis in knots], dtype=np.float32)
    weights = [
        _bumps(axis.ravel(), knot, scale_mm)
        for axis, knot in zip((grid.z, grid.y, grid.x), knots, strict=True)
    ]
    field = np.tensordot(weights[0], heights, axes=(1, 0))
    field = np.matmul(weights[1], field)
    return np.asarray(np.matmul(field, weights[2].T), np.float32)


def smooth_surface(first_mm: Float, second_mm: Float, rng: np.random.Generator, scale_mm: float) -> Float:
    """Two-dimensional `smooth_field` over two coordinate axes; shape ``(first.size, second.size)``."""
    knots = np.arange(-260.0, 330.0 + scale_mm, scale_mm)
    heights = rng.standard_normal((len(knots), len(knots)), dtype=np.float32)
    rows = _bumps(first_mm.ravel(), knots, scale_mm)
    return np.asarray(rows @ heights @ _bumps(second_mm.ravel(), knots, scale_mm).T, np.float32)


def _bumps(positions_mm: Float, knots_mm: npt.NDArray[np.float64], scale_mm: float) -> Float:
    weights = np.exp(-(((positions_mm[:, None] - knots_mm) / (0.7 * scale_mm)) ** 2))
    return np.asarray(weights / np.sqrt((weights**2).sum(axis=1, keepdims=True)), np.float32)
