"""The classical methods, on volumes and on single pictures, within a lung mask from elsewhere."""

from __future__ import annotations

import numpy as np
import torch

from lesionseg.segmentation.classical import (
    mixture_label_map,
    mixture_labels,
    threshold_label_map,
    threshold_labels,
)
from lesionseg.training.pictures.grey import hounsfield_from_grey
from lesionseg.volume import CTVolume, LabelMap
from scripts.evaluation.picture_methods import picture_spacing_mm

THRESHOLD, MIXTURE = "threshold", "mixture"
ON_VOLUMES = {THRESHOLD: threshold_label_map, MIXTURE: mixture_label_map}
ON_ARRAYS = {THRESHOLD: threshold_labels, MIXTURE: mixture_labels}


def label_volume(method: str, volume: CTVolume, lung: LabelMap) -> LabelMap:
    """Label the lesions of a volume within the lungs of a label map."""
    return ON_VOLUMES[method](volume, lung)


def label_picture(method: str, grey: np.ndarray, lung: np.ndarray) -> np.ndarray:
    """Label one grey picture within its lung mask, at the HU and the spacing that the networks assume too."""
    hu = hounsfield_from_grey(torch.from_numpy(np.array(grey))).numpy()
    return ON_ARRAYS[method](hu, lung, picture_spacing_mm(grey))
