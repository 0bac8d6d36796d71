"""Reading ``scans.csv``: one row for each scan found, its quality facts and measurements.

The table is wide (every measurement of every scan) and may be long, so it is streamed: only the columns
that change is made from are kept, numbers as numbers.
"""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import InputNotFoundError, TableError
from lesionseg.core.plan import VisitWindow
from lesionseg.core.provenance import sha256_of_file
from lesionseg.core.table_cells import CellFault, read_cell
from lesionseg.core.table_faults import TableFault, refuse_faults
from lesionseg.longitudinal.scan import UNSCHEDULED, Scan, Status, Subject, ValueOrigin
from lesionseg.longitudinal.sources import NUMBER_COLUMNS
from lesionseg.longitudinal.subject_table import is_before

Numbers = npt.NDArray[np.float64]
REQUIRED = ("subject", "scan_id", "status")
_SCAN_TEXTS = (*REQUIRED, "study_date", "visit_given", "reason", "reason_text")
FACT_TEXTS = ("kernel", "contrast", "manufacturer", "model", "flags", "missing")
ORIGIN_TEXTS = ("value_origin", "readers")
"""Whose values they are, where the table says so: see docs/readings.md."""
_WANTED = (*_SCAN_TEXTS, *FACT_TEXTS, *ORIGIN_TEXTS, *NUMBER_COLUMNS)
_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True)
class ScanTable:
    """Scans with what change and comparability are made from.

    Attributes
    ----------
    path : Path
    sha256 : str
        Of the file's bytes.
    scans : tuple of Scan
        In the order of the file.
    numbers : mapping of str to array
        By column, float64 of one value a scan; NaN is an empty cell or an absent column.
    texts : mapping of str to sequence of str
        Likewise `FACT_TEXTS` and `ORIGIN_TEXTS`; empty for an absent column.
    absent : frozenset of str
        Columns that the file lacks.
    """

    path: Path
    sha256: str
    scans: tuple[Scan, ...]
    numbers: Mapping[str, Numbers]
    texts: Mapping[str, Sequence[str]]
    absent: frozenset[str] = frozenset()


def read_scans(
    path: Path, schedule: Sequence[VisitWindow], subjects: Mapping[str, Subject] | None = None
) -> ScanTable:
    """Read the table of scans; columns beyond those used here are passed over.

    Raises
    ------
    InputNotFoundError, TableError
        If it is absent or cannot be read; with every fault found and its row: a required column missing, a
        wrong number, date or status, a scan_id twice, a visit unknown to the plan or given to two scans of
        one subject, a scan before the subject's birth.
    """
    if not path.is_file():
        raise InputNotFoundError("there is no such table", case=str(path), remedy="Correct the path")
    reading = _Reading(subjects or {}, frozenset(window.name for window in schedule))
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            delimiter = max(_DELIMITERS, key=stream.readline().count)
            stream.seek(0)
            reading.take(path, csv.reader(stream, delimiter=delimiter, strict=True))
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise TableError(
            "the table cannot be read",
            case=str(path),
            expected="CSV in UTF-8",
            found=str(error),
            remedy="Save it as 'CSV UTF-8'",
        ) from error
    refuse_faults(path, reading.faults)
    return ScanTable(
        path=path,
        sha256=sha256_of_file(path),
        scans=tuple(reading.scans),
        numbers={name: np.asarray(values, np.float64) for name, values in reading.numbers.items()},
        texts=reading.texts,
        absent=frozenset(name for name in _WANTED if name not in reading.places),
    )


@dataclass
class _Reading:
    """What has been read so far."""

    subjects: Mapping[str, Subject]
    visits: frozenset[str]
    places: dict[str, int] = field(default_factory=dict)
    scans: list[Scan] = field(default_factory=list)
    numbers: dict[str, array[float]] = field(
        default_factory=lambda: {name: array("d") for name in NUMBER_COLUMNS}
    )
    texts: dict[str, list[str]] = field(
        default_factory=lambda: {name: [] for name in (*FACT_TEXTS, *ORIGIN_TEXTS)}
    )
    faults: list[TableFault] = field(default_factory=list)
    seen: dict[tuple[str, ...], int] = field(default_factory=dict)

    def take(self, path: Path, records: Iterator[list[str]]) -> None:
        header = [name.strip() for name in next(records, [])]
        refuse_faults(path, list(_header_faults(header)))
        self.places = {name: header.index(name) for name in _WANTED if name in header}
        for number, cells in enumerate(records, 2):
            if len(cells) == len(header):
                self._take_row(number, {name: cells[place].strip() for name, place in self.places.items()})
            elif any(cells):
                fault = f"the row has {len(cells)} cells, the header {len(header)}"
                self.faults.append(
                    TableFault(fault, "Write decimal points, and quote cells with delimiters", number)
                )
        if not self.scans and not self.faults:
            refuse_faults(path, [TableFault("the table has a header but no rows", "Add the scans")])

    def _take_row(self, number: int, cells: Mapping[str, str]) -> None:
        if not any(cells.values()):
            return
        for name, values in self.numbers.items():
            values.append(self._number(number, name, cells.get(name, "")))
        for name, texts in self.texts.items():
            texts.append(cells.get(name, ""))
        scan = self._scan(number, cells)
        self.scans.append(scan)
        self.faults += self._scan_faults(scan, cells)

    def _number(self, number: int, column: str, text: str) -> float:
        if not text:
            return math.nan
        try:
            value = float(text)
            if math.isfinite(value):
                return value
        except ValueError:
            pass
        try:
            read_cell(text, "number")
        except CellFault as fault:
            self.faults.append(TableFault(fault.problem, fault.remedy, number, column))
        return math.nan

    def _date(self, number: int, text: str) -> date | None:
        try:
            value = read_cell(text, "date")
        except CellFault as fault:
            self.faults.append(TableFault(fault.problem, fault.remedy, number, "study_date"))
            return None
        return value if isinstance(value, date) else None

    def _scan(self, number: int, cells: Mapping[str, str]) -> Scan:
        status = cells["status"]
        if status not in tuple(Status):
            allowed = f"Allowed are {', '.join(Status)}"
            problem = f"{status} is not allowed here" if status else "the cell is empty"
            self.faults.append(TableFault(problem, allowed, number, "status"))
            status = Status.FAILED
        return Scan(
            subject=cells["subject"],
            scan_id=cells["scan_id"],
            study_date=self._date(number, cells.get("study_date", "")),
            visit_given=cells.get("visit_given", ""),
            status=Status(status),
            reason=cells.get("reason", ""),
            reason_text=cells.get("reason_text", ""),
            row=number,
        )

    def _scan_faults(self, scan: Scan, cells: Mapping[str, str]) -> Iterator[TableFault]:
        for name in ("subject", "scan_id"):
            if not cells[name]:
                yield TableFault("the cell is empty", "Fill it in", scan.row, name)
        yield from self._once(("scan_id", scan.scan_id), scan.row)
        born = self.subjects.get(scan.subject, Subject(scan.subject)).birth_date
        if is_before(scan.study_date, born):
            problem = f"the scan of {scan.study_date} lies before the birth of {scan.subject} on {born}"
            yield TableFault(problem, "Correct one of the dates", scan.row, "study_date")
        origin = cells.get("value_origin", "")
        if origin and origin not in tuple(ValueOrigin):
            allowed = f"Allowed are {', '.join(ValueOrigin)}"
            yield TableFault(f"{origin} is not allowed here", allowed, scan.row, "value_origin")
        given = scan.visit_given
        if given and given.lower() != UNSCHEDULED:
            if given not in self.visits:
                allowed = ", ".join([*sorted(self.visits), UNSCHEDULED])
                problem = f"the plan has no visit {given}"
                yield TableFault(problem, f"Allowed are {allowed}", scan.row, "visit_given")
            yield from self._once(("subject, visit_given", scan.subject, given), scan.row)

    def _once(self, key: tuple[str, ...], row: int | None) -> Iterator[TableFault]:
        first = self.seen.setdefault(key, row or 0)
        if first != row and key[-1]:
            problem = f"{', '.join(key[1:])} stands in row {first} already"
            yield TableFault(problem, "Keep one", row, key[0])


def _header_faults(header: Sequence[str]) -> Iterable[TableFault]:
    for name in REQUIRED:
        if name not in header:
            yield TableFault("this column is missing", "Add it", 1, name)
    for name in _WANTED:
        if header.count(name) > 1:
            yield TableFault("the name stands twice in the header", "Rename or remove one", 1, name)
