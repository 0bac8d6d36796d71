"""``visits.csv``: which scan is whose, and of which visit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from lesionseg.core.plan import TrialPlan
from lesionseg.core.table_faults import TableFault, refuse_faults
from lesionseg.core.table_input import Column, read_table
from lesionseg.longitudinal.scan import UNSCHEDULED

SOURCES = ("series_uid", "study_uid", "path")
"""What a row may name a scan by; exactly one of them."""
_COLUMNS = (
    Column("subject", filled=True),
    Column("visit", required=False),
    *(Column(source, required=False) for source in SOURCES),
    Column("date", "date", required=False),
)


@dataclass(frozen=True)
class VisitRow:
    """One row of the table.

    Attributes
    ----------
    line : int
        Row of a spreadsheet: the header is row 1.
    subject : str
    visit : str
        One of the plan's, `UNSCHEDULED`, or empty where the visit is to be found by date.
    source : str
        One of `SOURCES`,
    value : str
        and what stands there.
    date : date or None
        Takes the place of the study date.
    """

    line: int
    subject: str
    visit: str
    source: str
    value: str
    date: date | None = None


@dataclass(frozen=True)
class VisitTable:
    """A table of visits without faults of its own; whether its scans are there is seen later."""

    path: Path
    sha256: str
    rows: tuple[VisitRow, ...]


def read_visits(path: Path, plan: TrialPlan) -> VisitTable:
    """Read and check the table.

    Raises
    ------
    TableError
        With every fault: as `read_table` does; a row that names no scan or several; a visit that is not in
        the plan; a subject whose visit stands twice.
    """
    table = read_table(path, _COLUMNS)
    faults: list[TableFault] = []
    rows = []
    for line, cells in zip(table.line_numbers, table.rows, strict=True):
        named = [source for source in SOURCES if cells[source]]
        if len(named) != 1:
            faults.append(_not_one_source(named, line))
            continue
        rows.append(_row(cells, named[0], line))
    faults += _unknown_visits(rows, plan)
    faults += _repeated_visits(rows)
    refuse_faults(path, faults)
    return VisitTable(path, table.sha256, tuple(rows))


def _row(cells: dict[str, Any], source: str, line: int) -> VisitRow:
    visit = cells["visit"] or ""
    visit = UNSCHEDULED if visit.lower() == UNSCHEDULED else visit
    return VisitRow(line, cells["subject"], visit, source, cells[source], cells["date"])


def _not_one_source(named: Sequence[str], line: int) -> TableFault:
    found = " and ".join(named) if named else "none of them"
    return TableFault(f"the row names its scan by {found}", f"Fill exactly one of {', '.join(SOURCES)}", line)


def _unknown_visits(rows: Sequence[VisitRow], plan: TrialPlan) -> list[TableFault]:
    known = [*(visit.name for visit in plan.schedule), UNSCHEDULED]
    remedy = f"Allowed are {', '.join(known)}; leave the cell empty to have the visit found by date"
    return [
        TableFault(f"the plan has no visit {row.visit}", remedy, row.line, "visit")
        for row in rows
        if row.visit and row.visit not in known
    ]


def _repeated_visits(rows: Sequence[VisitRow]) -> list[TableFault]:
    first: dict[tuple[str, str], int] = {}
    faults = []
    for row in rows:
        if not row.visit or row.visit == UNSCHEDULED:
            continue
        line = first.setdefault((row.subject, row.visit), row.line)
        if line != row.line:
            faults.append(
                TableFault(
                    f"{row.visit} of subject {row.subject} stands in row {line} already",
                    f"Keep one of them, or call the other {UNSCHEDULED}",
                    row.line,
                    "visit",
                )
            )
    return faults
