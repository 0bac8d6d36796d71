"""The chest's tubes: great vessels, pulmonary vessel trees, trachea and bronchi."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lesionseg.phantoms.anatomy import ChestShapes, hilum_centre_mm
from lesionseg.phantoms.fields import ChestGrid, Float
from lesionseg.phantoms.habitus import Habitus
from lesionseg.phantoms.skeleton import spine_centre_y_mm
from lesionseg.phantoms.trees import Points, Segments, TreeSettings, chain, draw_segments, grow_tree

VESSEL_TARGETS, AIRWAY_TARGETS = 300, 26
VESSEL_TREE = TreeSettings(tip_radius_mm=0.72)
AIRWAY_TREE = TreeSettings(tip_radius_mm=1.25, step_mm=14.0, wander_mm=1.0)
WALL_FACTOR, WALL_EXTRA_MM = 1.12, 0.7
"""An airway's outer radius is this factor times its inner one plus this."""
AIRWAY_DEPTH_MM, VESSEL_DEPTH_MM = 22.0, 5.0
"""How deep under the pleura the finest drawn airways and vessels end."""
LUNG_SAMPLES = 60_000


@dataclass(frozen=True)
class Tubes:
    """Share of every voxel that each kind of tube fills, 0 to 1.

    Attributes
    ----------
    great_vessels, vessels : ndarray
        Aorta and its neighbours; the pulmonary trees.
    airway_walls, airways : ndarray
        Airways with and without their walls.
    """

    great_vessels: Float
    vessels: Float
    airway_walls: Float
    airways: Float


def chest_tubes(grid: ChestGrid, shapes: ChestShapes, habitus: Habitus, rng: np.random.Generator) -> Tubes:
    """Grow and draw all tubes of one patient."""
    maps = [np.zeros(grid.shape, np.float32) for _ in range(4)]
    great, vessels, walls, airways = maps
    for tube in _great_vessels(habitus):
        draw_segments(great, grid, tube)
    for tube in _central_airways(habitus):
        draw_segments(walls, grid, tube.widened(WALL_FACTOR, WALL_EXTRA_MM))
        draw_segments(airways, grid, tube)
    for side, depth in ((-1, shapes.right_lung), (1, shapes.left_lung)):
        side_rng, *tree_rngs = rng.spawn(4)
        z_mm, y_mm, x_mm = hilum_centre_mm(habitus, side)
        candidates = _candidates(grid, depth, side_rng)
        for shift, tree_rng in zip((-5.0, 6.0), tree_rngs, strict=False):
            targets = _targets(candidates, VESSEL_DEPTH_MM, VESSEL_TARGETS, tree_rng)
            draw_segments(
                vessels, grid, grow_tree((z_mm + shift, y_mm - shift, x_mm), targets, VESSEL_TREE, tree_rng)
            )
        targets = _targets(candidates, AIRWAY_DEPTH_MM, AIRWAY_TARGETS, tree_rngs[2])
        tree = grow_tree((z_mm, y_mm + 3, x_mm), targets, AIRWAY_TREE, tree_rngs[2])
        draw_segments(walls, grid, tree.widened(WALL_FACTOR, 0.5 * WALL_EXTRA_MM))
        draw_segments(airways, grid, tree)
    return Tubes(great, vessels, walls, airways)


def _candidates(grid: ChestGrid, depth_mm: Float, rng: np.random.Generator) -> Points:
    """Random points of one lung with their depth under its surface, rows ``(z, y, x, depth)`` in mm."""
    picks = [rng.integers(0, length, LUNG_SAMPLES) for length in grid.shape]
    depth = -depth_mm[tuple(picks)]
    inside = depth > 0
    axes = [axis.ravel()[pick[inside]] for axis, pick in zip((grid.z, grid.y, grid.x), picks, strict=True)]
    return np.stack([*axes, depth[inside]], axis=1).astype(np.float64)


def _targets(candidates: Points, depth_mm: float, count: int, rng: np.random.Generator) -> Points:
    deep = candidates[candidates[:, 3] > depth_mm, :3]
    if len(deep) == 0:
        return np.empty((0, 3))
    chosen = np.asarray(deep[rng.choice(len(deep), min(count, len(deep)), replace=False)])
    return chosen + rng.normal(0, 0.5, chosen.shape)


def _great_vessels(habitus: Habitus) -> list[Segments]:
    top, spine = habitus.dome_to_apex_mm, spine_centre_y_mm(habitus)
    front = -0.22 * habitus.cavity_half_depth_mm
    descending_y = spine - 22
    aorta = [
        (0.30 * top, front + 4, -8),
        (0.50 * top, front + 2, -12),
        (0.64 * top, front + 10, -6),
        (0.69 * top, front + 26, 8),
        (0.66 * top, descending_y - 2, 19),
        (0.50 * top, descending_y, 21),
        (0.0, descending_y + 2, 16),
        (-250.0, descending_y + 8, 4),
    ]
    cava = [(0.30 * top, 4, -25), (0.62 * top, -6, -22), (0.85 * top, -6, -20), (1.15 * top, 0, -30)]
    trunk = [(0.36 * top, front - 6, 14), (0.50 * top, front + 10, 16), (0.54 * top, 10, 30)]
    right_branch = [(0.50 * top, front + 14, 12), (0.50 * top, 8, -12), (0.50 * top, 12, -30)]
    arteries = [
        [(0.70 * top, 0, x), (0.88 * top, 4, 1.2 * x), (1.2 * top, 6, 1.6 * x)] for x in (-9.0, 3.0, 15.0)
    ]
    return [
        chain(aorta, (14, 15, 13.5, 13, 12.5, 12, 11, 10)),
        chain(cava, (10, 9, 8, 7)),
        chain(trunk, (13, 13, 10)),
        chain(right_branch, (11, 10, 8)),
        *(chain(artery, (5, 4, 3.5)) for artery in arteries),
    ]


def _central_airways(habitus: Habitus) -> list[Segments]:
    top = habitus.dome_to_apex_mm
    carina = (0.60 * top, 20.0, 0.0)
    radius = 0.062 * habitus.cavity_half_width_mm + 0.5
    trachea = [(1.5 * top, 2.0, 0.0), (1.0 * top, 8.0, 1.0), (0.8 * top, 15.0, 1.0), carina]
    bronchi = [
        chain(
            [carina, hilum_centre_mm(habitus, side)], (0.85 * radius, (0.72 if side < 0 else 0.66) * radius)
        )
        for side in (-1, 1)
    ]
    return [chain(trachea, (radius, radius, radius, 0.95 * radius)), *bronchi]
