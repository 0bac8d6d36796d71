"""Branching trees of vessels and airways, drawn as tapering capsules.

Grown towards random targets; radii follow Murray's law.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lesionseg.phantoms.fields import ChestGrid, Float

Points = npt.NDArray[np.float64]
MURRAY_EXPONENT = 2.7
"""Parent radius^e = sum of child radii^e; 3 in Murray (1926), a little less measured in lungs."""
PATH_WEIGHT = 0.12
"""How much a long way back to the root counts when a branch chooses where to spring from."""


@dataclass(frozen=True)
class Segments:
    """Tapering capsules.

    Attributes
    ----------
    start_mm, end_mm : ndarray, shape (n, 3), float64
        End points (z, y, x) in chest coordinates.
    start_radius_mm, end_radius_mm : ndarray, shape (n,)
        Radii at both ends.
    """

    start_mm: Points
    end_mm: Points
    start_radius_mm: Points
    end_radius_mm: Points

    def widened(self, factor: float, extra_mm: float) -> Segments:
        """Return the same course with radii ``factor * r + extra_mm``."""
        start, end = (factor * r + extra_mm for r in (self.start_radius_mm, self.end_radius_mm))
        return Segments(self.start_mm, self.end_mm, start, end)


@dataclass(frozen=True)
class TreeSettings:
    """How a tree grows.

    Attributes
    ----------
    tip_radius_mm : float
        Radius of the finest branches.
    step_mm : float
        Length of the pieces a branch is made of.
    wander_mm : float
        How far a piece strays from the straight course.
    trunks : int
        Branches that leave the root.
    """

    tip_radius_mm: float
    step_mm: float = 11.0
    wander_mm: float = 1.6
    trunks: int = 4


def grow_tree(
    root_mm: npt.ArrayLike, targets_mm: Points, settings: TreeSettings, rng: np.random.Generator
) -> Segments:
    """Connect all targets (n, 3) to the root by a branching tree.

    A few trunks reach for random targets; the rest are taken from near to far, and each springs from the
    node outside the root that costs least: its distance plus a share of that node's way to the root.
    """
    root = np.asarray(root_mm, np.float64)
    nodes = np.empty((1 + 80 * (len(targets_mm) + 1), 3))
    nodes[0] = root
    parents, path = [-1], np.zeros(len(nodes))
    order = np.argsort(np.linalg.norm(targets_mm - root, axis=1))
    trunks = rng.permutation(order)[: settings.trunks]
    order = np.concatenate([trunks, order[~np.isin(order, trunks)]])
    for number, target in enumerate(targets_mm[order]):
        count = len(parents)
        distance = np.linalg.norm(nodes[:count] - target, axis=1)
        cost = distance + PATH_WEIGHT * path[:count]
        parent = 0 if number < settings.trunks else 1 + int(np.argmin(cost[1:]))
        pieces = min(80, max(1, round(distance[parent] / settings.step_mm)))
        course = nodes[parent] + (target - nodes[parent]) * (np.arange(1, pieces + 1) / pieces)[:, None]
        course[:-1] += rng.normal(0, settings.wander_mm, (pieces - 1, 3))
        for point in course:
            nodes[len(parents)] = point
            path[len(parents)] = path[parent] + np.linalg.norm(point - nodes[parent])
            parents.append(parent)
            parent = len(parents) - 1
    return _with_radii(nodes[: len(parents)], np.asarray(parents), settings.tip_radius_mm)


def _with_radii(nodes: Points, parents: npt.NDArray[np.int64], tip_radius_mm: float) -> Segments:
    load = np.zeros(len(nodes))
    for node in range(len(nodes) - 1, 0, -1):
        load[node] = max(load[node], 1.0)
        load[parents[node]] += load[node]
    radius = tip_radius_mm * np.maximum(load, 1.0) ** (1 / MURRAY_EXPONENT)
    child = np.arange(1, len(nodes))
    return Segments(nodes[parents[1:]], nodes[1:], radius[child], radius[child])


def chain(points_mm: npt.ArrayLike, radii_mm: npt.ArrayLike) -> Segments:
    """One unbranched tube through points (n, 3) with a radius at each."""
    points, radii = np.asarray(points_mm, np.float64), np.asarray(radii_mm, np.float64)
    return Segments(points[:-1], points[1:], radii[:-1], radii[1:])


def draw_segments(fraction: Float, grid: ChestGrid, segments: Segments) -> None:
    """Raise `fraction` (0 to 1, in place) to the share of each voxel that lies inside the capsules.

    Tubes thinner than a voxel are drawn one voxel wide and fainter, so that they keep their mass at any
    spacing.
    """
    slice_mm, edge = grid.spacing_mm[0], grid.edge_mm
    for start, end, first, last in zip(
        segments.start_mm, segments.end_mm, segments.start_radius_mm, segments.end_radius_mm, strict=True
    ):
        radius = max(first, last)
        squash = min(1.0, max(edge, 2 * radius) / slice_mm)
        reach = np.array([(radius + edge) / squash, radius + edge, radius + edge])
        box = grid.box(np.minimum(start, end) - reach, np.maximum(start, end) + reach)
        if box is not None:
            share = _capsule(grid.sub(box), (start, end), (first, last), squash)
            np.maximum(fraction[box], share, out=fraction[box])


def _capsule(
    grid: ChestGrid, ends: tuple[Points, Points], radii: tuple[float, float], squash: float
) -> Float:
    """Soft capsule in a space whose z axis is squashed, which widens it to the slice thickness."""
    edge = np.float32(grid.edge_mm)
    start = ends[0].astype(np.float32)
    axis = (ends[1] - ends[0]).astype(np.float32) * np.array([squash, 1, 1], np.float32)
    dz, dy, dx = (grid.z - start[0]) * np.float32(squash), grid.y - start[1], grid.x - start[2]
    length2 = max(float(axis @ axis), 1e-6)
    along = np.clip((dz * axis[0] + dy * axis[1] + dx * axis[2]) / np.float32(length2), 0, 1)
    distance = np.sqrt(
        (dz - along * axis[0]) ** 2 + (dy - along * axis[1]) ** 2 + (dx - along * axis[2]) ** 2
    )
    radius = np.float32(radii[0]) + along * np.float32(radii[1] - radii[0])
    length = float(np.linalg.norm(ends[1] - ends[0]))
    drawn = _soft_disc_mm2(max(radii), grid.edge_mm) * np.sqrt(length2) / squash
    faintness = np.float32(min(1.0, np.pi * max(radii) ** 2 * length / drawn))
    return np.asarray(np.clip((radius - distance) / edge + np.float32(0.5), 0, 1) * faintness, np.float32)


def _soft_disc_mm2(radius_mm: float, edge_mm: float) -> float:
    """Integral over the plane of a disc whose border falls linearly from 1 to 0 over `edge_mm`."""
    if radius_mm >= edge_mm / 2:
        return float(np.pi * (radius_mm**2 + edge_mm**2 / 12))
    return float(np.pi * (radius_mm + edge_mm / 2) ** 2 * (radius_mm / edge_mm + 0.5) / 3)
