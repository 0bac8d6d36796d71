"""Connected pieces of lesion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lesionseg.volume.components import label_components
from lesionseg.volumetry.box import Mask, bounding_box

CONNECTIVITY = 26
"""Voxels that share a face, an edge or a corner are one piece."""


@dataclass(frozen=True)
class LesionComponents:
    """Pieces of lesion: how many of at least the smallest size that counts, and the largest of all."""

    lesion_component_count: int = 0
    largest_lesion_component_ml: float = 0.0


def lesion_components(lesion: Mask, voxel_ml: float, minimum_ml: float) -> LesionComponents:
    """Count the pieces of at least `minimum_ml`, and size the largest piece; 0 and 0 ml without lesion."""
    box = bounding_box(lesion)
    if box is None:
        return LesionComponents()
    inside = lesion[box]
    sizes_ml = np.bincount(label_components(inside, CONNECTIVITY)[inside])[1:] * voxel_ml
    return LesionComponents(int(np.count_nonzero(sizes_ml >= minimum_ml)), float(sizes_ml.max()))
