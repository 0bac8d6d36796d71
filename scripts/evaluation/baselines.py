"""The classical methods, on volumes and on single pictures, within a lung mask from elsewhere."""

from __future__ import annotations

import numpy as np

from lesionseg.volume import CTVolume, LabelMap


def label_volume(method: str, volume: CTVolume, lung: np.ndarray) -> LabelMap:
    """Label the lesions of a volume within its lung mask."""
    raise NotImplementedError


def label_picture(method: str, grey: np.ndarray, lung: np.ndarray) -> np.ndarray:
    """Label one grey picture within its lung mask."""
    raise NotImplementedError
