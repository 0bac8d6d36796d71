"""Scores on arrays: overlaps and what to do with empty ones, ranking of slices, shares of the lung."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Overlap:
    """Sizes of a found region, of the true one, and of what they share."""

    found: int
    true: int
    shared: int

    @classmethod
    def of(cls, found: np.ndarray, true: np.ndarray) -> Overlap:
        """Count two masks."""
        return cls(int(found.sum()), int(true.sum()), int((found & true).sum()))

    @property
    def is_empty(self) -> bool:
        """Whether neither mask holds anything."""
        return self.found + self.true == 0

    @property
    def dice(self) -> float:
        """Dice coefficient; two empty masks agree (1)."""
        return 1.0 if self.is_empty else 2.0 * self.shared / (self.found + self.true)


DICE_RULES = ("both empty left out", "truth not empty", "both empty counts 1")
POOLED_DICE = "all pixels together"


def chosen_by(rule: str, overlaps: Sequence[Overlap]) -> list[Overlap]:
    """Slices that enter the mean under one of `DICE_RULES`.

    "both empty left out": where truth or prediction has the class. "truth not empty": where the truth has it,
    so that false findings on other slices do not count. "both empty counts 1": all slices.
    """
    if rule == DICE_RULES[0]:
        return [overlap for overlap in overlaps if not overlap.is_empty]
    if rule == DICE_RULES[1]:
        return [overlap for overlap in overlaps if overlap.true]
    return list(overlaps)


def together(overlaps: Sequence[Overlap]) -> Overlap:
    """Overlap of all slices as if they were one."""
    return Overlap(
        sum(overlap.found for overlap in overlaps),
        sum(overlap.true for overlap in overlaps),
        sum(overlap.shared for overlap in overlaps),
    )


def area_under_roc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Probability that a positive slice scores above a negative one; ties count half..

    Raises
    ------
    ValueError
        If there are no positive or no negative slices.
    """
    if positive.all() or not positive.any():
        raise ValueError("ranking needs positive and negative slices")
    above = scores[positive][:, None] - scores[~positive][None, :]
    return float((above > 0).mean() + 0.5 * (above == 0).mean())


def share_pct(part: np.ndarray, whole: np.ndarray) -> float:
    """Part of `whole` that lies in `part`, in %; 0 where `whole` is empty."""
    total = int(whole.sum())
    return 100.0 * int((part & whole).sum()) / total if total else 0.0
