"""The series that labels were made on, as objects derived from it refer to it.

UIDs that the standard does not allow (PS3.5 9.1) cannot be written anew. They are replaced by valid ones that
are hashed from them, the same for every object and every run, and the replacements are kept for the record.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from lesionseg.core.errors import UnreadableFileError
from lesionseg.dicom.image_kinds import CT_CLASSES, CT_IMAGE_STORAGE, ENHANCED_CT_IMAGE_STORAGE
from lesionseg.dicom.series import CTSeries, Slice
from lesionseg.dicom.uids import valid_uid
from lesionseg.export.copied_values import clean_copied_values


@dataclass(frozen=True)
class SourceInstance:
    """One slice of the source.

    Attributes
    ----------
    sop_class_uid, sop_instance_uid : str
        Valid ones.
    frame_number : int or None
        Counted from 1 in a multi-frame object, else None.
    position_mm : tuple of float
        LPS position of the centre of the first voxel.
    """

    sop_class_uid: str
    sop_instance_uid: str
    frame_number: int | None
    position_mm: tuple[float, float, float]


@dataclass(frozen=True)
class SourceSeries:
    """What derived objects copy from, and refer to.

    Attributes
    ----------
    series : CTSeries
        As loaded; slices in array order.
    header : Dataset
        Of the first slice's file without its pixels. Values that derived objects copy are valid ones
        (`lesionseg.export.copied_values`), everything else is as carried.
    instances : tuple of SourceInstance
        One for each slice of the array, in its order.
    study_uid, series_uid, frame_of_reference_uid : str
        Valid ones. A source without a frame of reference gets one hashed from its series.
    replaced_uids : dict of str to str
        Carried UID to the valid one written in its place; empty where all were valid.
    notes : tuple of str
        What was absent or not valid, and what became of it.
    """

    series: CTSeries
    header: Dataset
    instances: tuple[SourceInstance, ...]
    study_uid: str
    series_uid: str
    frame_of_reference_uid: str
    replaced_uids: dict[str, str]
    notes: tuple[str, ...] = ()


def read_source(series: CTSeries) -> SourceSeries:
    """Read from a loaded series what derived objects need of it.

    Raises
    ------
    UnreadableFileError
        If the first file has gone or changed since it was loaded.
    """
    header = _header_of(series.slices[0].file)
    value_notes = clean_copied_values(header)
    series_uid = valid_uid(series.series_uid or _series_fingerprint(series))
    return SourceSeries(
        series=series,
        header=header,
        instances=_instances(series, series_uid, multi_frame="NumberOfFrames" in header),
        study_uid=valid_uid(series.study_uid or f"study of {series_uid}"),
        series_uid=series_uid,
        frame_of_reference_uid=valid_uid(
            series.frame_of_reference_uid or f"frame of reference of {series_uid}"
        ),
        replaced_uids=_replaced_uids(series),
        notes=(*_absent_uids(series), *value_notes),
    )


def _instances(series: CTSeries, series_uid: str, *, multi_frame: bool) -> tuple[SourceInstance, ...]:
    carried = series.identity.sop_class_uid
    usual = ENHANCED_CT_IMAGE_STORAGE if multi_frame else CT_IMAGE_STORAGE
    return tuple(
        SourceInstance(
            carried if carried in CT_CLASSES else usual,
            valid_uid(part.sop_instance_uid or _slice_fingerprint(part, series_uid)),
            part.frame_number if multi_frame else None,
            part.position_mm,
        )
        for part in series.slices
    )


def _slice_fingerprint(part: Slice, series_uid: str) -> str:
    """Return what stands for the UID of a slice that has none: two slices never lie at one place."""
    return f"slice of {series_uid} at {part.position_mm}"


def _series_fingerprint(series: CTSeries) -> str:
    """Return what stands for the UID of a series that has none."""
    who = (series.patient_id, series.study_uid, series.study_date, series.frame_of_reference_uid)
    return f"series {who} {[(part.sop_instance_uid, part.position_mm) for part in series.slices]}"


def _replaced_uids(series: CTSeries) -> dict[str, str]:
    carried = [series.study_uid, series.series_uid, series.frame_of_reference_uid]
    carried += [part.sop_instance_uid for part in series.slices]
    return {uid: valid_uid(uid) for uid in carried if uid and valid_uid(uid) != uid}


def _absent_uids(series: CTSeries) -> tuple[str, ...]:
    counts = {
        "Study Instance UID": not series.study_uid,
        "Series Instance UID": not series.series_uid,
        "Frame of Reference UID": not series.frame_of_reference_uid,
        "SOP Instance UID": sum(not part.sop_instance_uid for part in series.slices),
    }
    return tuple(
        f"the source has no {name}{f' on {count} slices' if name.startswith('SOP') else ''}: "
        "one hashed from what it does have stands in its place"
        for name, count in counts.items()
        if count
    )


def _header_of(path: Path) -> Dataset:
    try:
        return dcmread(path, stop_before_pixels=True, force=True)
    except (OSError, InvalidDicomError, EOFError) as error:
        raise UnreadableFileError(
            "a file of the series cannot be read any more",
            case=str(path),
            found=str(error),
            remedy="Put the file back, or load the series again",
        ) from error
