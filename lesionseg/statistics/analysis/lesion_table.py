"""Reading ``adlesion``: what the scans gave, before anyone knows the arms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from lesionseg.core.errors import InputNotFoundError, TableError
from lesionseg.core.plan import TrialPlan
from lesionseg.core.table_cells import CellFault, Kind, read_cell
from lesionseg.core.table_faults import TableFault, refuse_faults
from lesionseg.statistics.analysis.columns import (
    ARM_NAMES,
    LESION_COLUMNS,
    NUMBERS,
    OPTIONAL_NUMBERS,
    REQUIRED,
    TEXTS,
)

FILE_NAMES = ("adlesion.parquet", "adlesion.csv")
_KEY = ["USUBJID", "PARAMCD", "AVISIT"]
_SHARED_TEXTS = ("STUDYID", "PARAMCD", "PARAM", "AVISIT", "ABLFL", "ANL01FL", "REASCD", "REAS", "QFLAGS")
_REMEDY = "Write it again with `lesionseg change`"


def find_lesion_table(changes: Path) -> Path:
    """Return the table in a results folder of ``change`` (Parquet before CSV), or the file itself.

    Raises
    ------
    InputNotFoundError
        If there is none.
    """
    if changes.is_file():
        return changes
    for name in FILE_NAMES:
        if (changes / name).is_file():
            return changes / name
    raise InputNotFoundError(
        "there is no table of changes",
        case=str(changes),
        expected=" or ".join(FILE_NAMES),
        remedy="Name the folder that `lesionseg change` wrote",
    )


def read_lesion_table(path: Path, plan: TrialPlan) -> pd.DataFrame:
    """Return the table with the columns of `LESION_COLUMNS`, checked against the plan.

    Numbers are float64 with NaN for an empty cell, ADT is datetime64, texts have "" for an empty cell.

    Raises
    ------
    TableError
        With every fault found: columns missing, an arm column, cells that are no number or no date, a row
        standing twice, a visit that the schedule does not hold, another trial's identifier.
    """
    table = _read_parquet(path) if path.suffix == ".parquet" else _read_csv(path)
    _refuse_columns(path, list(table.columns))
    table = _typed(path, table)
    refuse_faults(path, list(_row_faults(table, plan)))
    return table


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path, read_dictionary=list(_SHARED_TEXTS))
        return table.to_pandas(date_as_object=False)  # type: ignore[no-any-return]
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _read_csv(path: Path) -> pd.DataFrame:
    """Read numbers as numbers; where one is none, everything as text, so that the fault can be placed."""
    options = {"encoding": "utf-8-sig", "keep_default_na": False}
    numbers = dict.fromkeys((*NUMBERS, *OPTIONAL_NUMBERS), "float64")
    try:
        header = list(pd.read_csv(path, nrows=0, dtype=str, encoding="utf-8-sig").columns)
        _refuse_columns(path, header)
        texts = {name: _text_type(name) for name in header if name not in numbers}
        empty = {name: [""] for name in numbers}
        try:
            return pd.read_csv(path, dtype={**texts, **numbers}, na_values=empty, **options)  # type: ignore[call-overload, no-any-return]
        except ValueError:
            return pd.read_csv(path, dtype=str, **options)  # type: ignore[call-overload, no-any-return]
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise _unreadable(path, error) from error


def _text_type(name: str) -> str:
    return "category" if name in _SHARED_TEXTS else "str"


def _unreadable(path: Path, error: Exception) -> TableError:
    return TableError(
        "the table cannot be read", case=str(path), found=" ".join(str(error).split()), remedy=_REMEDY
    )


def _refuse_columns(path: Path, names: list[str]) -> None:
    faults = [
        TableFault(f"this column is missing; the header holds {', '.join(names)}", _REMEDY, 1, name)
        for name in REQUIRED
        if name not in names
    ]
    faults += [
        TableFault("the treatment arm may not stand in a table of changes", "Remove the column", 1, name)
        for name in names
        if name.upper() in ARM_NAMES
    ]
    refuse_faults(path, faults)


def _typed(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    """Give every column its type; whatever has the wrong one already was read as text."""
    faults: list[TableFault] = []
    columns = {}
    for name in LESION_COLUMNS:
        if name in (*NUMBERS, *OPTIONAL_NUMBERS):
            columns[name] = _numbers(table, name, faults)
        elif name == "ADT":
            columns[name] = _dates(table[name], faults)
        else:
            columns[name] = _texts(table, name)
    refuse_faults(path, faults)
    return pd.DataFrame(columns)


def _texts(table: pd.DataFrame, name: str) -> pd.Series:
    column = table[name] if name in table else pd.Series("", index=table.index)
    kind = "category" if name in _SHARED_TEXTS else "str"
    return column.astype("str").fillna("").astype(kind)  # type: ignore[call-overload, no-any-return]


def _numbers(table: pd.DataFrame, name: str, faults: list[TableFault]) -> pd.Series:
    if name not in table:
        return pd.Series(np.nan, index=table.index)
    column = table[name]
    if pd.api.types.is_numeric_dtype(column):
        values = column.astype("float64")
        bad = np.isinf(values)
        faults += [
            _cell_fault(int(row), name, f"{values.iloc[row]}", "number") for row in np.flatnonzero(bad)
        ]
        return values
    texts = column.astype("str").fillna("").str.strip()
    values = pd.to_numeric(texts, errors="coerce")
    wrong = np.flatnonzero((texts != "") & ~np.isfinite(values))
    faults += [_cell_fault(int(row), name, texts.iloc[row], "number") for row in wrong]
    return values.astype("float64")


def _dates(column: pd.Series, faults: list[TableFault]) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(column):
        return column.astype("datetime64[s]")
    texts = column.astype("str").fillna("").str.strip().replace({"None": "", "NaT": ""})
    dates = pd.to_datetime(texts.where(texts != ""), format="%Y-%m-%d", errors="coerce")
    wrong = np.flatnonzero((texts != "") & dates.isna())
    faults += [_cell_fault(int(row), "ADT", texts.iloc[row], "date") for row in wrong]
    return dates.astype("datetime64[s]")


def _cell_fault(row: int, name: str, text: str, kind: Kind) -> TableFault:
    try:
        read_cell(text, kind)
    except CellFault as fault:
        return TableFault(fault.problem, fault.remedy, row + 2, name)
    return TableFault(f"{text} is no {kind}", _REMEDY, row + 2, name)


def _row_faults(table: pd.DataFrame, plan: TrialPlan) -> Iterator[TableFault]:
    for name in TEXTS:
        if name != "PARAM":
            for row in np.flatnonzero(table[name] == ""):
                yield TableFault("the cell is empty", _REMEDY, int(row) + 2, name)
    for row in np.flatnonzero(table.duplicated(_KEY)):
        words = ", ".join(str(table[name].iloc[row]) for name in _KEY)
        yield TableFault(
            f"{words} stands in an earlier row already", "Keep one", int(row) + 2, ", ".join(_KEY)
        )
    schedule = [visit.name for visit in plan.schedule]
    yield from _unexpected(table, "AVISIT", schedule, "the schedule of the plan")
    yield from _unexpected(table, "STUDYID", [plan.trial.identifier], "the plan's trial.identifier")


def _unexpected(table: pd.DataFrame, name: str, known: list[str], what: str) -> Iterator[TableFault]:
    """Tell each unexpected value once, at its first row."""
    strange = table.loc[~table[name].isin([*known, ""]), name].drop_duplicates()
    for row, value in strange.items():
        yield TableFault(
            f"{value} is not in {what} ({', '.join(known)})",
            "Use the plan that the changes were made with",
            int(str(row)) + 2,
            name,
        )
