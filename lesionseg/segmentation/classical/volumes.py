"""The classical methods on volumes: the lungs come from a label map of any source."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import GeometryError
from lesionseg.segmentation.classical.shapes import Mask, SpacingMm
from lesionseg.volume import CTVolume, LabelMap

ArrayMethod = Callable[[npt.NDArray[np.number], Mask, SpacingMm], npt.NDArray[np.uint8]]


def label_volume(volume: CTVolume, lung: LabelMap, method: ArrayMethod) -> LabelMap:
    """Label a volume by a method on arrays.

    Raises
    ------
    GeometryError
        If label map and volume lie on different grids.
    """
    own, other = volume.geometry, lung.geometry
    if own.shape != other.shape or not np.allclose(own.affine, other.affine, atol=1e-3):
        raise GeometryError(
            "the lung mask lies on another grid than the scan",
            case=volume.name,
            expected=f"shape {own.shape}, affine {own.affine.round(3).tolist()}",
            found=f"shape {other.shape}, affine {other.affine.round(3).tolist()}",
            remedy="Resample the mask onto the scan, or make it from this scan",
        )
    return LabelMap(method(volume.hu, lung.lung, own.spacing_mm), own)
