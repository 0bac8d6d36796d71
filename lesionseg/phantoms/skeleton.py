"""Bones: ribs, costal cartilage, spine, sternum, shoulder blades, and the table under the patient."""

from __future__ import annotations

import numpy as np

from lesionseg.phantoms.anatomy import ChestShapes
from lesionseg.phantoms.fields import ChestGrid, Float, blend, inside, paint_ellipsoid
from lesionseg.phantoms.habitus import Habitus

MARROW_HU, CORTEX_HU, CARTILAGE_HU, DISC_HU = 160.0, 750.0, 105.0, 85.0
RIB_SLOPE = 0.55
"""Fall of a rib per mm on its way to the front."""
RIB_DEPTH_MM = 8.0
"""Distance of a rib's middle from the inner surface of the chest wall."""


def paint_skeleton(hu: Float, grid: ChestGrid, shapes: ChestShapes, habitus: Habitus) -> None:
    """Mix all bones into `hu` in place."""
    _paint_ribs(hu, grid, shapes, habitus)
    _paint_sternum(hu, grid, habitus)
    _paint_shoulder_blades(hu, grid, shapes, habitus)
    _paint_spine(hu, grid, habitus)


def spine_centre_y_mm(habitus: Habitus) -> float:
    """Front-to-back position of the vertebral bodies' middle."""
    return 0.62 * habitus.cavity_half_depth_mm


def paint_table(hu: Float, grid: ChestGrid, habitus: Habitus, rng: np.random.Generator) -> None:
    """Mix a curved couch of thin shell and light core into the air under the patient, in place."""
    back = habitus.cavity_half_depth_mm + habitus.fat_mm + habitus.muscle_mm + 16.0 + rng.uniform(4, 14)
    surface = back - 0.0009 * rng.uniform(0.3, 1.2) * grid.x**2 - grid.y
    thickness = rng.uniform(18, 40)
    sheet = np.maximum(np.maximum(surface, -surface - thickness), np.abs(grid.x) - 205)
    sheet = np.broadcast_to(sheet, grid.shape).astype(np.float32)
    empty = np.asarray(np.clip((-700 - hu) / 300, 0, 1), np.float32)
    blend(hu, inside(sheet, grid.edge_mm) * empty, -150.0)
    blend(hu, inside(sheet + 3, grid.edge_mm) * empty, -930.0)


def _bone_hu(depth_mm: Float, habitus: Habitus, cortex_mm: float = 2.0) -> Float:
    """Dense near the surface, marrow inside."""
    marrow = np.clip(-depth_mm / cortex_mm - 0.5, 0, 1)
    return np.asarray(habitus.bone_density * (CORTEX_HU + marrow * (MARROW_HU - CORTEX_HU)), np.float32)


def _paint_ribs(hu: Float, grid: ChestGrid, shapes: ChestShapes, habitus: Habitus) -> None:
    period = habitus.rib_period_mm
    back = habitus.cavity_half_depth_mm
    course = grid.z + RIB_SLOPE * (back - grid.y) + 0.12 * np.abs(grid.x)
    phase = np.mod(course, period) - period / 2
    height, thickness = 0.24 * period, 4.6
    near = np.abs(shapes.cavity - RIB_DEPTH_MM) < thickness + 2 * grid.edge_mm
    near &= (np.abs(grid.x) > 16) & (grid.z < 0.97 * habitus.dome_to_apex_mm)
    across = (shapes.cavity[near] - RIB_DEPTH_MM) / np.float32(thickness)
    along = np.broadcast_to(phase, grid.shape)[near] / np.float32(height)
    depth = (np.sqrt(across**2 + along**2) - 1) * np.float32(thickness)
    is_front = np.broadcast_to((grid.y < -0.55 * back) & (np.abs(grid.x) < 75), grid.shape)[near]
    tissue = np.where(is_front, np.float32(CARTILAGE_HU), _bone_hu(depth, habitus))
    values = hu[near]
    blend(values, inside(depth, grid.edge_mm), tissue)
    hu[near] = values


def _paint_sternum(hu: Float, grid: ChestGrid, habitus: Habitus) -> None:
    height, depth = habitus.dome_to_apex_mm, habitus.cavity_half_depth_mm
    low, high = 0.12 * height, 0.86 * height
    box = grid.box((low, -2 * depth, -40), (high, 0, 40))
    if box is None:
        return
    part = grid.sub(box)
    rise = part.z / np.float32(height)
    middle_y = -depth - 8 + (0.4 * depth) * np.clip(rise - 0.2, 0, 1) ** 1.5
    half_width = 15 + 9 * np.clip((rise - 0.65) * 5, 0, 1)
    solid = np.maximum(np.abs(part.y - middle_y) - 6.0, np.abs(part.x) - half_width)
    solid = np.asarray(np.maximum(solid, 2 - np.minimum(part.z - low, high - part.z)), np.float32)
    blend(hu[box], inside(solid, grid.edge_mm), _bone_hu(solid, habitus))


def _paint_shoulder_blades(hu: Float, grid: ChestGrid, shapes: ChestShapes, habitus: Habitus) -> None:
    height, width = habitus.dome_to_apex_mm, habitus.cavity_half_width_mm
    box = grid.box((0.35 * height, 0.0, -400), (1.1 * height, 400, 400))
    if box is None:
        return
    part = grid.sub(box)
    reach = np.abs(part.x) - np.float32(width * 0.82)
    sheet = np.abs(np.minimum(shapes.cavity[box], shapes.body[box] + 40) - 22.0) - 2.6
    rim = np.maximum(np.abs(reach) - 42.0, np.abs(part.z - 0.72 * height) - 0.32 * height)
    blade = np.asarray(np.maximum(np.maximum(sheet, rim), shapes.body[box] + 9), np.float32)
    blend(hu[box], inside(blade, grid.edge_mm), _bone_hu(blade, habitus, 1.5))
    for side in (-1, 1):
        centre = (0.98 * height, 22.0, side * (width + 4.0))
        paint_ellipsoid(hu, grid, centre, (26, 22, 22), CORTEX_HU * 0.45 * habitus.bone_density)


def _paint_spine(hu: Float, grid: ChestGrid, habitus: Habitus) -> None:
    middle = spine_centre_y_mm(habitus)
    box = grid.box((-1e4, middle - 40, -50), (1e4, middle + 75, 50))
    if box is None:
        return
    part, hu_part = grid.sub(box), hu[box]
    back = part.y - np.float32(middle)
    level = np.mod(part.z, np.float32(habitus.rib_period_mm)) - habitus.rib_period_mm / 2
    body = (np.sqrt((part.x / 19) ** 2 + (back / 15) ** 2) - 1) * 15
    vertebra = np.asarray(np.maximum(body, np.abs(level) - 0.4 * habitus.rib_period_mm), np.float32)
    blend(hu_part, inside(np.broadcast_to(body, vertebra.shape), grid.edge_mm), DISC_HU)
    blend(hu_part, inside(vertebra, grid.edge_mm), _bone_hu(vertebra, habitus))
    arch = np.maximum(np.sqrt(part.x**2 + (back - 23) ** 2) - 15, np.abs(level) - 9)
    process = np.maximum(np.sqrt((part.x / 4) ** 2 + ((back - 46) / 20) ** 2) * 4 - 4, np.abs(level) - 8)
    wings = np.maximum(
        np.sqrt(((np.abs(part.x) - 24) / 14) ** 2 + ((back - 22) / 5.5) ** 2) * 5 - 5, np.abs(level) - 6
    )
    bone = np.asarray(np.minimum(np.minimum(arch, process), wings), np.float32)
    blend(hu_part, inside(bone, grid.edge_mm), _bone_hu(bone, habitus))
    canal = np.asarray(np.sqrt(part.x**2 + (back - 23) ** 2) - 9, np.float32)
    blend(hu_part, inside(np.broadcast_to(canal, bone.shape), grid.edge_mm), 30.0)
