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
from pydicom.uid import UID, generate_uid

from lesionseg.core.errors import UnreadableFileError
from lesionseg.dicom.series import CTSeries


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
        Of the first slice's file without its pixels, as carried.
    instances : tuple of SourceInstance
        One for each slice of the array, in its order.
    study_uid, series_uid, frame_of_reference_uid : str
        Valid ones. A source without a frame of reference gets one hashed from its series.
    replaced_uids : dict of str to str
        Carried UID to the valid one written in its place; empty where all were valid.
    """

    series: CTSeries
    header: Dataset
    instances: tuple[SourceInstance, ...]
    study_uid: str
    series_uid: str
    frame_of_reference_uid: str
    replaced_uids: dict[str, str]


def read_source(series: CTSeries) -> SourceSeries:
    """Read from a loaded series what derived objects need of it.

    Raises
    ------
    UnreadableFileError
        If the first file has gone or changed since it was loaded.
    """
    header = _header_of(series.slices[0].file)
    carried = [series.study_uid, series.series_uid, series.frame_of_reference_uid]
    carried += [part.sop_instance_uid for part in series.slices]
    replaced = {uid: valid_uid(uid) for uid in carried if uid and valid_uid(uid) != uid}
    multi_frame = (
        len(series.slices) > len({part.file for part in series.slices}) or "NumberOfFrames" in header
    )
    instances = tuple(
        SourceInstance(
            series.identity.sop_class_uid,
            valid_uid(part.sop_instance_uid),
            part.frame_number if multi_frame else None,
            part.position_mm,
        )
        for part in series.slices
    )
    return SourceSeries(
        series=series,
        header=header,
        instances=instances,
        study_uid=valid_uid(series.study_uid or f"study of {series.series_uid}"),
        series_uid=valid_uid(series.series_uid),
        frame_of_reference_uid=valid_uid(
            series.frame_of_reference_uid or f"frame of reference of {series.series_uid}"
        ),
        replaced_uids=replaced,
    )


def valid_uid(carried: str) -> str:
    """Return a UID as it is where the standard allows it, else a valid one hashed from it."""
    return carried if UID(carried).is_valid else derived_uid("replaced", carried)


def derived_uid(*parts: str) -> str:
    """Return a UID that depends on the parts alone."""
    return str(generate_uid(entropy_srcs=["\0".join(("lesionseg", *parts))]))


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
