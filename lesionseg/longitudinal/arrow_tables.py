"""Large tables with typed columns: the same content as CSV and as Parquet, the same bytes on every run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

Kind = Literal["text", "number", "integer", "date"]
_TYPES = {"text": pa.string(), "number": pa.float64(), "integer": pa.int64(), "date": pa.date32()}


@dataclass(frozen=True)
class ColumnMeaning:
    """Type and meaning of one column of an output table."""

    name: str
    kind: Kind
    meaning: str
    codes: str = ""


def typed_table(columns: Sequence[ColumnMeaning], values: Mapping[str, Any]) -> pa.Table:
    """Make a table of the given columns, in their order.

    Parameters
    ----------
    columns : sequence of ColumnMeaning
    values : mapping of str to array or sequence
        By column; a NaN, NaT, None or empty text is a missing value.

    Raises
    ------
    KeyError
        If a column has no values.
    """
    return pa.table({column.name: _typed(values[column.name], column.kind) for column in columns})


def codes_of(values: Sequence[str | None], codes: npt.NDArray[np.integer]) -> Any:
    """Make an array that names one of few values by its place; -1 is missing. It takes little memory."""
    where = np.where(codes < 0, 0, codes)
    return pa.DictionaryArray.from_arrays(
        pa.array(where, pa.int32(), mask=codes < 0), pa.array(values, pa.string())
    )


def write_csv_table(path: Path, table: pa.Table) -> None:
    """Write a header and rows: comma, decimal point, UTF-8, line feeds; missing values are empty cells."""
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
    with path.open("wb") as stream:
        stream.write((",".join(table.column_names) + "\n").encode())
        pyarrow.csv.write_csv(table, stream, options)


def write_parquet_table(path: Path, table: pa.Table) -> None:
    """Write the table with its types; texts are read back as texts, however they are held here."""
    pyarrow.parquet.write_table(table, path, compression="zstd", store_schema=False)


def _typed(values: Any, kind: Kind) -> Any:
    if isinstance(values, pa.DictionaryArray):
        return values if kind == "text" else values.dictionary_decode().cast(_TYPES[kind])
    if kind == "text":
        return _texts(values)
    if isinstance(values, np.ndarray) and kind == "integer":
        missing = np.isnan(values)
        return pa.array(np.where(missing, 0, values).astype(np.int64), pa.int64(), mask=missing)
    return pa.array(values, _TYPES[kind], from_pandas=True)


def _texts(values: Sequence[str | None]) -> Any:
    """Hold repeated texts once: a long table has few of them."""
    places: dict[str, int] = {}
    codes = np.full(len(values), -1, np.int64)
    for row, text in enumerate(values):
        if text:
            codes[row] = places.setdefault(text, len(places))
    return codes_of(list(places), codes)
