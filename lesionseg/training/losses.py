"""Loss over exclusive labels and the nested regions they form; what is not known does not count."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from lesionseg.core.labels import DEFAULT_SCHEME, Label

IGNORED_LABEL = 255
"""Truth unknown: left out of the loss."""
NOT_LESION_LABEL = 254
"""Known to be no lesion, but whether lung or background is not: what an outline of lesions alone says."""

_REGIONS = {"lung": DEFAULT_SCHEME.lung, "lesion": DEFAULT_SCHEME.lesion, "solid": DEFAULT_SCHEME.solid}
_NOT_LESION = (int(Label.BACKGROUND), int(Label.LUNG))
_SMOOTHING_VOXELS = 50.0


def region_loss(logits: Tensor, labels: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Cross-entropy plus the mean of 1 - soft Dice of lung, whole lesion and solid component.

    Where a label is `NOT_LESION_LABEL` the cross-entropy is that of background and lung together, and the
    voxel counts for lesion and solid, not for lung.

    Parameters
    ----------
    logits : Tensor, shape (batch, labels, slices, rows, columns)
    labels : Tensor of int64, shape (batch, slices, rows, columns)
        Exclusive labels, `NOT_LESION_LABEL`, or `IGNORED_LABEL`.

    Returns
    -------
    loss : Tensor, scalar
        0 where nothing is known.
    figures : dict
        The parts, as plain numbers. A region that is absent and not predicted has Dice 1.
    """
    in_part = labels == NOT_LESION_LABEL
    known = (labels != IGNORED_LABEL).float()
    cross_entropy = _cross_entropy(logits, labels, in_part, known)
    probabilities = torch.softmax(logits, dim=1)
    figures = {"cross_entropy": float(cross_entropy.detach())}
    total = cross_entropy
    for name, members in _REGIONS.items():
        counted = known * (~in_part).float() if name == "lung" else known
        predicted = probabilities[:, list(members)].sum(dim=1) * counted
        truth = sum(((labels == member).float() for member in members), torch.zeros_like(known)) * counted
        overlap = 2.0 * (predicted * truth).sum() + _SMOOTHING_VOXELS
        dice = overlap / (predicted.sum() + truth.sum() + _SMOOTHING_VOXELS)
        figures[f"dice_{name}"] = float(dice.detach())
        total = total + (1.0 - dice) / len(_REGIONS)
    return total, figures


def _cross_entropy(logits: Tensor, labels: Tensor, in_part: Tensor, known: Tensor) -> Tensor:
    exact = labels.masked_fill(in_part, IGNORED_LABEL)
    per_voxel = functional.cross_entropy(logits, exact, ignore_index=IGNORED_LABEL, reduction="none")
    if in_part.any():
        either = torch.logsumexp(logits[:, list(_NOT_LESION)], dim=1)
        per_voxel = per_voxel + in_part * (torch.logsumexp(logits, dim=1) - either)
    return per_voxel.sum() / known.sum().clamp_min(1.0)
