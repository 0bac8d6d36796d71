"""Fresh training patches: a random stack of slices, newly placed lesions, a newly drawn scanner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset

from lesionseg.training.fields import chance, uniform
from lesionseg.training.scans import TrainingScan
from lesionseg.training.synthesis import LesionSettings, LungPatch, insert_lesions, scanner_variation

IGNORED_LABEL = 255
AIR_HU = -1000.0


@dataclass(frozen=True)
class PatchSettings:
    """What a training patch looks like."""

    slices: int = 8
    in_plane: tuple[int, int] = (160, 192)
    in_plane_spacing_mm: float = 1.5
    thickest_slice_mm: float = 8.0
    rotation_deg: float = 12.0
    zoom: tuple[float, float] = (0.82, 1.2)
    hu_window: tuple[float, float] = (-1000.0, 400.0)
    lesions: LesionSettings = field(default_factory=LesionSettings)


class SyntheticPatches(Dataset[tuple[Tensor, Tensor]]):
    """Patch number `index` of an endless, seeded sequence.

    Each item is ``(image, labels)``: float32 of shape ``(1, slices, rows, columns)`` in -1..1, and uint8
    labels of the same extent with `IGNORED_LABEL` where the truth is unknown.
    """

    def __init__(
        self, scans: Sequence[TrainingScan], settings: PatchSettings, *, count: int, seed: int, first: int = 0
    ) -> None:
        self.scans = tuple(scans)
        self.settings = settings
        self.count = count
        self.seed = seed
        self.first = first

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if not 0 <= index < self.count:
            raise IndexError(index)
        generator = torch.Generator().manual_seed(hash((self.seed, self.first + index)) & 0x7FFFFFFF)
        weights = torch.tensor([scan.weight for scan in self.scans])
        scan = self.scans[int(torch.multinomial(weights, 1, generator=generator))]
        patch, ignored = draw_patch(scan, self.settings, generator)
        hu, labels = insert_lesions(patch, self.settings.lesions, generator)
        hu = scanner_variation(hu, patch.lung, generator)
        labels[ignored] = IGNORED_LABEL
        return scale_to_window(hu, self.settings.hu_window)[None], labels


def scale_to_window(hu: Tensor, window: tuple[float, float]) -> Tensor:
    """Clip HU to the window and map it to -1..1."""
    low, high = window
    return (hu.clamp(low, high) - low) * (2.0 / (high - low)) - 1.0


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
    merged = 1 + int(uniform(0.0, min(4, thickest), generator))
    stack = _cut(scan, settings.slices, merged, generator)
    grid = _in_plane_grid(scan, stack.shape[2:4], settings, generator)
    smooth = functional.grid_sample(stack[:, :3], grid, mode="bilinear", align_corners=False)
    outside = functional.grid_sample(
        torch.ones_like(stack[:, :1]), grid, mode="bilinear", align_corners=False
    )
    hu = smooth[:, 0] + (1.0 - outside[:, 0]) * AIR_HU
    spacing_mm = (scan.spacing_mm[0] * merged, settings.in_plane_spacing_mm, settings.in_plane_spacing_mm)
    lung = smooth[:, 1] > 0.5
    patch = LungPatch(hu, lung, smooth[:, 2] * lung, spacing_mm)
    ignored = functional.grid_sample(stack[:, 3:], grid, mode="nearest", align_corners=False)[:, 0] > 0.5
    return patch, ignored


def _cut(scan: TrainingScan, slices: int, merged: int, generator: torch.Generator) -> Tensor:
    """Channels (hu, lung, depth, ignored) of shape (slices, 4, rows, columns); ends are repeated."""
    wanted = slices * merged
    first = int(uniform(-0.25 * wanted, scan.hu.shape[0] - 0.75 * wanted, generator))
    rows = np.clip(np.arange(first, first + wanted), 0, scan.hu.shape[0] - 1)
    channels = [
        torch.from_numpy(np.ascontiguousarray(array[rows]).astype(np.float32))
        for array in (scan.hu, scan.lung, scan.depth_mm, scan.ignored)
    ]
    stack = torch.stack(channels, dim=1)
    return stack.reshape(slices, merged, *stack.shape[1:]).mean(dim=1)


def _in_plane_grid(
    scan: TrainingScan, size: torch.Size, settings: PatchSettings, generator: torch.Generator
) -> Tensor:
    """Draw the sampling grid, one and the same for every slice of the stack."""
    rows, columns = settings.in_plane
    angle = np.deg2rad(uniform(-settings.rotation_deg, settings.rotation_deg, generator))
    zoom = uniform(*settings.zoom, generator)
    mirror = -1.0 if chance(0.5, generator) else 1.0
    out_mm = settings.in_plane_spacing_mm / zoom
    reach_rows = rows * out_mm / (size[0] * scan.spacing_mm[1])
    reach_columns = columns * out_mm / (size[1] * scan.spacing_mm[2])
    ratio = (size[0] * scan.spacing_mm[1]) / (size[1] * scan.spacing_mm[2])
    shift_x = _shift(reach_columns, generator)
    shift_y = _shift(reach_rows, generator)
    cosine, sine = float(np.cos(angle)), float(np.sin(angle))
    theta = torch.tensor(
        [
            [mirror * cosine * reach_columns, -sine * reach_rows * ratio, shift_x],
            [mirror * sine * reach_columns / ratio, cosine * reach_rows, shift_y],
        ]
    )
    grid = functional.affine_grid(theta[None], [1, 1, rows, columns], align_corners=False)
    return grid.expand(settings.slices, -1, -1, -1)


def _shift(reach: float, generator: torch.Generator) -> float:
    """Offset of the patch's middle in the scan's -1..1: inside the scan where the patch is the smaller."""
    slack = max(0.1, 1.0 - reach)
    return uniform(-slack, slack, generator)
