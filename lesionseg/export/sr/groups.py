"""Measurement groups: TID 1411 where a segment was written, TID 1501 where there is none to refer to."""

from __future__ import annotations

from typing import Any

from highdicom import sr

from lesionseg.export.codes import LUNG
from lesionseg.export.origin import Origin
from lesionseg.export.source import SourceSeries
from lesionseg.export.sr.codes import COMMENT, LOWER_UNCERTAINTY, UPPER_UNCERTAINTY
from lesionseg.export.sr.context import algorithm
from lesionseg.export.sr.figures import Figure, ReportedRegion
from lesionseg.export.sr.reference import SegReference
from lesionseg.export.tracking import tracking_id, tracking_uid


def measurement_group(
    region: ReportedRegion, source: SourceSeries, origin: Origin, seg: SegReference | None
) -> Any:
    """Return the group of one region as highdicom's template object."""
    contents = {
        "tracking_identifier": sr.TrackingIdentifier(
            uid=tracking_uid(source, region.segment), identifier=tracking_id(region.segment)
        ),
        "finding_category": region.segment.category.as_code(),
        "finding_type": region.segment.type.as_code(),
        "finding_sites": [sr.FindingSite(LUNG.as_code(), region.laterality.as_code())],
        "algorithm_id": algorithm(origin),
        "measurements": [_measurement(figure) for figure in region.figures],
    }
    number = seg.segment_numbers.get(region.segment.name) if seg else None
    if seg is None or number is None:
        group = sr.MeasurementsAndQualitativeEvaluations(**contents)
    else:
        group = sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
            referenced_segment=_segment(seg, number, source), **contents
        )
    if region.comment:
        group[0].ContentSequence.append(
            sr.TextContentItem(COMMENT.as_code(), region.comment, sr.RelationshipTypeValues.CONTAINS)
        )
    return group


def _measurement(figure: Figure) -> Any:
    return sr.Measurement(
        name=figure.concept.as_code(),
        value=figure.value,
        unit=figure.unit.as_code(),
        method=figure.method.as_code(),
        derivation=figure.derivation.as_code(),
        properties=_uncertainty(figure) if figure.interval else None,
    )


def _uncertainty(figure: Figure) -> Any:
    """Return the interval as its distances from the value, in the value's unit (TID 310)."""
    low, high = figure.interval or (figure.value, figure.value)
    properties = sr.MeasurementProperties()
    for concept, distance in (
        (UPPER_UNCERTAINTY, high - figure.value),
        (LOWER_UNCERTAINTY, figure.value - low),
    ):
        properties.append(
            sr.NumContentItem(
                concept.as_code(),
                max(0.0, distance),
                figure.unit.as_code(),
                relationship_type=sr.RelationshipTypeValues.HAS_PROPERTIES,
            )
        )
    return properties


def _segment(seg: SegReference, number: int, source: SourceSeries) -> Any:
    return sr.ReferencedSegment(
        sop_class_uid=seg.sop_class_uid,
        sop_instance_uid=seg.sop_instance_uid,
        segment_number=number,
        source_series=sr.SourceSeriesForSegmentation(source.series_uid),
    )
