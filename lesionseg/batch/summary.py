"""``summary.csv`` and ``summary.parquet``: one row for every case, whatever became of it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lesionseg.batch.records import CaseRecord, State
from lesionseg.batch.request import CASES, SUMMARY_CSV, SUMMARY_PARQUET
from lesionseg.core.files import staged_file
from lesionseg.core.tables import write_csv
from lesionseg.volumetry import COLUMNS
from lesionseg.workflow.request import MEASUREMENTS_CSV

OWN_COLUMNS = (
    "case", "state", "reason", "reason_text", "warnings",
    "patient_id", "study_date", "study_uid", "series_uid", "path", "case_folder",
)  # fmt: skip
TEXT_COLUMNS = (*OWN_COLUMNS, "ood_figure", "worst_flag", "flags", "missing")
"""All others hold numbers."""
MEASURED = tuple(name for name in COLUMNS if name != "case")
ALL_COLUMNS = (*OWN_COLUMNS, *MEASURED)

Row = dict[str, str]


def summary_rows(records: Sequence[CaseRecord], folder: Path) -> list[Row]:
    """Build the rows from ledger and case folders, so that a case taken over gives the row of a new one.

    Parameters
    ----------
    records : sequence of CaseRecord
    folder : Path
        Of the batch; case folders are named relative to it.
    """
    return [_row(record, folder) for record in records]


def write_summaries(rows: Sequence[Row], folder: Path) -> None:
    """Write the table as CSV, and as Parquet with typed columns.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    with staged_file(folder / SUMMARY_CSV) as path:
        if rows:
            write_csv(path, rows)
        else:  # a shard may have no scan
            path.write_text(",".join(ALL_COLUMNS) + "\n", encoding="utf-8", newline="\n")
    with staged_file(folder / SUMMARY_PARQUET) as path:
        _write_parquet(rows, path)


def _row(record: CaseRecord, folder: Path) -> Row:
    place = f"{CASES}/{record.case_id}"
    # the folder of a case that is not among the inputs may have been taken away
    is_there = record.state is State.DONE and (folder / place / MEASUREMENTS_CSV).is_file()
    measured = _measured(folder / place) if is_there else dict.fromkeys(MEASURED, "")
    return {
        "case": record.case_id,
        "state": record.state.value,
        "reason": record.reason,
        "reason_text": record.reason_text,
        "warnings": "; ".join(record.warnings),
        **{name: record.facts.get(name, "") for name in OWN_COLUMNS[5:10]},
        "case_folder": place if is_there else "",
        **measured,
    }


def _measured(case_folder: Path) -> Row:
    with (case_folder / MEASUREMENTS_CSV).open(encoding="utf-8", newline="") as stream:
        cells = next(csv.DictReader(stream))
    return {name: cells[name] for name in MEASURED}


def _write_parquet(rows: Sequence[Row], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    columns: dict[str, Any] = {}
    for name in ALL_COLUMNS:
        cells = [row[name] for row in rows]
        if name in TEXT_COLUMNS:
            columns[name] = pa.array(cells, pa.string())
        else:
            columns[name] = pa.array([float(cell) if cell else None for cell in cells], pa.float64())
    pyarrow.parquet.write_table(pa.table(columns), path)
