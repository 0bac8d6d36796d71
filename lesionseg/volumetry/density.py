"""Figures that need the HU as well as the mask: distribution, lesion mass, dense lesion by threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lesionseg.volume.ct_volume import HUArray
from lesionseg.volumetry.box import LungBox, Mask, bounding_box
from lesionseg.volumetry.settings import MeasurementSettings

PERCENTILES = (5, 25, 50, 75, 95)
EMPTY_REGION = "empty-region"
_TRUNCATE_SIGMAS = 3.0
_GAS_HU = -1000.0
_HU_PER_G_ML = 1000.0


@dataclass(frozen=True)
class HUStatistics:
    """Mean and percentiles of the HU of a region; all None where it is empty.

    Percentiles interpolate linearly between order statistics (Hyndman and Fan 1996, type 7).
    """

    mean_hu: float | None = None
    p05_hu: float | None = None
    p25_hu: float | None = None
    p50_hu: float | None = None
    p75_hu: float | None = None
    p95_hu: float | None = None

    @property
    def missing(self) -> dict[str, str]:
        """Reason code for every figure that is None."""
        return {name: EMPTY_REGION for name, value in vars(self).items() if value is None}


@dataclass(frozen=True)
class DenseLesion:
    """Lesion at or above a threshold after smoothing, the second figure beside the solid component.

    Attributes
    ----------
    dense_lesion_ml : float
        Lesion voxels at or above the threshold.
    dense_lesion_proportion_pct : float or None
        In % of the lung; None where there is no lung.
    """

    dense_lesion_ml: float = 0.0
    dense_lesion_proportion_pct: float | None = None


def hu_statistics(values: HUArray) -> HUStatistics:
    """Describe the HU values of a region's voxels, given in any shape."""
    if values.size == 0:
        return HUStatistics()
    mean = float(values.mean(dtype=np.float64))
    return HUStatistics(mean, *(float(value) for value in np.percentile(values, PERCENTILES)))


def mass_g(values: HUArray, voxel_ml: float) -> float:
    """Mass of voxels in g, from a density of (HU + 1000) / 1000 g/ml, never below 0.

    Gas is -1000 HU and weighs nothing, water and tissue are 0 HU and weigh 1 g/ml, and voxels mix the two
    (Protti et al. 2014, Intensive Care Med Exp 2:31; Cressoni et al. 2013, Crit Care 17:R93).
    """
    density = np.maximum(values.astype(np.float32) - np.float32(_GAS_HU), 0)
    return float(density.sum(dtype=np.float64)) / _HU_PER_G_ML * voxel_ml


def dense_voxels(box: LungBox, settings: MeasurementSettings) -> int:
    """Count lesion voxels at or above ``settings.threshold_hu`` after smoothing in the slice plane.

    The Gaussian has one width in mm whatever the pixel spacing. It averages over lung voxels alone, lesions
    included (normalised convolution, Knutsson and Westin 1993): plain smoothing would let the chest wall
    lift the ground glass beneath the pleura over the threshold.
    """
    margin = [
        int(np.ceil(_TRUNCATE_SIGMAS * settings.smoothing_sigma_mm / length)) + 1
        for length in box.geometry.spacing_mm[1:]
    ]
    total = 0
    for index, lesion in enumerate(box.lesion):
        around = bounding_box(lesion[None])
        if around is None:
            continue
        part = tuple(map(_widened, around[1:], margin, lesion.shape))
        smooth = _smoothed(box.hu[index][part], box.lung[index][part], box, settings)
        total += int(np.count_nonzero(smooth[lesion[part]] >= settings.threshold_hu))
    return total


def _smoothed(
    hu: npt.NDArray[np.generic], lung: Mask, box: LungBox, settings: MeasurementSettings
) -> npt.NDArray[np.float32]:
    from scipy import ndimage

    values = hu.astype(np.float32)
    if settings.smoothing_sigma_mm == 0:
        return values
    _, row_mm, column_mm = box.geometry.spacing_mm
    sigma = (settings.smoothing_sigma_mm / row_mm, settings.smoothing_sigma_mm / column_mm)
    weight = lung.astype(np.float32)
    blurred, support = (
        ndimage.gaussian_filter(part, sigma, mode="constant", truncate=_TRUNCATE_SIGMAS)
        for part in (values * weight, weight)
    )
    return np.asarray(np.divide(blurred, support, out=values, where=lung))


def _widened(part: slice, margin: int, length: int) -> slice:
    return slice(max(0, part.start - margin), min(length, part.stop + margin))
