"""From a scan and its label map to all figures, on the scan's own grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lesionseg.core.confidence import Confidence
from lesionseg.core.errors import MeasurementError
from lesionseg.volume.ct_volume import CTVolume
from lesionseg.volume.geometry import VolumeGeometry
from lesionseg.volume.label_map import LabelMap
from lesionseg.volume.orientation import standard_axis_order
from lesionseg.volumetry.box import LungBox, lung_box
from lesionseg.volumetry.components import lesion_components
from lesionseg.volumetry.coverage import measure_coverage
from lesionseg.volumetry.density import DenseLesion, dense_voxels, hu_statistics, mass_g
from lesionseg.volumetry.quality import assess_quality, no_lung_flag
from lesionseg.volumetry.regions import WHOLE, count_voxels, measure_regions
from lesionseg.volumetry.results import Grid, Measurements
from lesionseg.volumetry.settings import MeasurementSettings
from lesionseg.volumetry.severity import severity_score
from lesionseg.volumetry.sides import image_midline_x_mm, sides_in_box
from lesionseg.volumetry.thirds import lung_height

_BODY_ABOVE_HU = -300
_BODY_STEP = 4


def measure(
    volume: CTVolume,
    label_map: LabelMap,
    settings: MeasurementSettings | None = None,
    *,
    confidence: Confidence | None = None,
) -> Measurements:
    """Measure a label map on its scan.

    Every voxel counts with its full volume; nothing is resampled. An empty mask measures 0 ml; a proportion
    without a denominator is None with a reason code; NaN does not occur.

    Parameters
    ----------
    volume : CTVolume
        Hounsfield units, in any orientation.
    label_map : LabelMap
        On the same grid, drawn by a network or by a reader.
    settings : MeasurementSettings, optional
        Thresholds and limits.
    confidence : Confidence, optional
        What the segmenter says about its labels: gives the interval and the out-of-distribution score.

    Raises
    ------
    MeasurementError
        If scan and label map do not share one grid.
    """
    chosen = settings or MeasurementSettings()
    _refuse_other_grid(volume, label_map)
    box = lung_box(volume, label_map)
    if box is None or not box.lung.any():
        scan = standard_axis_order(volume.geometry).apply_to_geometry(volume.geometry)
        return Measurements(volume.name, _grid(scan), chosen, flags=(no_lung_flag(),))
    return _measure_box(volume, box, chosen, confidence)


def _measure_box(
    volume: CTVolume, box: LungBox, settings: MeasurementSettings, confidence: Confidence | None
) -> Measurements:
    voxel_ml = box.geometry.voxel_volume_ml
    sides = sides_in_box(box.lung, box.geometry, _body_midline_x_mm(volume, box))
    counts = count_voxels(box, sides, lung_height(box.lung, box.geometry))
    regions = measure_regions(counts, voxel_ml, box.scheme)
    lesion_hu = box.hu[box.lesion]
    dense_ml = dense_voxels(box, settings) * voxel_ml
    return Measurements(
        case=volume.name,
        grid=_grid(box.scan),
        settings=settings,
        regions=regions,
        lung_density=hu_statistics(box.hu[box.lung]),
        lesion_density=hu_statistics(lesion_hu),
        lesion_mass_g=mass_g(lesion_hu, voxel_ml),
        dense_lesion=DenseLesion(dense_ml, 100 * dense_ml / regions[WHOLE].lung_ml),
        components=lesion_components(box.lesion, voxel_ml, settings.minimum_lesion_ml),
        severity=severity_score(regions, settings.minimum_lesion_ml),
        confidence=confidence,
        flags=assess_quality(
            regions,
            measure_coverage(volume, box),
            box.scan,
            volume.acquisition or {},
            settings.quality,
            confidence=confidence,
        ),
    )


def _body_midline_x_mm(volume: CTVolume, box: LungBox) -> float:
    """LPS x of the body's centroid over the lung's slices; the image's centre where there is no body."""
    hu: npt.NDArray[Any] = standard_axis_order(volume.geometry).apply(volume.hu)
    slices = slice(box.start[0], box.start[0] + box.labels.shape[0], _BODY_STEP)
    body = hu[slices, ::_BODY_STEP, ::_BODY_STEP] > _BODY_ABOVE_HU
    count = np.count_nonzero(body)
    if count == 0:
        return image_midline_x_mm(box.scan)
    centroid = np.array([float(np.mean(axis)) for axis in np.nonzero(body)]) * _BODY_STEP
    centroid[0] += box.start[0]
    return float(box.scan.index_to_lps(centroid)[0])


def _grid(scan: VolumeGeometry) -> Grid:
    return Grid(*scan.spacing_mm, scan.voxel_volume_ml)


def _refuse_other_grid(volume: CTVolume, label_map: LabelMap) -> None:
    if volume.geometry.matches(label_map.geometry):
        return
    raise MeasurementError(
        "the label map does not lie on the scan's grid",
        case=volume.name,
        expected=_describe(volume.geometry),
        found=_describe(label_map.geometry),
        remedy="Measure a label map on the scan it was drawn on, or resample it by nearest neighbour first",
    )


def _describe(geometry: VolumeGeometry) -> str:
    shape = " x ".join(str(length) for length in geometry.shape)
    spacing = " x ".join(f"{length:.3f}" for length in geometry.spacing_mm)
    origin = ", ".join(f"{place:.1f}" for place in geometry.origin_lps_mm)
    return f"{shape} voxels of {spacing} mm, first at ({origin})"
