"""A stack of slices with its lung truth, as everything that draws into it receives it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from lesionseg.training.synthesis.fields import SpacingMm


@dataclass(frozen=True)
class LungPatch:
    """A stack of slices with its lung truth.

    Attributes
    ----------
    hu : Tensor, shape (slices, rows, columns), float32
    lung : Tensor of bool, same shape
    depth_mm : Tensor, float32
        Distance to the lung's surface, 0 outside.
    spacing_mm : tuple of float
        Along (slice, row, column).
    outlined : Tensor of uint8, optional
        Exclusive labels that a reader outlined; None where the lung is clear.
    takes_lesions : bool
        Whether synthetic lesions may be drawn into it.
    """

    hu: Tensor
    lung: Tensor
    depth_mm: Tensor
    spacing_mm: SpacingMm
    outlined: Tensor | None = None
    takes_lesions: bool = True

    @property
    def shape(self) -> tuple[int, int, int]:
        """Numbers of slices, rows and columns."""
        return (self.hu.shape[0], self.hu.shape[1], self.hu.shape[2])
