"""Smooth random fields on a patch, the raw material of lesion shapes and textures."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

SpacingMm = tuple[float, float, float]

CELL_FIELDS = 6
_ROUNDING = 0.2  # of the feature size: takes the facets off a linearly interpolated field


def uniform(low: float, high: float, generator: torch.Generator) -> float:
    """Draw one number from the interval [low, high)."""
    return low + (high - low) * float(torch.rand((), generator=generator))


def log_uniform(low: float, high: float, generator: torch.Generator) -> float:
    """Draw one number whose logarithm is uniform between those of `low` and `high`."""
    return low * float((high / low) ** uniform(0.0, 1.0, generator))


def chance(probability: float, generator: torch.Generator) -> bool:
    """Draw True with the given probability."""
    return float(torch.rand((), generator=generator)) < probability


def smooth_noise(
    shape: tuple[int, int, int], spacing_mm: SpacingMm, scale_mm: float, generator: torch.Generator
) -> Tensor:
    """Draw a field of unit variance whose features are about `scale_mm` wide in all directions.

    A coarse grid of normal numbers is interpolated linearly, so that cost does not grow with the scale.

    Returns
    -------
    Tensor, shape `shape`, float32
    """
    coarse = [
        max(2, round(length * step / scale_mm) + 1) for length, step in zip(shape, spacing_mm, strict=True)
    ]
    grid = torch.randn((1, 1, *coarse), generator=generator)
    field = functional.interpolate(grid, size=shape, mode="trilinear", align_corners=True)[0, 0]
    rounding = [min(2.5, _ROUNDING * scale_mm / step) for step in spacing_mm]
    field = blur(field, (rounding[0] if rounding[0] > 0.5 else 0.0, rounding[1], rounding[2]))
    return (field - field.mean()) / field.std().clamp_min(1e-6)


def multiscale_noise(
    shape: tuple[int, int, int],
    spacing_mm: SpacingMm,
    scales_mm: tuple[float, ...],
    generator: torch.Generator,
) -> Tensor:
    """Sum smooth fields of several scales with random weights; unit variance."""
    field = torch.zeros(shape)
    for scale_mm in scales_mm:
        weight = uniform(0.2, 1.0, generator)
        field += weight * smooth_noise(shape, spacing_mm, scale_mm, generator)
    return field / field.std().clamp_min(1e-6)


def cells(
    shape: tuple[int, int, int], spacing_mm: SpacingMm, scale_mm: float, generator: torch.Generator
) -> Tensor:
    """Draw a field of compartments about `scale_mm` wide, each of one random level, standard normal.

    A compartment is where one of several smooth fields is the highest; compartments of one field share
    their level.
    """
    highest = torch.full(shape, -torch.inf)
    levels = torch.zeros(shape)
    for _ in range(CELL_FIELDS):
        field = smooth_noise(shape, spacing_mm, scale_mm, generator)
        levels = torch.where(field > highest, torch.randn((), generator=generator), levels)
        highest = torch.maximum(highest, field)
    return levels


def blur(field: Tensor, sigma_voxels: tuple[float, float, float]) -> Tensor:
    """Blur a field by a Gaussian, edges repeated; a sigma of 0 leaves that axis alone."""
    result = field[None, None]
    for axis, sigma in enumerate(sigma_voxels):
        if sigma <= 0.0:
            continue
        radius = max(1, round(3 * sigma))
        offsets = torch.arange(-radius, radius + 1, dtype=torch.float32)
        weights = torch.exp(-0.5 * (offsets / sigma) ** 2)
        kernel_shape = [1, 1, 1, 1, 1]
        kernel_shape[axis + 2] = 2 * radius + 1
        padding = [0, 0, 0, 0, 0, 0]
        padding[2 * (2 - axis)] = padding[2 * (2 - axis) + 1] = radius
        padded = functional.pad(result, padding, mode="replicate")
        result = functional.conv3d(padded, (weights / weights.sum()).reshape(kernel_shape))
    return result[0, 0]


def grown(mask: Tensor, reach: int) -> Tensor:
    """Grow a mask by a square of `reach` voxels to every side in plane.

    Parameters
    ----------
    mask : Tensor of bool, shape (slices, rows, columns)
    """
    along_rows = functional.max_pool2d(mask.float(), (1, 2 * reach + 1), stride=1, padding=(0, reach))
    return functional.max_pool2d(along_rows, (2 * reach + 1, 1), stride=1, padding=(reach, 0)) > 0.5


def rank_threshold(field: Tensor, inside: Tensor, fraction: float) -> float:
    """Level above which `fraction` of the voxels `inside` lie; infinite where nothing is to be kept."""
    values = field[inside]
    if fraction <= 0.0 or values.numel() == 0:
        return float("inf")
    kept = min(values.numel(), max(1, round(fraction * values.numel())))
    return (
        float(torch.topk(values, kept, sorted=False).values.min()) if kept < values.numel() else -float("inf")
    )
