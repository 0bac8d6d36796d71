"""Tracking identifiers: the same finding in every visit of a patient, and in SEG and SR alike."""

from __future__ import annotations

from lesionseg.dicom.uids import derived_uid
from lesionseg.export.codes import SegmentConcepts
from lesionseg.export.source import SourceSeries


def tracking_uid(source: SourceSeries, segment: SegmentConcepts) -> str:
    """Return the UID that this segment has in every visit of the patient.

    Hashed from the patient's ID, its issuer and the segment. A source that names no patient has nothing to
    be tracked by: its UID is that of the study's alone.
    """
    return derived_uid("tracking", *_whose(source), segment.name)


def tracking_id(segment: SegmentConcepts) -> str:
    """Return the identifier for people that goes with the UID; it names no patient."""
    return segment.label


def _whose(source: SourceSeries) -> tuple[str, str, str]:
    patient_id = source.series.patient_id.strip()  # as carried, also where it is too long to be written
    issuer = str(source.header.get("IssuerOfPatientID", "") or "").strip()
    return ("patient", patient_id, issuer) if patient_id else ("study", source.study_uid, "")
