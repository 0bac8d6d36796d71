"""Loss over exclusive labels and the nested regions they form; voxels of unknown truth do not count."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from lesionseg.core.labels import DEFAULT_SCHEME
from lesionseg.training.sampling import IGNORED_LABEL

_REGIONS = {"lung": DEFAULT_SCHEME.lung, "lesion": DEFAULT_SCHEME.lesion, "solid": DEFAULT_SCHEME.solid}
_SMOOTHING_VOXELS = 50.0


def region_loss(logits: Tensor, labels: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Cross-entropy plus the mean of 1 - soft Dice of lung, whole lesion and solid component.

    Parameters
    ----------
    logits : Tensor, shape (batch, labels, slices, rows, columns)
    labels : Tensor of int64, shape (batch, slices, rows, columns)
        Exclusive labels; `IGNORED_LABEL` where unknown.

    Returns
    -------
    loss : Tensor, scalar
    figures : dict
        The parts, as plain numbers. A region that is absent and not predicted has Dice 1.
    """
    cross_entropy = functional.cross_entropy(logits, labels, ignore_index=IGNORED_LABEL)
    known = (labels != IGNORED_LABEL).float()
    probabilities = torch.softmax(logits, dim=1)
    figures = {"cross_entropy": float(cross_entropy.detach())}
    total = cross_entropy
    for name, members in _REGIONS.items():
        predicted = probabilities[:, list(members)].sum(dim=1) * known
        truth = sum(((labels == member).float() for member in members), torch.zeros_like(known))
        overlap = 2.0 * (predicted * truth).sum() + _SMOOTHING_VOXELS
        dice = overlap / (predicted.sum() + truth.sum() + _SMOOTHING_VOXELS)
        figures[f"dice_{name}"] = float(dice.detach())
        total = total + (1.0 - dice) / len(_REGIONS)
    return total, figures
