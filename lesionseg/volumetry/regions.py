"""Volumes and proportions of the lungs, of each lung, of each third and of the six zones they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lesionseg.core.labels import LabelScheme
from lesionseg.volumetry.box import LungBox
from lesionseg.volumetry.sides import Side, SideArray
from lesionseg.volumetry.thirds import LungHeight, Third, third_of_slice

NO_LUNG = "no-lung"
NO_LESION = "no-lesion"
LUNGS = {"right": Side.RIGHT, "left": Side.LEFT}
THIRDS = {"apical": Third.APICAL, "middle": Third.MIDDLE, "basal": Third.BASAL}
ZONES = {f"{lung}_{third}": (lung, third) for lung in LUNGS for third in THIRDS}
WHOLE = "whole"
REGIONS = (WHOLE, *LUNGS, *THIRDS, *ZONES)
"""Names of all regions, in the order of the output."""
VoxelCounts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RegionMeasure:
    """What one region holds.

    Attributes
    ----------
    lung_ml : float
        Lung in the region, lesions included.
    lesion_ml, non_solid_ml, solid_ml : float
        Whole lesion and its two parts.
    lesion_proportion_pct, solid_proportion_pct : float or None
        In % of the region's lung; None where it holds no lung.
    solid_fraction_pct : float or None
        Solid component in % of the lesion; None where there is no lesion.
    """

    lung_ml: float = 0.0
    lesion_ml: float = 0.0
    non_solid_ml: float = 0.0
    solid_ml: float = 0.0
    lesion_proportion_pct: float | None = None
    solid_proportion_pct: float | None = None
    solid_fraction_pct: float | None = None

    @property
    def missing(self) -> dict[str, str]:
        """Reason code for every figure that is None."""
        reasons = {
            "lesion_proportion_pct": NO_LUNG,
            "solid_proportion_pct": NO_LUNG,
            "solid_fraction_pct": NO_LESION if self.lung_ml > 0 else NO_LUNG,
        }
        return {name: reason for name, reason in reasons.items() if getattr(self, name) is None}


def count_voxels(box: LungBox, sides: SideArray, height: LungHeight) -> VoxelCounts:
    """Count voxels by third, side and label: shape (3 thirds, 3 sides, labels)."""
    labels = box.scheme.maximum + 1
    counts = np.zeros((len(Third), len(Side), labels), np.int64)
    number = np.min_scalar_type(counts.size).type
    for index, (plane, side) in enumerate(zip(box.labels, sides, strict=True)):
        third = third_of_slice(box.geometry, index, height)
        code = plane + number(labels) * side
        if third.size == 1:
            counts[third[0, 0]] += _histogram(code, len(Side) * labels).reshape(len(Side), labels)
        else:
            code = code + number(len(Side) * labels) * third
            counts += _histogram(code, counts.size).reshape(counts.shape)
    return counts


def measure_regions(counts: VoxelCounts, voxel_ml: float, scheme: LabelScheme) -> Mapping[str, RegionMeasure]:
    """Turn voxel counts by third, side and label into what each region holds, keyed by `REGIONS`."""
    by_region = {WHOLE: counts.sum(axis=(0, 1))}
    by_region |= {name: counts[:, side].sum(axis=0) for name, side in LUNGS.items()}
    by_region |= {name: counts[third].sum(axis=0) for name, third in THIRDS.items()}
    by_region |= {name: counts[THIRDS[third], LUNGS[lung]] for name, (lung, third) in ZONES.items()}
    return {name: _measure_region(by_region[name], voxel_ml, scheme) for name in REGIONS}


def _measure_region(of_label: VoxelCounts, voxel_ml: float, scheme: LabelScheme) -> RegionMeasure:
    lung, lesion, solid = (
        int(of_label[list(members)].sum()) for members in (scheme.lung, scheme.lesion, scheme.solid)
    )
    return RegionMeasure(
        lung_ml=lung * voxel_ml,
        lesion_ml=lesion * voxel_ml,
        non_solid_ml=(lesion - solid) * voxel_ml,
        solid_ml=solid * voxel_ml,
        lesion_proportion_pct=_percent(lesion, lung),
        solid_proportion_pct=_percent(solid, lung),
        solid_fraction_pct=_percent(solid, lesion),
    )


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None


def _histogram(code: npt.NDArray[np.unsignedinteger], length: int) -> VoxelCounts:
    return np.bincount(code.ravel(), minlength=length)
