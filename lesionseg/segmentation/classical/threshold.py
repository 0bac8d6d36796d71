"""Lesion by fixed thresholds within the lungs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lesionseg.segmentation.classical.refining import LungBox, label_lungs
from lesionseg.segmentation.classical.settings import ClassicalSettings
from lesionseg.segmentation.classical.shapes import Mask, smoothed
from lesionseg.segmentation.classical.volumes import label_volume
from lesionseg.volume import CTVolume, LabelMap


def threshold_labels(
    hu: npt.NDArray[np.number],
    lung: Mask,
    spacing_mm: tuple[float, ...],
    settings: ClassicalSettings | None = None,
) -> npt.NDArray[np.uint8]:
    """Label lung from -700 HU on as lesion and from -300 HU on as solid; vessels and specks are left out.

    Parameters
    ----------
    hu : ndarray, shape (slices, rows, columns) or (rows, columns)
        Finite Hounsfield units of a scan or one slice.
    lung : ndarray of bool, same shape
        Both lungs, from any source; nothing outside is labelled.
    spacing_mm : tuple of float
        One per axis.
    settings : ClassicalSettings, optional

    Returns
    -------
    ndarray of uint8
        Exclusive labels; all 0 if there is no lung.

    Raises
    ------
    GeometryError
        If array, mask and spacing do not fit together.
    """
    chosen = settings or ClassicalSettings()

    def look(box: LungBox) -> tuple[Mask, Mask]:
        smooth = smoothed(box.hu, box.lung, chosen.smoothing_mm, box.spacing_mm)
        return box.lung & (smooth >= chosen.lesion_hu), box.lung & (smooth >= chosen.solid_hu)

    return label_lungs(hu, lung, spacing_mm, chosen, look)


def threshold_label_map(
    volume: CTVolume, lung: LabelMap, settings: ClassicalSettings | None = None
) -> LabelMap:
    """Label a volume as `threshold_labels` does, within the lungs of a label map on the same grid.

    Raises
    ------
    GeometryError
        If label map and volume lie on different grids.
    """
    chosen = settings or ClassicalSettings()
    return label_volume(volume, lung, lambda hu, mask, step: threshold_labels(hu, mask, step, chosen))
