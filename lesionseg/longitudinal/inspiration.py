"""A lesion's proportion as it would be had the patient breathed in as far as at baseline.

A shallower breath makes the lung smaller but a dense lesion hardly at all, so that its proportion rises
although nothing grew. The adjustment is our own and not validated; it is a sensitivity figure beside the raw
proportion, never in its place.

Derivation. Lung is tissue of 0 HU and gas of -1000 HU (Cressoni et al. 2013, Crit Care 17:R93), so a volume V
with mean h HU holds the gas G = -V h / 1000, and the rest is tissue. Between two breaths tissue is constant
and gas changes: the dry sponge model of lung densitometry (see Staring et al. 2014, Med Phys,
doi:10.1118/1.4851535, who apply it voxel by voxel after registration, and show that constant mass holds only
roughly). Without registration let all gas of the lung change by one factor k, so that the lung at follow-up
(volume V, gas G) takes the volume B that it had at baseline: V - G + k G = B. A lesion (volume L, gas g) then
measures

    L + (k - 1) g  =  L + (B - V) g / G

and its adjusted proportion is that over B. The solid component counts as free of gas: all gas of a lesion
lies in its non-solid part. A lesion as light as the rest of the lung would keep its raw proportion; one
without gas would keep its ml.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
AIR_HU = -1000.0


@dataclass(frozen=True)
class BreathFigures:
    """What the adjustment needs of scans at follow-up: float64 arrays of one shape, NaN where unknown.

    `lesion_mean_hu` may be NaN where there is no lesion.
    """

    lung_ml: Numbers
    lung_mean_hu: Numbers
    lesion_ml: Numbers
    lesion_mean_hu: Numbers
    non_solid_ml: Numbers


def adjusted_proportions(breath: BreathFigures, baseline_lung_ml: Numbers) -> tuple[Numbers, Numbers]:
    """Proportions of whole lesion and solid component in %, at the lung volume of the baseline.

    Parameters
    ----------
    breath : BreathFigures
        Of the follow-up scans.
    baseline_lung_ml : array
        Of the same shape.

    Returns
    -------
    tuple of two arrays
        NaN where a figure is missing, or where the lung holds too little gas to account for the difference
        in volume (k would not be positive). The solid proportion never exceeds that of the lesion.
    """
    lung_gas_ml = _gas_ml(breath.lung_ml, breath.lung_mean_hu)
    lesion_gas_ml = np.minimum(_gas_ml(breath.lesion_ml, breath.lesion_mean_hu), breath.non_solid_ml)
    lesion_gas_ml = np.where(breath.lesion_ml == 0, 0.0, lesion_gas_ml)
    with np.errstate(divide="ignore", invalid="ignore"):
        grown = (baseline_lung_ml - breath.lung_ml) / lung_gas_ml
        lesion_ml = breath.lesion_ml + grown * lesion_gas_ml
        solid_ml = breath.lesion_ml - breath.non_solid_ml
        possible = np.isfinite(grown) & (1 + grown > 0)
        lesion_pct = np.where(possible, np.minimum(100 * lesion_ml / baseline_lung_ml, 100), np.nan)
        solid_pct = np.where(possible, np.minimum(100 * solid_ml / baseline_lung_ml, 100), np.nan)
    return lesion_pct, np.minimum(solid_pct, lesion_pct)


def _gas_ml(volume_ml: Numbers, mean_hu: Numbers) -> Numbers:
    return np.asarray(volume_ml * np.clip(mean_hu / AIR_HU, 0, 1), np.float64)
