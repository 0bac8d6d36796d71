"""Where lung and wall share a voxel: what fills the lung up to the wall leaves no dark line there."""

from __future__ import annotations

from torch import Tensor

from lesionseg.training.synthesis.fields import grown

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
    shared = (hu > SHARED_HU[0]) & (hu < SHARED_HU[1])
    return grown(inside, 1) | (grown(inside, RIM_VOXELS) & shared)
