"""One case: a label map against its reference, region by region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lesionseg.volume.geometry import VolumeGeometry
from lesionseg.volume.label_map import LabelMap
from lesionseg.volumetry.agreement.grids import refuse_other_grid
from lesionseg.volumetry.agreement.labels import LUNG
from lesionseg.volumetry.agreement.overlap import Mask, dice
from lesionseg.volumetry.agreement.results import (
    BOTH_EMPTY,
    IS_THE_LUNG,
    LUNG_NOT_COMPARED,
    PREDICTION_EMPTY,
    REFERENCE_EMPTY,
    RegionAgreement,
)
from lesionseg.volumetry.agreement.settings import ComparisonSettings
from lesionseg.volumetry.agreement.surfaces import surface_dice
from lesionseg.volumetry.box import bounding_box
from lesionseg.volumetry.regions import NO_LUNG

_EMPTY = {
    (True, True): "",
    (False, True): PREDICTION_EMPTY,
    (True, False): REFERENCE_EMPTY,
    (False, False): BOTH_EMPTY,
}
_ONE_VOXEL = (slice(0, 1), slice(0, 1), slice(0, 1))


def compare_label_maps(
    prediction: LabelMap, reference: LabelMap, settings: ComparisonSettings, case: str = ""
) -> tuple[RegionAgreement, ...]:
    """Compare two label maps of one scan, region by region.

    Parameters
    ----------
    prediction, reference : LabelMap
        On one grid; their values may be any that `settings` gives a meaning.
    settings : ComparisonSettings
    case : str
        What messages call the case.

    Returns
    -------
    tuple of RegionAgreement
        One for each of ``settings.compared``.

    Raises
    ------
    GeometryError
        If the grids differ; nothing is resampled.
    MeasurementError
        If a value stands for no region, or the reference should tell the lung but holds lesion alone.
    """
    refuse_other_grid(prediction.geometry, reference.geometry, case)
    settings.prediction_labels.refuse_unknown(prediction.labels, f"{case}, prediction")
    settings.reference_labels.refuse_unknown(reference.labels, f"{case}, reference")
    settings.reference_labels.refuse_lesion_without_lung(reference.labels, f"{case}, reference")
    box = bounding_box((prediction.labels > 0) | (reference.labels > 0)) or _ONE_VOXEL
    pair = _Pair(
        {name: settings.prediction_labels.region(prediction.labels[box], name) for name in settings.told},
        {name: settings.reference_labels.region(reference.labels[box], name) for name in settings.told},
        prediction.geometry,
    )
    return tuple(_compare(pair, name, settings.tolerance_mm) for name in settings.compared)


@dataclass(frozen=True)
class _Pair:
    """Masks of every region that both tell."""

    prediction: Mapping[str, Mask]
    reference: Mapping[str, Mask]
    geometry: VolumeGeometry

    def volumes_ml(self, name: str) -> tuple[float, float]:
        prediction, reference = (
            int(np.count_nonzero(masks[name])) * self.geometry.voxel_volume_ml
            for masks in (self.prediction, self.reference)
        )
        return prediction, reference


def _compare(pair: _Pair, name: str, tolerance_mm: float) -> RegionAgreement:
    first, second = pair.prediction[name], pair.reference[name]
    prediction_ml, reference_ml = pair.volumes_ml(name)
    empty = _EMPTY[prediction_ml > 0, reference_ml > 0]
    shares_pct, reason = _proportions_pct(pair, name)
    columns = ("prediction_proportion_pct", "reference_proportion_pct")
    missing = {column: reason for column, share in zip(columns, shares_pct, strict=True) if share is None}
    if missing:
        missing["proportion_error_points"] = reason
    if reference_ml == 0:
        missing["error_pct"] = empty
    return RegionAgreement(
        region=name,
        empty=empty,
        dice=dice(first, second),
        surface_dice=surface_dice(first, second, pair.geometry.spacing_mm, tolerance_mm),
        prediction_ml=prediction_ml,
        reference_ml=reference_ml,
        prediction_proportion_pct=shares_pct[0],
        reference_proportion_pct=shares_pct[1],
        missing=missing,
    )


def _proportions_pct(pair: _Pair, name: str) -> tuple[tuple[float | None, float | None], str]:
    """Shares of the lung in both label maps, and why one is missing if it is."""
    if name == LUNG:
        return (None, None), IS_THE_LUNG
    if LUNG not in pair.prediction:
        return (None, None), LUNG_NOT_COMPARED
    prediction_pct, reference_pct = (
        100 * part_ml / lung_ml if lung_ml > 0 else None
        for part_ml, lung_ml in zip(pair.volumes_ml(name), pair.volumes_ml(LUNG), strict=True)
    )
    return (prediction_pct, reference_pct), NO_LUNG
