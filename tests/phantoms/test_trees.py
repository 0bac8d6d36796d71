"""Branching trees: connected, thinning, drawn with the right mass."""

import numpy as np
import pytest

from lesionseg.phantoms.fields import centred_grid
from lesionseg.phantoms.trees import TreeSettings, chain, draw_segments, grow_tree


@pytest.mark.parametrize("radius_mm", [6.0, 2.0, 0.6])
@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (3.0, 1.5, 1.5)])
def test_a_drawn_tube_holds_its_volume_even_when_thinner_than_a_voxel(radius_mm, spacing_mm):
    grid = centred_grid((40, 60, 60), spacing_mm, 0.0)
    fraction = np.zeros(grid.shape, np.float32)
    draw_segments(fraction, grid, chain([(0.2, 0.3, -20.0), (0.2, 0.3, 20.0)], (radius_mm, radius_mm)))
    voxel_mm3 = float(np.prod(spacing_mm))
    expected_mm3 = np.pi * radius_mm**2 * 40 + 4 / 3 * np.pi * radius_mm**3
    assert fraction.sum() * voxel_mm3 == pytest.approx(expected_mm3, rel=0.2)
    assert fraction.max() <= 1


def test_every_piece_starts_where_another_ends_and_no_child_is_thicker():
    rng = np.random.default_rng(0)
    root = np.zeros(3)
    tree = grow_tree(root, rng.uniform(-60, 60, (80, 3)), TreeSettings(tip_radius_mm=0.5), rng)
    ends = {tuple(end): radius for end, radius in zip(tree.end_mm, tree.end_radius_mm, strict=True)}
    for start, radius in zip(tree.start_mm, tree.end_radius_mm, strict=True):
        assert tuple(start) == tuple(root) or ends[tuple(start)] >= radius
    assert tree.end_radius_mm.min() == pytest.approx(0.5)
    assert tree.end_radius_mm.max() > 1.2


def test_tubes_outside_the_grid_leave_no_trace():
    grid = centred_grid((10, 10, 10), (2.0, 2.0, 2.0), 0.0)
    fraction = np.zeros(grid.shape, np.float32)
    draw_segments(fraction, grid, chain([(200.0, 0.0, 0.0), (300.0, 0.0, 0.0)], (5.0, 5.0)))
    assert not fraction.any()
