"""Chests bent a little, so that a few of them show more than a few shapes."""

from __future__ import annotations

import torch
from torch import Tensor

from lesionseg.training.synthesis.fields import smooth_noise, uniform

WARP_SCALES_MM = (50.0, 120.0)
"""Over which a warp turns round: parts of a lung, never single vessels."""


def warped(
    grid: Tensor,
    most_mm: float,
    step_mm: float,
    extent_mm: tuple[float, float],
    generator: torch.Generator,
) -> Tensor:
    """Add a smooth random shift in plane to a sampling grid.

    Parameters
    ----------
    grid : Tensor, shape (1, rows, columns, 2)
        As `torch.nn.functional.affine_grid` makes it: (column, row) in -1..1 of what is sampled.
    most_mm : float
        The shift's standard deviation is drawn between 0 and this; with 0 nothing is drawn.
    step_mm : float
        Spacing of the grid's points.
    extent_mm : tuple of float
        (row, column) extent of what is sampled.

    Returns
    -------
    Tensor, same shape
    """
    if most_mm <= 0.0:
        return grid
    shape, shift_mm = (1, grid.shape[1], grid.shape[2]), uniform(0.0, most_mm, generator)
    columns, rows = (
        smooth_noise(shape, (step_mm, step_mm, step_mm), uniform(*WARP_SCALES_MM, generator), generator)
        for _ in extent_mm
    )
    shift = torch.stack([columns / extent_mm[1], rows / extent_mm[0]], dim=-1)
    return grid + 2.0 * shift_mm * shift
