"""A table of scans: which to measure, and what to call them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lesionseg.core.file_names import safe_file_name
from lesionseg.core.table_faults import TableFault, refuse_faults
from lesionseg.core.table_input import Column, InputTable, read_table

_COLUMNS = (Column("path", filled=True), Column("id", required=False), Column("series_uid", required=False))


@dataclass(frozen=True)
class TableRow:
    """One row: a scan, what to call it and which series to take; the latter two may be empty."""

    path: Path
    case_id: str
    series_uid: str


def read_scan_table(path: Path) -> tuple[TableRow, ...]:
    """Read and check a table of scans.

    Parameters
    ----------
    path : Path
        CSV with the column ``path`` (relative to the table's folder, or absolute), and ``id`` and
        ``series_uid`` if wanted.

    Raises
    ------
    InputNotFoundError
        If the table is not there.
    TableError
        With every fault: as `read_table` does; a path that leads nowhere; an ID that is no file name, or
        stands twice.
    """
    table = read_table(path, _COLUMNS)
    refuse_faults(path, [*_bad_ids(table), *_absent(table)])
    return tuple(
        TableRow(path.parent / str(row["path"]), str(row["id"] or ""), str(row["series_uid"] or ""))
        for row in table.rows
    )


def _absent(table: InputTable) -> Iterator[TableFault]:
    for line, row in zip(table.line_numbers, table.rows, strict=True):
        if not (table.path.parent / str(row["path"])).exists():
            remedy = "Correct the cell, or take the row out until the scan is there"
            yield TableFault(f"there is no {row['path']}", remedy, line, "path")


def _bad_ids(table: InputTable) -> Iterator[TableFault]:
    first: dict[str, int] = {}
    for line, row in zip(table.line_numbers, table.rows, strict=True):
        name = str(row["id"] or "")
        if name and safe_file_name(name) != name:
            remedy = "Use up to 60 letters, digits, points, hyphens and underscores"
            yield TableFault(f"{name} cannot be the name of a folder", remedy, line, "id")
        if name and first.setdefault(name.lower(), line) != line:
            remedy = "Give every scan a name of its own"
            yield TableFault(f"{name} stands in row {first[name.lower()]} already", remedy, line, "id")
