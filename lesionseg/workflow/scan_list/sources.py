"""From the slices of a study, or a volume file, to the source of a scan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lesionseg.core.errors import InputError
from lesionseg.workflow.scan_list.scan_list import LeftOver, ScanSource, read_dicom_date, relative_path

if TYPE_CHECKING:
    from lesionseg.dicom import FolderIndex
    from lesionseg.dicom.headers import SliceHeader

NO_ROW = "no row of the table of visits leads to it"
NO_PATIENT = "its files carry no patient ID, so that it is nobody's"
DAMAGED = "damaged, and of no series that is there"


def source_of(index: FolderIndex, slices: Sequence[SliceHeader], asked_series: str | None) -> ScanSource:
    """Let the loader's own chooser decide which series of a study is measured; its refusal is kept.

    Parameters
    ----------
    index : FolderIndex
    slices : sequence of SliceHeader
        All slices of the study, or of the part of it that is meant; at least one.
    asked_series : str or None
        The series to take, if that is settled.
    """
    from lesionseg.dicom.selection import choose, group_by_series

    found = index.part(slices)
    groups = group_by_series(found.slices)
    chosen: Sequence[SliceHeader] = ()
    error: InputError | None = None
    try:
        chosen = choose(groups, asked_series, str(found.path))[0].slices
    except InputError as refusal:
        error = refusal
    identity = (chosen or slices)[0].identity
    return ScanSource(
        input_path=found.path,
        files=tuple(dict.fromkeys(header.source.path for header in chosen)),
        patient_id=identity.patient_id,
        study_uid=identity.study_uid,
        series_uid=identity.series_uid if chosen else "",
        study_date=read_dicom_date(identity.study_date),
        asked_series=asked_series,
        found=found,
        error=error,
    )


def has_ct(slices: Sequence[SliceHeader]) -> bool:
    """Whether any series among the slices is a CT series that somebody could ask to have measured."""
    from lesionseg.dicom.selection import group_by_series, why_out

    return any(not why_out(group) for group in group_by_series(slices))


def left_over_series(index: FolderIndex, used: set[str], reason: str, root: Path) -> list[LeftOver]:
    """List the CT series of the folder whose UID is not among the used ones."""
    return [
        _left_over(slices, reason, root)
        for uid, slices in sorted(index.series.items())
        if uid not in used and has_ct(slices)
    ]


def left_over_files(index: FolderIndex, sources: Sequence[ScanSource], root: Path) -> list[LeftOver]:
    """List the damaged files that count against no scan."""
    held = {file.path for source in sources if source.found for file in source.found.unreadable}
    return [
        LeftOver("file", relative_path(file.path, root), DAMAGED)
        for file in index.findings.unreadable
        if file.path not in held
    ]


def _left_over(slices: Sequence[SliceHeader], reason: str, root: Path) -> LeftOver:
    identity, path = slices[0].identity, slices[0].source.path
    return LeftOver(
        what="series",
        path=relative_path(path.parent, root),
        reason=reason if identity.patient_id else NO_PATIENT,
        patient_id=identity.patient_id,
        study_date=identity.study_date,
        study_uid=identity.study_uid,
        series_uid=identity.series_uid,
    )
