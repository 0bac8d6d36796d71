"""What a measurement may be told: thresholds and limits, checked at the door."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from lesionseg.core.errors import ConfigurationError


@dataclass(frozen=True)
class QualityLimits:
    """Where a quality flag is raised. Every limit is inclusive.

    Attributes
    ----------
    cut_off_warning_pct, cut_off_critical_pct : float
        Lung estimated to lie beyond the first or last slice, in % of the lung measured.
    edge_warning_cm2, edge_critical_cm2 : float
        Lung surface on the sides of the image.
    slice_spacing_mm : float
        Distance between slices. Zhao et al. 2014 (Transl Oncol 7:88-93): slices of 1.25 and 2.5 mm measure
        lesion volume better than 5 mm, and the two should not be mixed.
    slice_deviation_mm : float
        Largest departure of one slice distance from the others, where the loader reports it.
    pixel_spacing_mm : float
        In plane; a 512 matrix over 500 mm has 0.98 mm.
    lung_low_critical_ml, lung_low_ml, lung_high_ml : float
        Supine CT lung volume of adults without lung disease: 4066 ml, SD 1190 (Cressoni et al. 2013, Crit
        Care 17:R93), 4468 ml, SD 1271 (Cheng et al. 2019, Int J COPD 14:1657-1668). Low is 2 SD below the
        smaller mean; high leaves room for emphysema, 3.5 SD above the larger.
    right_share_pct : tuple of float
        Right lung in % of both; 50.6 to 57.4 % in 32 healthy supine adults (Yamada et al. 2020,
        PMC7490509, table 3). The limits allow for the lower lobes that disease collapses.
    missing_lung_pct : float
        A lung that is at most this part of both counts as missing.
    noise_hu : float
        Fine noise in soft tissue on the network's grid. Of twelve open chest scans eleven had 6 to 23 HU and
        one, with a sharp kernel, 58; the limit is half as much again as the noisiest of the eleven.
    ood_warning, ood_critical : float
        Out-of-distribution score. 1 is the end of what the reference scans showed; these are a handful, so
        that a new scan may well lie a little beyond: at 1.5 by a quarter of the range's whole width, at 3 by
        the whole of it.
    """

    cut_off_warning_pct: float = 1.0
    cut_off_critical_pct: float = 5.0
    edge_warning_cm2: float = 1.0
    edge_critical_cm2: float = 50.0
    slice_spacing_mm: float = 5.0
    slice_deviation_mm: float = 0.1
    pixel_spacing_mm: float = 2.0
    lung_low_critical_ml: float = 800.0
    lung_low_ml: float = 1700.0
    lung_high_ml: float = 9000.0
    right_share_pct: tuple[float, float] = (40.0, 68.0)
    missing_lung_pct: float = 5.0
    noise_hu: float = 35.0
    ood_warning: float = 1.5
    ood_critical: float = 3.0


@dataclass(frozen=True)
class MeasurementSettings:
    """How to measure.

    Attributes
    ----------
    threshold_hu : float
        Lesion voxels at or above count as dense.
    smoothing_sigma_mm : float
        Gaussian smoothing in the slice plane before that threshold; 0 for none.
    minimum_lesion_ml : float
        Smaller components are not counted, and a zone with less lesion scores 0. A sphere of 0.1 ml is
        5.8 mm across. Volumes and proportions count every voxel all the same.
    quality : QualityLimits
        Where flags are raised.

    Raises
    ------
    ConfigurationError
        If a value is not finite or negative where it cannot be.
    """

    threshold_hu: float = -300.0
    smoothing_sigma_mm: float = 1.0
    minimum_lesion_ml: float = 0.1
    quality: QualityLimits = field(default_factory=QualityLimits)

    def __post_init__(self) -> None:
        if not math.isfinite(self.threshold_hu):
            raise ConfigurationError("threshold_hu must be a number", found=str(self.threshold_hu))
        for name in ("smoothing_sigma_mm", "minimum_lesion_ml"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ConfigurationError(f"{name} must be 0 or more", found=str(value))
