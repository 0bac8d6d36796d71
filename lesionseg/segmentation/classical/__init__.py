"""Two classical ways to label lesions within given lungs, as yardsticks for networks.

They know Hounsfield units, thickness and nothing of anatomy: `threshold_labels` cuts at fixed values,
`mixture_labels` at those that a mixture fitted to the scan puts between its classes. Both take vessels out by
their thinness. Arrays may be one slice or many; `threshold_label_map` and `mixture_label_map` take volumes.
"""

from lesionseg.segmentation.classical.mixture import (
    FIVE_CLASSES,
    HUClass,
    class_weights,
    mixture_label_map,
    mixture_labels,
)
from lesionseg.segmentation.classical.settings import ClassicalSettings
from lesionseg.segmentation.classical.threshold import threshold_label_map, threshold_labels
from lesionseg.segmentation.classical.vessels import vessel_mask

__all__ = [
    "FIVE_CLASSES",
    "ClassicalSettings",
    "HUClass",
    "class_weights",
    "mixture_label_map",
    "mixture_labels",
    "threshold_label_map",
    "threshold_labels",
    "vessel_mask",
]
