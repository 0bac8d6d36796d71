"""A patch of lung and a small scan, made of blocks."""

from dataclasses import replace

import numpy as np
import torch

from lesionseg.training.chests.scans import training_scan
from lesionseg.training.synthesis.fields import blur
from lesionseg.training.synthesis.patch import LungPatch
from lesionseg.volume import CTVolume, VolumeGeometry

SPACING_MM = (3.0, 1.5, 1.5)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def lung_patch() -> LungPatch:
    hu = torch.full((6, 64, 64), 40.0)
    lung = torch.zeros_like(hu, dtype=torch.bool)
    lung[:, 8:56, 8:56] = True
    hu[lung] = -850.0
    depth_mm = torch.full_like(hu, 10.0) * lung
    return LungPatch(hu, lung, depth_mm, SPACING_MM)


def blurred_border() -> LungPatch:
    patch = lung_patch()
    return replace(patch, hu=blur(patch.hu, (0.0, 1.0, 1.0)))


def block_scan(*, ignore=()):
    hu = np.full((20, 60, 70), 40, np.int16)
    hu[3:17, 10:50, 10:30] = -850
    hu[3:17, 10:50, 40:60] = -850
    volume = CTVolume(hu, VolumeGeometry.from_axes(hu.shape, SPACING_MM), "block")
    return training_scan(volume, lung=hu < -500, ignore=ignore)
