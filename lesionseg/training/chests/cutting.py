"""Cutting stacks and single slices out of a training scan, turned, zoomed and averaged at random."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from lesionseg.core.labels import Label
from lesionseg.training.chests.scans import TrainingScan
from lesionseg.training.synthesis.fields import chance, uniform
from lesionseg.training.synthesis.patch import LungPatch
from lesionseg.training.synthesis.warping import warped

AIR_HU = -1000.0
CLEAR_CHANNELS = 4
"""Of a stack cut from a scan without outlines: HU, lung, depth, unknown truth."""
LUNG_SHARE, BELOW_SHARE = 0.66, 0.25
"""Of the stacks: drawn over the lungs' height; drawn from just below the lungs to their lowest quarter."""
USUAL_WIDTH_MM = 250.0
"""Of both lungs, where a slice shows none."""
MOST_MERGED = 5
"""Slices that are averaged into one: five of 1.5 mm make what is about the thickest that scanners keep."""


@dataclass(frozen=True)
class PatchSettings:
    """What a training patch looks like.

    Attributes
    ----------
    stretch : float
        Largest factor by which a chest is made broader than deep, or deeper than broad.
    warp_mm : float
        Standard deviation of a smooth shift in plane, at most; the same on all slices of a stack.
    """

    slices: int = 8
    in_plane: tuple[int, int] = (160, 192)
    in_plane_spacing_mm: float = 1.5
    thickest_slice_mm: float = 8.0
    rotation_deg: float = 12.0
    zoom: tuple[float, float] = (0.82, 1.2)
    stretch: float = 1.15
    warp_mm: float = 4.0


@dataclass(frozen=True)
class PictureSettings:
    """What a single slice looks like that was kept as a picture, cropped around the lungs.

    Attributes
    ----------
    in_plane : tuple of int
        Rows and columns, filled up with air around the crop.
    least_lung_cm2 : float
        Slices that show less lung are not drawn.
    lung_width : tuple of float
        Width of both lungs, as a fraction of the columns.
    margin : tuple of float
        Of the crop around the lungs, as a fraction of their extent.
    """

    in_plane: tuple[int, int] = (176, 192)
    least_lung_cm2: float = 60.0
    lung_width: tuple[float, float] = (0.8, 0.98)
    margin: tuple[float, float] = (0.0, 0.12)
    rotation_deg: float = 12.0
    stretch: float = 1.15
    warp_mm: float = 4.0


def draw_patch(
    scan: TrainingScan, settings: PatchSettings, generator: torch.Generator
) -> tuple[LungPatch, Tensor]:
    """Cut a stack at a random height, average slices to a random thickness, turn and zoom in plane.

    Returns
    -------
    patch : LungPatch
    ignored : Tensor of bool
        Where the truth is unknown.
    """
    thickest = max(1, int(settings.thickest_slice_mm / scan.spacing_mm[0]))
    merged = 1 + int(uniform(0.0, min(MOST_MERGED, thickest), generator))
    wanted = settings.slices * merged
    stack = _cut(scan, _first_slice(scan, wanted, generator), settings.slices, merged)
    theta = _placement(stack.shape, scan.spacing_mm, settings, generator)
    grid = _warped(theta, stack.shape, scan.spacing_mm, settings, generator)
    step_mm = (scan.spacing_mm[0] * merged, settings.in_plane_spacing_mm)
    patch, ignored = _sample(stack, grid, step_mm)
    return replace(patch, takes_lesions=scan.takes_lesions), ignored


def draw_picture(
    scan: TrainingScan, settings: PictureSettings, generator: torch.Generator
) -> tuple[LungPatch, Tensor]:
    """Cut one slice that shows enough lung, the lungs' width filling most of the picture.

    Returns
    -------
    patch : LungPatch
        One slice.
    ignored : Tensor of bool
        Where the truth is unknown.
    """
    area_cm2 = scan.lung_cm2_per_slice
    shown = np.flatnonzero(area_cm2 >= min(settings.least_lung_cm2, float(area_cm2.max())))
    merged = 1 + int(chance(0.3, generator))
    stack = _cut(scan, int(shown[int(uniform(0.0, len(shown), generator))]), 1, merged)
    lung = stack[0, 1] > 0.5
    columns = torch.nonzero(lung.any(dim=0)).flatten()
    lung_mm = float(columns[-1] - columns[0] + 1) * scan.spacing_mm[2] if len(columns) else USUAL_WIDTH_MM
    spacing_mm = lung_mm / (uniform(*settings.lung_width, generator) * settings.in_plane[1])
    plane = PatchSettings(
        in_plane=settings.in_plane,
        in_plane_spacing_mm=spacing_mm,
        zoom=(1.0, 1.0),
        rotation_deg=settings.rotation_deg,
        stretch=settings.stretch,
        warp_mm=settings.warp_mm,
    )
    theta = _placement(stack.shape, scan.spacing_mm, plane, generator, middle=_middle_of(lung))
    grid = _warped(theta, stack.shape, scan.spacing_mm, plane, generator)
    patch, ignored = _sample(stack, grid, (scan.spacing_mm[0] * merged, spacing_mm))
    return replace(patch, takes_lesions=scan.takes_lesions), ignored


def cropped_extent(
    lung: Tensor, margin: tuple[float, float], generator: torch.Generator
) -> tuple[slice, slice]:
    """Rows and columns of a crop around the lungs with random margins, as fractions of their extent."""
    extent = []
    for axis in (1, 0):
        found = torch.nonzero(lung.any(dim=axis)).flatten()
        length = lung.shape[1 - axis]
        if not len(found):
            extent.append(slice(0, length))
            continue
        low, high = int(found[0]), int(found[-1]) + 1
        before = round(uniform(*margin, generator) * (high - low))
        after = round(uniform(*margin, generator) * (high - low))
        extent.append(slice(max(0, low - before), min(length, high + after)))
    return extent[0], extent[1]


def _sample(stack: Tensor, grid: Tensor, step_mm: tuple[float, float]) -> tuple[LungPatch, Tensor]:
    """Resample a stack in plane; `step_mm` is the slice and the pixel spacing of the result."""
    grid = grid.expand(stack.shape[0], -1, -1, -1)
    smooth = functional.grid_sample(stack[:, :3], grid, mode="bilinear", align_corners=False)
    outside = functional.grid_sample(
        torch.ones_like(stack[:, :1]), grid, mode="bilinear", align_corners=False
    )
    hu = smooth[:, 0] + (1.0 - outside[:, 0]) * AIR_HU
    lung = smooth[:, 1] > 0.5
    patch = LungPatch(hu, lung, smooth[:, 2] * lung, (step_mm[0], step_mm[1], step_mm[1]))
    ignored = functional.grid_sample(stack[:, 3:4], grid, mode="nearest", align_corners=False)[:, 0] > 0.5
    if stack.shape[1] > CLEAR_CHANNELS:
        shares = functional.grid_sample(stack[:, CLEAR_CHANNELS:], grid, mode="bilinear", align_corners=False)
        patch = _with_outlines(patch, shares)
    return patch, ignored


def _with_outlines(patch: LungPatch, shares: Tensor) -> LungPatch:
    """Label voxels of which lesion, and within it solid component, fills more than half."""
    lesion = shares[:, 0] > 0.5
    lung = patch.lung | lesion
    outlined = lung.to(torch.uint8) * int(Label.LUNG)
    outlined[lesion] = int(Label.NON_SOLID)
    outlined[lesion & (shares[:, 1] > 0.5 * shares[:, 0])] = int(Label.SOLID)
    return replace(patch, lung=lung, outlined=outlined)


def _first_slice(scan: TrainingScan, wanted: int, generator: torch.Generator) -> int:
    """Draw where a stack of `wanted` slices begins: mostly over the lungs, at times anywhere or below them.

    Below the lungs lie stomach and bowel, whose gas must be learnt to be none of them.
    """
    shown = np.flatnonzero(scan.lung_cm2_per_slice > 0.0)
    low, high = 0, scan.hu.shape[0]
    place = uniform(0.0, 1.0, generator)
    if len(shown) and place < LUNG_SHARE:
        low, high = int(shown[0]), int(shown[-1]) + 1
    elif len(shown) and place < LUNG_SHARE + BELOW_SHARE:
        foot, middle = int(shown[0]), int(shown[len(shown) // 4])
        return int(uniform(foot - wanted, max(foot - wanted + 1, middle - 0.5 * wanted), generator))
    return int(uniform(low - 0.4 * wanted, high - 0.6 * wanted, generator))


def _cut(scan: TrainingScan, first: int, slices: int, merged: int) -> Tensor:
    """Channels (hu, lung, depth, ignored) of shape (slices, 4, rows, columns); ends are repeated.

    Two more, lesion and solid component, where a reader outlined them.
    """
    rows = np.clip(np.arange(first, first + slices * merged), 0, scan.hu.shape[0] - 1)
    arrays = [array[rows] for array in (scan.hu, scan.lung, scan.depth_mm, scan.ignored)]
    if scan.outlined is not None:
        outlined = scan.outlined[rows]
        arrays += [outlined >= Label.NON_SOLID, outlined == Label.SOLID]
    channels = [torch.from_numpy(np.ascontiguousarray(array).astype(np.float32)) for array in arrays]
    stack = torch.stack(channels, dim=1)
    return stack.reshape(slices, merged, *stack.shape[1:]).mean(dim=1)


def _placement(
    size: torch.Size,
    spacing_mm: tuple[float, float, float],
    settings: PatchSettings,
    generator: torch.Generator,
    middle: tuple[float, float] | None = None,
) -> Tensor:
    """Draw the affine from patch to scan, shape (2, 3), one and the same for every slice of the stack.

    `middle` is where the patch's middle lies (column, row) in the scan's -1..1; drawn if left out.
    """
    rows, columns = settings.in_plane
    angle = np.deg2rad(uniform(-settings.rotation_deg, settings.rotation_deg, generator))
    zoom = uniform(*settings.zoom, generator)
    mirror = -1.0 if chance(0.5, generator) else 1.0
    out_mm = settings.in_plane_spacing_mm / zoom
    broader = settings.stretch ** uniform(-0.5, 0.5, generator)
    reach_rows = rows * out_mm * broader / (size[2] * spacing_mm[1])
    reach_columns = columns * out_mm / broader / (size[3] * spacing_mm[2])
    ratio = (size[2] * spacing_mm[1]) / (size[3] * spacing_mm[2])
    x, y = middle or (_shift(reach_columns, generator), _shift(reach_rows, generator))
    cosine, sine = float(np.cos(angle)), float(np.sin(angle))
    return torch.tensor(
        [
            [mirror * cosine * reach_columns, -sine * reach_rows * ratio, x],
            [mirror * sine * reach_columns / ratio, cosine * reach_rows, y],
        ]
    )


def _warped(
    theta: Tensor,
    size: torch.Size,
    spacing_mm: tuple[float, float, float],
    settings: PatchSettings,
    generator: torch.Generator,
) -> Tensor:
    """Draw a smooth shift on top of an affine: sampling grid, shape (1, rows, columns, 2)."""
    grid = functional.affine_grid(theta[None], [1, 1, *settings.in_plane], align_corners=False)
    extent_mm = (size[2] * spacing_mm[1], size[3] * spacing_mm[2])
    return warped(grid, settings.warp_mm, settings.in_plane_spacing_mm, extent_mm, generator)


def _middle_of(mask: Tensor) -> tuple[float, float]:
    """Middle of a mask's box (column, row) in -1..1; the image's middle if it is empty."""
    middle = []
    for axis in (0, 1):
        found = torch.nonzero(mask.any(dim=axis)).flatten()
        length = mask.shape[1 - axis]
        middle.append(float(found[0] + found[-1] + 1) / length - 1.0 if len(found) else 0.0)
    return middle[0], middle[1]


def _shift(reach: float, generator: torch.Generator) -> float:
    """Offset of the patch's middle in the scan's -1..1: inside the scan where the patch is the smaller."""
    slack = max(0.1, 1.0 - reach)
    return uniform(-slack, slack, generator)
