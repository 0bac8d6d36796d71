"""Tables from people: read strictly, all faults told at once with row and column."""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lesionseg.core.errors import InputNotFoundError, TableError
from lesionseg.core.table_cells import Cell, CellFault, Kind, has_decimal_comma, is_number, read_cell
from lesionseg.core.table_faults import TableFault, refuse_faults

_DELIMITERS = (",", ";", "\t")
_BOM = "\ufeff"


@dataclass(frozen=True)
class Column:
    """What a table's column must hold.

    Attributes
    ----------
    name : str
        As in the header.
    kind : str
        ``text``; ``number`` (decimal point); ``date`` (YYYY-MM-DD); ``flag`` (Y or N); ``any``: numbers if
        every filled cell is one, else text.
    required : bool
        The column must be there.
    filled : bool
        No cell of it may be empty.
    allowed : tuple of str
        The only values it may have; empty for any.
    asked_by : str
        What of the plan needs the column, for the message about its absence.
    """

    name: str
    kind: Kind = "text"
    required: bool = True
    filled: bool = False
    allowed: tuple[str, ...] = ()
    asked_by: str = ""


@dataclass(frozen=True)
class InputTable:
    """A table without faults.

    Attributes
    ----------
    path : Path
    sha256 : str
        Of the file's bytes.
    columns : tuple of str
        The header, in its order.
    rows : tuple of dict
        One mapping per filled row, every column of the header and every optional column asked for in it;
        None is an empty cell.
    line_numbers : tuple of int
        Row of each in a spreadsheet: the header is row 1.
    """

    path: Path
    sha256: str
    columns: tuple[str, ...]
    rows: tuple[dict[str, Cell], ...]
    line_numbers: tuple[int, ...]


def read_table(
    path: Path,
    columns: Sequence[Column],
    *,
    key: Sequence[str] = (),
    extra: bool = False,
    may_be_empty: bool = False,
) -> InputTable:
    """Read a CSV table: UTF-8 with or without byte order mark; comma, semicolon or tab is found out.

    Parameters
    ----------
    path : Path
    columns : sequence of Column
    key : sequence of str
        Columns whose values together may stand only once; none of them may be empty.
    extra : bool
        Allow further columns, which are read as kind ``any``; otherwise they are faults.
    may_be_empty : bool
        Allow a table with a header only.

    Raises
    ------
    InputNotFoundError
        If the file is not there.
    TableError
        With every fault found: of the file, or of the header, or else of the cells.
    """
    content = _read_bytes(path)
    records = _records(path, _text(path, content))
    header = _Header.of(path, records, columns, extra=extra)
    body = [(row, cells) for row, cells in records[1:] if any(cells)]
    if not body and not may_be_empty:
        refuse_faults(path, [TableFault("the table has a header but no rows", "Add the rows")])
    faults: list[TableFault] = []
    rows = list(_typed_rows(header.widened(body), body, faults))
    faults += _repeated(rows, [row for row, _ in body], key)
    refuse_faults(path, faults)
    return InputTable(
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
        columns=header.names,
        rows=tuple(rows),
        line_numbers=tuple(row for row, _ in body),
    )


# --- the file -------------------------------------------------------------------------------------------


def _read_bytes(path: Path) -> bytes:
    if not path.is_file():
        raise InputNotFoundError("there is no such table", case=str(path), remedy="Correct the path")
    try:
        return path.read_bytes()
    except OSError as error:
        raise TableError(
            "the table cannot be read", case=str(path), found=error.strerror or str(error)
        ) from error


def _text(path: Path, content: bytes) -> str:
    problem = ""
    if content.startswith(b"PK\x03\x04"):
        problem = "this is a workbook (xlsx), not a CSV file"
    elif content.startswith((b"\xff\xfe", b"\xfe\xff")):
        problem = "this is UTF-16 text, not UTF-8"
    else:
        try:
            return content.decode("utf-8").removeprefix(_BOM)
        except UnicodeDecodeError as error:
            row = content.count(b"\n", 0, error.start) + 1
            problem = f"row {row} holds the byte 0x{content[error.start]:02x}, which is not UTF-8"
    raise TableError(problem, case=str(path), remedy="Save it as 'CSV UTF-8' in the spreadsheet")


def _records(path: Path, text: str) -> list[tuple[int, list[str]]]:
    """Return every row with its number, its cells stripped; there is at least a header."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    records: list[tuple[int, list[str]]] = []
    try:
        for number, cells in enumerate(reader, 1):
            records.append((number, [cell.strip() for cell in cells]))
    except csv.Error as error:
        fault = TableFault(
            f"the row cannot be parted into cells: {error}", "Close the quote", len(records) + 1
        )
        refuse_faults(path, [fault])
    if not records or not any(records[0][1]):
        refuse_faults(path, [TableFault("the first row is empty", "Put the column names there", 1)])
    return records


def _delimiter(text: str) -> str:
    header = text.split("\n", 1)[0]
    return max(_DELIMITERS, key=header.count)


# --- the header -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Header:
    """Names in the file's order, and what each column must hold."""

    names: tuple[str, ...]
    columns: Mapping[str, Column]

    @classmethod
    def of(
        cls, path: Path, records: Sequence[tuple[int, list[str]]], columns: Sequence[Column], *, extra: bool
    ) -> _Header:
        names = list(records[0][1])
        while not names[-1] and not any(any(cells[len(names) - 1 :]) for _, cells in records[1:]):
            names.pop()  # spreadsheets leave empty columns at the end
        refuse_faults(path, _header_faults(names, columns, extra=extra))
        known = {column.name: column for column in columns}
        found = {name: known.get(name, Column(name, "any")) for name in names}
        return cls(tuple(names), {**known, **found})

    def widened(self, body: Sequence[tuple[int, list[str]]]) -> _Header:
        """Settle what columns of kind any hold: numbers if all are, a decimal comma then being a fault."""
        settled = dict(self.columns)
        for place, name in enumerate(self.names):
            column = settled[name]
            if column.kind == "any":
                cells = [cells[place] for _, cells in body if place < len(cells) and cells[place]]
                numeric = bool(cells) and all(is_number(cell) or has_decimal_comma(cell) for cell in cells)
                kind: Kind = "number" if numeric else "text"
                settled[name] = replace(column, kind=kind)
        return _Header(self.names, settled)


def _header_faults(names: Sequence[str], columns: Sequence[Column], *, extra: bool) -> list[TableFault]:
    faults = [
        TableFault("the column has no name", "Name or remove it", 1, f"number {place}")
        for place, name in enumerate(names, 1)
        if not name
    ]
    faults += [
        TableFault("the name stands twice in the header", "Rename or remove one", 1, name)
        for name in sorted({name for name in names if name and names.count(name) > 1})
    ]
    known = [column.name for column in columns]
    for name in names:
        if name and name not in known and not extra:
            faults.append(TableFault("there is no such column here", _hint(name, known, names), 1, name))
    wanted = [column for column in columns if column.required and column.name not in names]
    return faults + [_missing(column, names) for column in wanted]


def _missing(column: Column, names: Sequence[str]) -> TableFault:
    why = f", and {column.asked_by} asks for it" if column.asked_by else ""
    return TableFault(
        f"this column is missing{why}", f"Add it; the header holds {', '.join(names)}", 1, column.name
    )


def _hint(name: str, known: Sequence[str], names: Sequence[str]) -> str:
    free = {column.lower(): column for column in known if column not in names}
    near = difflib.get_close_matches(name.lower(), list(free), n=1)
    return f"Did you mean {free[near[0]]}?" if near else f"Remove it; allowed are {', '.join(known)}"


# --- the rows -------------------------------------------------------------------------------------------


def _typed_rows(
    header: _Header, body: Sequence[tuple[int, list[str]]], faults: list[TableFault]
) -> Iterator[dict[str, Cell]]:
    absent: dict[str, Cell] = {name: None for name in header.columns if name not in header.names}
    for number, cells in body:
        width = len(header.names)
        if len(cells) < width or any(cells[width:]):
            faults.append(_wrong_width(number, len(cells), width))
            yield {}
            continue
        row: dict[str, Cell] = {}
        for name, text in zip(header.names, cells, strict=False):
            row[name] = _typed(header.columns[name], text, number, faults)
        yield {**row, **absent}


def _wrong_width(number: int, found: int, expected: int) -> TableFault:
    why = "; a decimal comma splits a number in two" if found > expected else ""
    return TableFault(
        f"the row has {found} cells, the header {expected}{why}",
        "Write decimal points, and quote cells that hold the delimiter"
        if why
        else "Add the delimiters of the empty cells",
        number,
    )


def _typed(column: Column, text: str, number: int, faults: list[TableFault]) -> Cell:
    try:
        value = read_cell(text, column.kind)
    except CellFault as fault:
        faults.append(TableFault(fault.problem, fault.remedy, number, column.name))
        return None
    if value is None and column.filled:
        faults.append(TableFault("the cell is empty", "Fill it in", number, column.name))
    elif value is not None and column.allowed and text not in column.allowed:
        allowed = f"Allowed are {', '.join(column.allowed)}"
        faults.append(TableFault(f"{text} is not allowed here", allowed, number, column.name))
    return value


def _repeated(
    rows: Sequence[Mapping[str, Cell]], numbers: Sequence[int], key: Sequence[str]
) -> Iterator[TableFault]:
    seen: dict[tuple[Cell, ...], int] = {}
    for number, row in zip(numbers, rows, strict=True):
        if not key or not row:
            continue
        values = tuple(row[name] for name in key)
        empty = [name for name, value in zip(key, values, strict=True) if value is None]
        yield from (TableFault("the cell is empty", "Fill it in", number, name) for name in empty)
        if not empty and values in seen:
            words = ", ".join(str(value) for value in values)
            yield TableFault(
                f"{words} stands in row {seen[values]} already", "Keep one", number, ", ".join(key)
            )
        seen.setdefault(values, number)
