"""The images behind a report: its image library, and the evidence of everything it refers to."""

from __future__ import annotations

from typing import Any

from highdicom import sr
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import UID

from lesionseg.export.source import SourceSeries
from lesionseg.export.sr.reference import SegReference

_SOURCE = sr.CodedConcept("260753009", "SCT", "Source")


def image_library(source: SourceSeries) -> Any:
    """Return the library: one group for the series, one entry for each of its objects (TID 1600).

    What all images share stands with the group (TID 1602).
    """
    contained = sr.RelationshipTypeValues.CONTAINS
    group = sr.ContainerContentItem(codes.DCM.ImageLibraryGroup, relationship_type=contained)
    group.ContentSequence = sr.ContentSequence(_shared(source))
    for class_uid, instance_uid in source_objects(source):
        group.ContentSequence.append(
            sr.ImageContentItem(
                name=_SOURCE,
                referenced_sop_class_uid=class_uid,
                referenced_sop_instance_uid=instance_uid,
                relationship_type=contained,
            )
        )
    library = sr.ContainerContentItem(codes.DCM.ImageLibrary, relationship_type=contained)
    library.ContentSequence = sr.ContentSequence([group])
    return library


def source_objects(source: SourceSeries) -> tuple[tuple[str, str], ...]:
    """Class and instance UID of every object of the source, each once, in array order."""
    return tuple(dict.fromkeys((part.sop_class_uid, part.sop_instance_uid) for part in source.instances))


def evidence(source: SourceSeries, seg: SegReference | None) -> list[Dataset]:
    """Return the items of the Current Requested Procedure Evidence Sequence (PS3.3 C.17.2)."""
    series = [_series_item(source.series_uid, source_objects(source))]
    if seg is not None:
        series.append(_series_item(seg.series_uid, ((seg.sop_class_uid, seg.sop_instance_uid),)))
    study = Dataset()
    study.StudyInstanceUID = UID(source.study_uid)
    study.ReferencedSeriesSequence = series
    return [study]


def _shared(source: SourceSeries) -> list[Any]:
    context = sr.RelationshipTypeValues.HAS_ACQ_CONTEXT
    _, rows, columns = source.series.geometry.shape
    pixels = sr.CodedConcept("{pixels}", "UCUM", "Pixels")
    return [
        sr.CodeContentItem(codes.DCM.Modality, codes.DCM.ComputedTomography, context),
        sr.UIDRefContentItem(codes.DCM.FrameOfReferenceUID, source.frame_of_reference_uid, context),
        sr.NumContentItem(codes.DCM.PixelDataRows, rows, pixels, relationship_type=context),
        sr.NumContentItem(codes.DCM.PixelDataColumns, columns, pixels, relationship_type=context),
    ]


def _series_item(series_uid: str, objects: tuple[tuple[str, str], ...]) -> Dataset:
    item = Dataset()
    item.SeriesInstanceUID = UID(series_uid)
    item.ReferencedSOPSequence = [_reference(*pair) for pair in objects]
    return item


def _reference(class_uid: str, instance_uid: str) -> Dataset:
    reference = Dataset()
    reference.ReferencedSOPClassUID = UID(class_uid)
    reference.ReferencedSOPInstanceUID = UID(instance_uid)
    return reference
