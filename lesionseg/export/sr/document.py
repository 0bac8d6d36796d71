"""A report from measurements: the content tree, and the document around it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from highdicom import sr
from pydicom.dataset import Dataset
from pydicom.uid import ComprehensiveSRStorage

from lesionseg.export.derived import MANUFACTURER, NewSeries, derived_dataset
from lesionseg.export.object_file import write_object
from lesionseg.export.origin import Origin
from lesionseg.export.source import SourceSeries
from lesionseg.export.sr.codes import OWN_SCHEME, OWN_SCHEME_NAME, PROCEDURE
from lesionseg.export.sr.context import observation_context
from lesionseg.export.sr.figures import reported_regions
from lesionseg.export.sr.flags import quality_evaluations
from lesionseg.export.sr.groups import measurement_group
from lesionseg.export.sr.images import evidence, image_library
from lesionseg.export.sr.reference import SegReference
from lesionseg.volumetry import Measurements

SR_SERIES: Final = NewSeries(
    kind="sr",
    modality="SR",
    number=9002,
    description="lesionseg: measurements",
    sop_class_uid=str(ComprehensiveSRStorage),
)


@dataclass(frozen=True)
class SrResult:
    """A report that was written: where, and its UIDs."""

    path: Path
    sop_instance_uid: str
    series_uid: str


def write_sr(
    measurements: Measurements,
    source: SourceSeries,
    origin: Origin,
    path: Path,
    *,
    seg: SegReference | None,
) -> SrResult:
    """Write the measurements of a scan as a Comprehensive SR by TID 1500, whole or not at all.

    The same arguments give the same bytes.

    Parameters
    ----------
    measurements : Measurements
        Of the label map that `origin` describes; a region without voxels states 0 ml.
    source : SourceSeries
        The series that was measured; the report joins its study.
    origin : Origin
    path : Path
        The file; an existing one is replaced.
    seg : SegReference or None
        The SEG of the same label map. None, or a segment that it lacks: that region's figures stand
        without a reference.

    Raises
    ------
    OutputError
        If the folder cannot be written or the disk is full.
    """
    dataset = derived_dataset(source, SR_SERIES, origin)
    _add_document(dataset)
    _add_content(dataset, measurements, source, origin, seg)
    dataset.CurrentRequestedProcedureEvidenceSequence = evidence(source, seg)
    write_object(dataset, path)
    return SrResult(path, str(dataset.SOPInstanceUID), str(dataset.SeriesInstanceUID))


def _add_document(dataset: Dataset) -> None:
    """Add the SR document modules (PS3.3 C.17.1, C.17.2); nobody has verified the report."""
    dataset.ReferencedPerformedProcedureStepSequence = []
    dataset.CompletionFlag = "COMPLETE"
    dataset.VerificationFlag = "UNVERIFIED"
    dataset.PreliminaryFlag = "PRELIMINARY"
    dataset.PerformedProcedureCodeSequence = []
    scheme = Dataset()
    scheme.CodingSchemeDesignator = OWN_SCHEME
    scheme.CodingSchemeName = OWN_SCHEME_NAME
    scheme.CodingSchemeResponsibleOrganization = MANUFACTURER
    dataset.CodingSchemeIdentificationSequence = [scheme]


def _add_content(
    dataset: Dataset,
    measurements: Measurements,
    source: SourceSeries,
    origin: Origin,
    seg: SegReference | None,
) -> None:
    report = sr.MeasurementReport(
        observation_context=observation_context(origin),
        procedure_reported=PROCEDURE.as_code(),
        imaging_measurements=[
            measurement_group(region, source, origin, seg) for region in reported_regions(measurements)
        ],
    )
    items = report[0].ContentSequence
    items.insert(len(items) - 1, image_library(source))  # before the measurements, as TID 1500 has it
    items.append(quality_evaluations(measurements.flags))
    for element in report[0]:
        dataset[element.tag] = element
