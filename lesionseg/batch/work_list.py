"""What there is to do: folders are searched as a trial's are, and every study is a case."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lesionseg.batch.cases import BatchCase, FileSet, forget_frames
from lesionseg.batch.names import proposed_name
from lesionseg.batch.shards import Shard, Share, share_of
from lesionseg.batch.table import TableRow, read_scan_table
from lesionseg.core.errors import AmbiguousSeriesError, InputError, NoCTSeriesError
from lesionseg.volume.files import is_volume_file
from lesionseg.workflow.loading import refuse_absent_input
from lesionseg.workflow.scan_list.scan_list import LeftOver, ScanSource
from lesionseg.workflow.scan_list.sources import has_ct, left_over_files, source_of

if TYPE_CHECKING:
    from lesionseg.dicom import FolderIndex
    from lesionseg.dicom.headers import SliceHeader

TABLE_SUFFIX = ".csv"
OTHER_SERIES = "another series of its study was chosen"
NO_CT = "no series of it is CT slices"
TWICE = "the same scan was found before, at {}"
VOLUME_FILE = "volume files are taken only where they are named, as an input or in a table"


@dataclass(frozen=True)
class WorkList:
    """The cases, in the order of the inputs, what lies there and is not taken, and the share of a shard."""

    cases: tuple[BatchCase, ...]
    left_over: tuple[LeftOver, ...]
    share: Share | None = None


def list_cases(
    inputs: Sequence[Path], remote: Sequence[BatchCase] = (), *, shard: Shard | None = None
) -> WorkList:
    """Read the headers of all inputs once and say which scans they hold.

    Parameters
    ----------
    inputs : sequence of Path
        Folders of studies, DICOM files, volume files, and tables (``.csv``) of scans.
    remote : sequence of BatchCase
        Studies that are still elsewhere; they come after the others.
    shard : Shard, optional
        Only the cases of this share, which may be none.

    Returns
    -------
    WorkList
        Names in it are proposals: the ledger makes them unique.

    Raises
    ------
    InputNotFoundError, EmptyInputError, UnreadableFileError
        If an input is absent, empty or cannot be read.
    TableError
        With every fault of a table.
    NoCTSeriesError
        If there is no scan at all.
    """
    for path in inputs:
        refuse_absent_input(path)
    listing = _Listing()
    for path in inputs:
        if path.suffix.lower() == TABLE_SUFFIX and path.is_file():
            for row in read_scan_table(path):
                listing.take(_of_row(row, shard))
        elif path.is_file() and is_volume_file(path):
            listing.take(_of_volume_file(path))
        else:
            _search(path, listing)
    for case in remote:
        listing.take(case)
    if not listing.cases:
        raise NoCTSeriesError(
            "there is no CT study to measure",
            case=", ".join(str(path) for path in inputs),
            found="; ".join(f"{left.path}: {left.reason}" for left in listing.left_over[:5]),
            remedy="Name the folders that hold the scans",
        )
    share = None if shard is None else share_of(listing.cases, shard)
    cases = tuple(listing.cases) if share is None else share.cases
    return WorkList(cases, tuple(listing.left_over), share)


def case_of_folder(folder: Path) -> BatchCase:
    """Return the one study that a folder holds; if there is none that can be measured, that is its error."""
    return _of_dicom_row(TableRow(folder, "", ""))


def study_identity(patient_id: str, study_uid: str) -> str:
    """Name a study by its UID, which says which scan it is wherever it lies."""
    return f"study {study_uid} of {patient_id}"


@dataclass
class _Listing:
    """What was found so far; no scan is taken twice."""

    cases: list[BatchCase] = field(default_factory=list)
    left_over: list[LeftOver] = field(default_factory=list)
    places: dict[str, Path] = field(default_factory=dict)

    def take(self, case: BatchCase) -> None:
        """Add a case unless it is there already."""
        if case.identity in self.places:
            self.left_over.append(_left_over(case, TWICE.format(self.places[case.identity])))
            return
        self.places[case.identity] = case.path
        self.cases.append(case)


def _search(root: Path, listing: _Listing) -> None:
    from lesionseg.dicom import index_folder

    index = index_folder(root)
    sources = []
    for key, slices in index.studies.items():
        source = source_of(index, slices, None)
        if not has_ct(slices):
            listing.left_over.append(_left_over(_of_source(source), NO_CT))
            continue
        sources.append(source)
        listing.take(_of_source(source, _study_identity(key.patient_id, key.study_uid, source)))
        listing.left_over.extend(_other_series(slices, source))
    listing.left_over.extend(left_over_files(index, sources, root))
    below = root.rglob("*") if root.is_dir() else ()
    volumes = sorted(path for path in below if is_volume_file(path) and path.is_file())
    listing.left_over.extend(LeftOver("volume file", str(path), VOLUME_FILE) for path in volumes)


def _of_row(row: TableRow, shard: Shard | None) -> BatchCase:
    identity = f"name {row.case_id}"
    if row.case_id and shard is not None and not shard.holds(identity):
        return BatchCase(row.case_id, identity, row.path)  # another shard's: its headers are not read
    if row.path.is_file() and is_volume_file(row.path):
        case = _of_volume_file(row.path)
    else:
        case = _of_dicom_row(row)
    if not row.case_id:
        return case
    return replace(case, case_id=row.case_id, identity=identity)


def _of_dicom_row(row: TableRow) -> BatchCase:
    """Find the one study that a row leads to; if there is none, or several, that is the case's error."""
    from lesionseg.dicom import index_folder

    try:
        index = index_folder(row.path)
        source = source_of(index, _one_study(index, row), row.series_uid or None)
    except InputError as error:
        path = row.path.resolve()
        identity = f"path {path} {row.series_uid}".rstrip()
        return BatchCase(path.name, identity, path, error=forget_frames(error))
    return _of_source(source)


def _one_study(index: FolderIndex, row: TableRow) -> Sequence[SliceHeader]:
    if row.series_uid and row.series_uid in index.series:
        return index.series[row.series_uid]
    found = [slices for slices in index.studies.values() if has_ct(slices)]
    if len(found) > 1 and not row.series_uid:
        raise AmbiguousSeriesError(
            f"the path leads to {len(found)} studies",
            case=str(row.path),
            expected="one study",
            remedy="Name the folder of one study in the table, or one series in series_uid",
        )
    if not found or row.series_uid:
        raise NoCTSeriesError(
            "the path leads to no CT series that can be measured",
            case=str(row.path),
            expected=f"series {row.series_uid}" if row.series_uid else "",
            found=f"{len(index.findings.slices)} DICOM images",
            remedy="Correct path or series_uid in the table",
        )
    return found[0]


def _of_volume_file(path: Path) -> BatchCase:
    path = path.resolve()
    return BatchCase(proposed_name("", "", path.name), f"file {path}", path, FileSet.of([path]))


def _of_source(source: ScanSource, identity: str = "") -> BatchCase:
    headers = source.found.slices if source.found else ()
    unreadable = source.found.unreadable if source.found else ()
    for file in unreadable:
        forget_frames(file.error)
    date = source.study_date.strftime("%Y%m%d") if source.study_date else ""
    return BatchCase(
        case_id=proposed_name(source.patient_id, date, source.input_path.resolve().name),
        identity=identity or _study_identity(source.patient_id, source.study_uid, source),
        path=source.input_path,
        files=FileSet.of(source.files),
        slices=FileSet.of(header.source.path for header in headers),
        unreadable=unreadable,
        asked_series=source.asked_series,
        patient_id=source.patient_id,
        study_uid=source.study_uid,
        series_uid=source.series_uid,
        study_date=date,
        error=forget_frames(source.error) if source.error else None,
    )


def _study_identity(patient_id: str, study_uid: str, source: ScanSource) -> str:
    """Name a study by its UID; where it has none, by its place."""
    named = study_identity(patient_id, study_uid) if study_uid else f"path {source.input_path.resolve()}"
    return f"{named}, series {source.asked_series}" if source.asked_series else named


def _other_series(slices: Sequence[SliceHeader], source: ScanSource) -> Iterator[LeftOver]:
    from lesionseg.dicom.selection import group_by_series

    for group in group_by_series(slices):
        if source.series_uid and group.uid != source.series_uid and has_ct(group.slices):
            folder = group.slices[0].source.path.parent
            yield LeftOver(
                "series",
                str(folder),
                OTHER_SERIES,
                source.patient_id,
                group.slices[0].identity.study_date,
                source.study_uid,
                group.uid,
            )


def _left_over(case: BatchCase, reason: str) -> LeftOver:
    what = "study" if case.is_dicom else "scan"
    return LeftOver(
        what, str(case.path), reason, case.patient_id, case.study_date, case.study_uid, case.series_uid
    )
