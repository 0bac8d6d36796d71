"""A bundle's network on single grey pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lesionseg.segmentation import ModelBundle
from lesionseg.training.pictures.grey import PICTURE_WIDTH_MM, segment_picture


@dataclass(frozen=True)
class PictureNetwork:
    """A network and what it needs to know of a picture."""

    network: Any
    window_hu: tuple[float, float]
    divisor: int

    @classmethod
    def of(cls, bundle: ModelBundle) -> PictureNetwork:
        """Build the network of a bundle, on the CPU."""
        metadata = bundle.metadata
        return cls(bundle.network(), metadata.preprocessing.window_hu, max(metadata.window.divisor[1:]))

    def labels(self, grey: np.ndarray) -> np.ndarray:
        """Exclusive labels, uint8, of a picture cropped around both lungs; uint8 in."""
        import torch

        picture = torch.from_numpy(np.array(grey))
        labels = segment_picture(self.network, picture, window_hu=self.window_hu, divisor=self.divisor)
        return np.asarray(labels.numpy())


def picture_spacing_mm(grey: np.ndarray) -> tuple[float, float]:
    """Assumed (row, column) spacing of a picture."""
    return PICTURE_WIDTH_MM / grey.shape[1], PICTURE_WIDTH_MM / grey.shape[1]
