"""The large shapes of the chest: body wall, thoracic cavity, mediastinum, diaphragm, lungs and abdomen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lesionseg.phantoms.fields import (
    ChestGrid,
    Float,
    blend,
    ellipsoid_depth,
    inside,
    paint_ellipsoid,
    smooth_field,
    smooth_surface,
)
from lesionseg.phantoms.habitus import Habitus

AIR_HU, FAT_HU, MUSCLE_HU, LIVER_HU, SPLEEN_HU = -1000.0, -105.0, 50.0, 58.0, 48.0
CAVITY_POWER = 2.3
"""Exponent of the superellipse of the cavity's cross-section: a little boxier than an ellipse."""
MIN_WALL_MM = 1.5
"""The lungs come no nearer to the midplane than this."""


@dataclass(frozen=True)
class ChestShapes:
    """Signed depths in mm, negative inside, on the grid of one scan.

    Attributes
    ----------
    body, cavity : ndarray
        Skin surface; inner surface of the chest wall, continued into the abdomen.
    right_lung, left_lung : ndarray
        The lungs of the patient's right (low x) and left side.
    above_diaphragm_mm : ndarray
        Height over the diaphragm.
    heart : ndarray
        The heart with its sac.
    """

    body: Float
    cavity: Float
    right_lung: Float
    left_lung: Float
    above_diaphragm_mm: Float
    heart: Float


def chest_shapes(grid: ChestGrid, habitus: Habitus, rng: np.random.Generator) -> ChestShapes:
    """Shape body, cavity, diaphragm, heart and lungs of one patient."""
    body_rng, cavity_rng, diaphragm_rng, mediastinum_rng, heart_rng = rng.spawn(5)
    cavity = _cavity(grid, habitus) + 2.0 * smooth_field(grid, cavity_rng, 55.0)
    above = grid.z - _diaphragm_height(grid, habitus, diaphragm_rng)
    heart = _heart(grid, habitus) + 2.5 * smooth_field(grid, heart_rng, 40.0)
    right_wall, left_wall = _mediastinal_walls(grid, habitus, mediastinum_rng)
    inner = np.maximum(np.maximum(cavity, -above), -heart)
    right = np.maximum(np.maximum(inner, grid.x + right_wall), -_hilum(grid, habitus, -1))
    left = np.maximum(np.maximum(inner, left_wall - grid.x), -_hilum(grid, habitus, 1))
    body = _body(grid, habitus) + 2.0 * smooth_field(grid, body_rng, 70.0)
    return ChestShapes(body, cavity, right, left, above, heart)


def hilum_centre_mm(habitus: Habitus, side: int) -> tuple[float, float, float]:
    """Centre (z, y, x) of the root of the right (side -1) or left (side 1) lung."""
    height = habitus.dome_to_apex_mm
    return (0.5 if side < 0 else 0.53) * height, 14.0, side * 0.28 * habitus.cavity_half_width_mm


def _relative_height(grid: ChestGrid, habitus: Habitus) -> Float:
    return np.asarray(grid.z / np.float32(habitus.dome_to_apex_mm), np.float32)


def _cavity_axes(grid: ChestGrid, habitus: Habitus) -> tuple[Float, Float, Float]:
    """Half width, half depth and front-to-back centre of the cavity per slice, shape (slices, 1, 1)."""
    height = _relative_height(grid, habitus)
    taper = np.clip((height - 0.15) / 0.85, 0, 1)
    width = np.maximum((1 - taper**2.1), 1e-4) ** (1 / 2.1)
    depth = np.maximum((1 - taper**2.6), 1e-4) ** (1 / 2.6)
    centre = 0.22 * habitus.cavity_half_depth_mm * np.clip(height, 0, 1) ** 2
    return habitus.cavity_half_width_mm * width, habitus.cavity_half_depth_mm * depth, centre


def _superellipse(grid: ChestGrid, half_width: Float, half_depth: Float, centre_y: Float) -> Float:
    """Radial distance to a superellipse in each slice, mm."""
    across = (np.abs(grid.x) / half_width) ** CAVITY_POWER
    front_to_back = (np.abs(grid.y - centre_y) / half_depth) ** CAVITY_POWER
    scale = np.maximum((across + front_to_back) ** np.float32(1 / CAVITY_POWER), 1e-3)
    radius = np.sqrt(grid.x**2 + (grid.y - centre_y) ** 2) + np.float32(1.0)
    return np.asarray(radius * (1 - 1 / scale), np.float32)


def _cavity(grid: ChestGrid, habitus: Habitus) -> Float:
    depth = _superellipse(grid, *_cavity_axes(grid, habitus))
    over_apex = grid.z - np.float32(habitus.dome_to_apex_mm)
    return np.asarray(np.maximum(depth, over_apex), np.float32)


def _body(grid: ChestGrid, habitus: Habitus) -> Float:
    """Skin: the cavity's base plus wall; broad at the shoulders because the arms are raised."""
    height = _relative_height(grid, habitus)
    wall = habitus.fat_mm + habitus.muscle_mm + 8.0
    shoulder = np.clip((height - 0.55) / 0.5, 0, 1)
    half_width = habitus.cavity_half_width_mm + wall + 6.0 * shoulder
    half_depth = habitus.cavity_half_depth_mm + wall - 16.0 * shoulder
    depth = _superellipse(grid, half_width, half_depth, 8.0 + 12.0 * shoulder)
    if habitus.has_breasts:
        front = -(habitus.cavity_half_depth_mm + 0.45 * wall)
        for side in (-1, 1):
            centre = (0.38 * habitus.dome_to_apex_mm, front, side * 0.55 * habitus.cavity_half_width_mm)
            breast = ellipsoid_depth(grid, centre, (75, 14 + 1.2 * habitus.fat_mm, 62))
            depth = np.minimum(depth, breast)
    return depth


def _diaphragm_height(grid: ChestGrid, habitus: Habitus, rng: np.random.Generator) -> Float:
    """Height of the diaphragm over the cavity's floor, shape (1, rows, columns), mm."""
    width, depth = habitus.cavity_half_width_mm, habitus.cavity_half_depth_mm
    domes = []
    for side, drop in ((-1, 0.0), (1, habitus.left_dome_drop_mm)):
        across = (grid.x - side * 0.46 * width) / (0.56 * width)
        along = (grid.y + 0.28 * depth) / (0.97 * depth)
        fall = (across**2 + along**2) ** 1.1
        domes.append(-drop - habitus.recess_depth_mm * fall)
    ripple = smooth_surface(grid.y, grid.x, rng, 60.0)[None]
    return np.asarray(np.maximum(domes[0], domes[1]) + 3.0 * ripple, np.float32)


def _heart(grid: ChestGrid, habitus: Habitus) -> Float:
    """Heart with its sac: two ellipsoids, the larger one to the left and front, down to the diaphragm."""
    scale, height = habitus.heart_scale, habitus.dome_to_apex_mm
    front = -0.28 * habitus.cavity_half_depth_mm
    ventricles = ellipsoid_depth(grid, (0.13 * height, front, 26), (50 * scale, 44 * scale, 56 * scale))
    atria = ellipsoid_depth(grid, (0.27 * height, front + 18, -6), (46 * scale, 38 * scale, 40 * scale))
    return np.asarray(np.minimum(ventricles, atria), np.float32)


def _mediastinal_walls(grid: ChestGrid, habitus: Habitus, rng: np.random.Generator) -> tuple[Float, Float]:
    """Distance from the midplane at which the right and the left lung begin, shape (slices, rows, 1)."""
    height, depth = _relative_height(grid, habitus), habitus.cavity_half_depth_mm
    place = grid.y / np.float32(depth)
    front = 5 + 9 * np.clip((place + 1) * 1.2, 0, 1)
    vessels = (
        19 * np.exp(-(((place - 0.05) / 0.45) ** 2)) * (0.45 + 0.55 * np.exp(-(((height - 0.68) / 0.3) ** 2)))
    )
    spine = 12 * np.clip((place - 0.25) / 0.25, 0, 1)
    base = front + np.maximum(vessels, spine) + 6 * np.clip((height - 0.8) / 0.2, 0, 1)
    walls = [base + side for side in (-1.0, 2.0)]
    walls[1] = walls[1] + 9 * np.exp(-(((place - 0.42) / 0.22) ** 2)) * np.clip((0.75 - height) * 6, 0, 1)
    right, left = (
        np.maximum(wall + 2.5 * smooth_surface(grid.z, grid.y, rng, 45.0)[:, :, None], MIN_WALL_MM)
        for wall in walls
    )
    return np.asarray(right, np.float32), np.asarray(left, np.float32)


def _hilum(grid: ChestGrid, habitus: Habitus, side: int) -> Float:
    z_mm, y_mm, x_mm = hilum_centre_mm(habitus, side)
    return ellipsoid_depth(grid, (z_mm, y_mm, x_mm * 0.85), (22, 16, 13))


def paint_soft_tissue(
    grid: ChestGrid, shapes: ChestShapes, habitus: Habitus, rng: np.random.Generator
) -> Float:
    """Attenuation of body wall, mediastinum, heart and abdomen before bones, lungs and vessels; HU."""
    wall_rng, middle_rng, abdomen_rng = rng.spawn(3)
    edge = grid.edge_mm
    hu = np.full(grid.shape, AIR_HU, np.float32)
    blend(hu, inside(shapes.body, edge), FAT_HU)
    planes = inside(4.0 * (smooth_field(grid, wall_rng, 22.0) - 1.1), 4.0)
    muscle = inside(shapes.body + np.float32(habitus.fat_mm), edge) * np.maximum(
        planes, inside(shapes.cavity - 8, edge)
    )
    blend(hu, muscle, MUSCLE_HU)
    tissue = FAT_HU + 30 + np.clip(55 + 55 * smooth_field(grid, middle_rng, 14.0), 0, 115)
    blend(hu, inside(shapes.cavity + 3, edge), tissue)
    _paint_abdomen(hu, grid, shapes, habitus, abdomen_rng)
    blend(hu, inside(shapes.heart, edge), FAT_HU + 15)
    blend(hu, inside(shapes.heart + 5, edge), habitus.blood_hu + 0.8 * habitus.contrast_hu)
    return hu


def _paint_abdomen(
    hu: Float, grid: ChestGrid, shapes: ChestShapes, habitus: Habitus, rng: np.random.Generator
) -> None:
    edge, width, depth = grid.edge_mm, habitus.cavity_half_width_mm, habitus.cavity_half_depth_mm
    below = inside(np.maximum(shapes.above_diaphragm_mm, shapes.cavity + 2), edge)
    if not below.any():
        return
    blend(hu, below, FAT_HU)
    organs = hu.copy()
    enhancement = 0.25 * habitus.contrast_hu
    right_lobe = grid.x - np.float32(18) + np.float32(0.25) * (grid.z + 30)
    liver = np.maximum(shapes.above_diaphragm_mm + 3, right_lobe) + 0 * grid.y
    blend(organs, inside(np.asarray(liver, np.float32), edge), LIVER_HU + enhancement)
    drop = -habitus.left_dome_drop_mm
    paint_ellipsoid(organs, grid, (drop - 38, -0.2 * depth, 0.45 * width), (48, 48, 42), 30.0)
    paint_ellipsoid(
        organs, grid, (drop - 50, 0.55 * depth, 0.62 * width), (42, 30, 26), SPLEEN_HU + enhancement
    )
    if habitus.has_stomach_gas:
        radii = rng.uniform((14, 18, 16), (30, 34, 34))
        centre = (drop - 6 - radii[0], -0.3 * depth, 0.45 * width)
        paint_ellipsoid(organs, grid, centre, radii, -960.0)
    for _ in range(int(rng.integers(0, 3))):
        bowel = rng.uniform((-110, -0.6 * depth, 0.0), (-60, 0.0, 0.8 * width))
        paint_ellipsoid(organs, grid, bowel, rng.uniform(10, 24, 3), -940.0)
    blend(hu, below, organs)
