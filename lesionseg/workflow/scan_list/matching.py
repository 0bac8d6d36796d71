"""Which files belong to which row of the table of visits; without a table every study is a scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lesionseg.core.errors import NoCTSeriesError
from lesionseg.core.table_faults import TableFault, refuse_faults
from lesionseg.volume.files import is_volume_file
from lesionseg.workflow.loading import refuse_absent_input
from lesionseg.workflow.scan_list.names import named_scans
from lesionseg.workflow.scan_list.scan_list import (
    FoundScan,
    LeftOver,
    ScanList,
    ScanSource,
    odd_identities,
    relative_path,
)
from lesionseg.workflow.scan_list.sources import (
    NO_PATIENT,
    NO_ROW,
    has_ct,
    left_over_files,
    left_over_series,
    source_of,
)
from lesionseg.workflow.scan_list.table import VisitRow, VisitTable

if TYPE_CHECKING:
    from lesionseg.dicom import FolderIndex
    from lesionseg.dicom.headers import SliceHeader

_ABSENT_REMEDY = "Correct the cell, or take the row out until the scan is there"


class _NoMatch(Exception):  # noqa: N818 - it never leaves this module
    """Why a row leads to no scan."""

    def __init__(self, problem: str, remedy: str = _ABSENT_REMEDY) -> None:
        super().__init__(problem)
        self.fault = (problem, remedy)


def list_scans(root: Path, visits: VisitTable | None) -> ScanList:
    """Read the headers of a folder once and say which scans it holds, and whose they are.

    Parameters
    ----------
    root : Path
        DICOM files of any number of patients and visits, in any folders; volume files where rows name them.
    visits : VisitTable or None
        Without it every study with a CT series is a scan of the subject named by its patient ID.

    Raises
    ------
    InputNotFoundError, EmptyInputError, UnreadableFileError
        As the search for DICOM files does.
    TableError
        With every row that leads to no scan, to scans of several studies, or to one that another row has.
    NoCTSeriesError
        If there is no scan at all.
    """
    from lesionseg.dicom import index_folder

    refuse_absent_input(root)
    index = index_folder(root)
    found, left_over = _by_study(index, root) if visits is None else _by_table(index, root, visits)
    left_over += left_over_files(index, [scan.source for scan in found], root)
    if not found:
        raise NoCTSeriesError(
            "there is no CT study with a patient ID in this folder",
            case=str(root),
            found=f"{len(index.findings.slices)} DICOM images of {len(index.studies)} studies",
            remedy="Name the folder that holds the scans, or give a table of visits with paths",
        )
    return ScanList(named_scans(found, root), tuple(left_over), tuple(odd_identities(found)))


def _by_study(index: FolderIndex, root: Path) -> tuple[list[FoundScan], list[LeftOver]]:
    found, used = [], set()
    for key, slices in index.studies.items():
        if key.patient_id and has_ct(slices):
            found.append(FoundScan(key.patient_id, "", source_of(index, slices, None)))
            used |= {header.identity.series_uid for header in slices}
    return found, left_over_series(index, used, NO_PATIENT, root)


def _by_table(index: FolderIndex, root: Path, visits: VisitTable) -> tuple[list[FoundScan], list[LeftOver]]:
    matcher = _Matcher(index, root)
    for row in visits.rows:
        matcher.take(row)
    refuse_faults(visits.path, matcher.faults)
    considered = {
        header.identity.series_uid
        for scan in matcher.found
        if scan.source.found
        for header in scan.source.found.slices
    }
    left_over = left_over_series(index, considered, NO_ROW, root)
    volumes = {scan.source.input_path for scan in matcher.found}
    left_over += [
        LeftOver("volume file", relative_path(path, root), NO_ROW)
        for path in sorted(root.rglob("*"))
        if is_volume_file(path) and path.is_file() and path not in volumes
    ]
    return matcher.found, left_over


@dataclass
class _Matcher:
    """Goes through the rows; remembers what each took, so that nothing is measured twice."""

    index: FolderIndex
    root: Path
    found: list[FoundScan] = field(default_factory=list)
    faults: list[TableFault] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)

    def take(self, row: VisitRow) -> None:
        """Add the row's scan, or its fault."""
        try:
            source = self._source(row)
            self._refuse_second(row, source)
        except _NoMatch as fault:
            self.faults.append(TableFault(*fault.fault, row.line, row.source))
            return
        self.found.append(FoundScan(row.subject, row.visit, source, row.date, row.line))

    def _source(self, row: VisitRow) -> ScanSource:
        if row.source == "path":
            return self._at_path(row)
        series = row.source == "series_uid"
        slices = self.index.series.get(row.value, ()) if series else self.index.study(row.value)
        if not slices:
            raise _NoMatch(f"no file under {self.root} has the {row.source} {row.value}")
        _refuse_several_studies(slices, row)
        return source_of(self.index, slices, row.value if series else None)

    def _at_path(self, row: VisitRow) -> ScanSource:
        path = self.root / row.value
        if not path.exists():
            raise _NoMatch(f"there is no {row.value} under {self.root}")
        if path.is_file() and is_volume_file(path):
            if not (row.visit or row.date):
                raise _NoMatch("a volume file carries no date", "Fill in visit or date")
            return ScanSource(path, (path,))
        slices = self.index.under(path)
        if not slices:
            raise _NoMatch(f"there are no DICOM images in {row.value}")
        _refuse_several_studies(slices, row)
        return source_of(self.index, slices, None)

    def _refuse_second(self, row: VisitRow, source: ScanSource) -> None:
        key = source.series_uid or f"{source.study_uid} {source.input_path}"
        line = self.rows.setdefault(key, row.line)
        if line != row.line:
            raise _NoMatch(
                f"this is the scan of row {line} already", "Keep the row whose subject and visit are right"
            )


def _refuse_several_studies(slices: Sequence[SliceHeader], row: VisitRow) -> None:
    """Refuse a row that leads to CT slices of several patients or studies, which are several visits."""
    from lesionseg.dicom.image_kinds import is_ct

    keys = {(header.identity.patient_id, header.identity.study_uid) for header in slices if is_ct(header)}
    if len(keys) > 1 and row.source != "series_uid":  # within a series the loader tells which slices differ
        raise _NoMatch(f"{row.value} leads to {len(keys)} studies", "Name one study or one series of them")
