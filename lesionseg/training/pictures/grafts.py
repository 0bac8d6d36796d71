"""Outlined lesions of one picture put into the aired lung of another."""

from __future__ import annotations

import torch
from torch import Tensor

from lesionseg.core.labels import DEFAULT_SCHEME
from lesionseg.training.synthesis.fields import blur, grown

AIRED_HU = (-960.0, -550.0)
"""Lung between open airways and disease."""
VESSEL_PIXELS = 3
"""Vessels up to twice as wide belong to the lung around them."""
BORDER_PIXELS = 0.7
"""Standard deviation of the blur over which donor and host are mixed."""


def grafted(host: tuple[Tensor, Tensor], donor: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Put the donor's lesions where the host shows aired lung; the host keeps its own.

    Parameters
    ----------
    host, donor : tuple of Tensor
        HU, float32, and labels, uint8, of shape (rows, columns), of pictures cropped and scaled alike.

    Returns
    -------
    hu, labels : Tensor
    """
    (hu, labels), (donor_hu, donor_labels) = host, donor
    lesion = _is_lesion(donor_labels) & aired_lung(hu) & ~_is_lesion(labels)
    share = blur(lesion[None].float(), (0.0, BORDER_PIXELS, BORDER_PIXELS))[0]
    return torch.lerp(hu, donor_hu, share), torch.where(lesion, donor_labels, labels)


def aired_lung(hu: Tensor) -> Tensor:
    """Mask of lung that holds air, and of the vessels within it; bool, shape (rows, columns)."""
    low_hu, high_hu = AIRED_HU
    smooth = blur(hu[None], (0.0, 1.0, 1.0))
    wide = grown((smooth > low_hu) & (smooth < high_hu), VESSEL_PIXELS)
    lumen = grown(smooth < low_hu, 2)
    return (~grown(~wide, VESSEL_PIXELS) & ~lumen)[0]


def _is_lesion(labels: Tensor) -> Tensor:
    return torch.isin(labels, torch.tensor(DEFAULT_SCHEME.lesion, dtype=labels.dtype))
