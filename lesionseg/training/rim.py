"""Where lung and wall share a voxel: what fills the lung up to the wall leaves no dark line there."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

RIM_VOXELS = 3
"""In plane; as far as blur and resampling spread the border of the lung."""
SHARED_HU = (-850.0, -150.0)
"""Below lie the open airways beside the lung, above the wall itself."""


def with_rim(inside: Tensor, hu: Tensor) -> Tensor:
    """Mask of a part of the lung, of the voxel around it, and of what it shares with the wall beyond.

    Parameters
    ----------
    inside : Tensor of bool, shape (slices, rows, columns)
    hu : Tensor, float32, same shape

    Returns
    -------
    Tensor of bool, same shape
    """
    part = inside.float()
    near = functional.max_pool2d(part, 2 * RIM_VOXELS + 1, stride=1, padding=RIM_VOXELS) > 0.5
    touching = functional.max_pool2d(part, 3, stride=1, padding=1) > 0.5
    return torch.logical_or(touching, near & (hu > SHARED_HU[0]) & (hu < SHARED_HU[1]))
