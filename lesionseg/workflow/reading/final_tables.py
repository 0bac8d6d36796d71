"""The table of scans with final values in it, and beside it how each of them came about."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lesionseg.core.errors import TableError
from lesionseg.core.plan import Readings
from lesionseg.longitudinal import Status, ValueOrigin
from lesionseg.readings.average import average_cells
from lesionseg.readings.final import FinalValue
from lesionseg.readings.reading import parameter_value, unit_of
from lesionseg.statistics.analysis.columns import ARM_NAMES
from lesionseg.volumetry import COLUMNS

ORIGIN, READERS, READING_IDS = "value_origin", "readers", "reading_ids"
FINAL_COLUMNS = (ORIGIN, READERS, READING_IDS)
"""Added to the table of scans."""
_SEPARATOR = "; "
_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True)
class ScanRows:
    """The table of scans as text: every column is kept as it is."""

    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]


def read_scan_rows(path: Path) -> ScanRows:
    """Read a table that `lesionseg.longitudinal.read_scans` has found no fault in.

    Raises
    ------
    TableError
        If it holds an arm, or final values already.
    """
    with path.open(encoding="utf-8-sig", newline="") as stream:
        delimiter = max(_DELIMITERS, key=stream.readline().count)
        stream.seek(0)
        reader = csv.reader(stream, delimiter=delimiter)
        header = [name.strip() for name in next(reader)]
        rows = [
            dict(zip(header, (cell.strip() for cell in cells), strict=True)) for cells in reader if any(cells)
        ]
    _refuse_columns(path, header)
    return ScanRows(tuple(header), tuple(rows))


def final_row(row: Mapping[str, str], final: FinalValue) -> dict[str, str]:
    """Put the final figures of a scan into its row; columns that are no figures stay."""
    origin = {
        ORIGIN: str(final.origin) if final.readings or row["status"] == Status.MEASURED else "",
        READERS: _SEPARATOR.join(reading.reader for reading in final.readings),
        READING_IDS: _SEPARATOR.join(reading.reading_id for reading in final.readings),
    }
    if final.origin is ValueOrigin.MODEL:
        return {**row, **origin}
    cells = final_cells(final)
    flags = " ".join(dict.fromkeys(part.partition("=")[0].strip() for part in cells["flags"].split(";")))
    facts = {name: text for name, text in final.readings[0].acquisition.items() if text}
    figures = {name: cells[name] for name in row if name in COLUMNS and name != "case"}
    known = {name: text for name, text in facts.items() if name in row}
    settled = {"status": str(Status.MEASURED), "reason": "", "reason_text": "", "flags": flags}
    return {**row, **figures, **known, **{name: settled[name] for name in settled if name in row}, **origin}


def final_cells(final: FinalValue) -> dict[str, str]:
    """Return the row of measurements that is final for a scan that was read."""
    if len(final.readings) == 2:
        return average_cells(final.readings[0], final.readings[1])
    return {name: final.readings[0].cells.get(name, "") for name in COLUMNS}


def decision_row(row: Mapping[str, str], final: FinalValue, plan: Readings) -> dict[str, Any]:
    """Say how the final value of the plan's measure came about."""
    model = parameter_value(row, plan.measure) if row["status"] == Status.MEASURED else None
    value = parameter_value(final_cells(final), plan.measure) if final.readings else model
    compared = final.compared
    first, second = (compared.first, compared.second) if compared else (None, None)
    return {
        "subject": row["subject"],
        "scan_id": final.scan_id,
        "measure": plan.measure,
        "unit": unit_of(plan.measure),
        "value": value,
        ORIGIN: str(final.origin) if final.readings or model is not None else "",
        READERS: _SEPARATOR.join(reading.reader for reading in final.readings),
        READING_IDS: _SEPARATOR.join(reading.reading_id for reading in final.readings),
        "model_value": model,
        "reader_1": first.reader if first else "",
        "value_1": compared.values[0] if compared else None,
        "reader_2": second.reader if second else "",
        "value_2": compared.values[1] if compared else None,
        "difference": compared.difference if compared else None,
        "largest_difference": plan.largest_difference,
        "agree": ("Y" if compared.agree else "N") if compared else "",
        "adjudicator": final.adjudicator.reader if final.adjudicator else "",
        "adjudicator_value": final.adjudicator.value(plan.measure) if final.adjudicator else None,
        "why": final.why,
    }


def _refuse_columns(path: Path, header: Sequence[str]) -> None:
    arms = [name for name in header if name.upper() in ARM_NAMES]
    if arms:
        raise TableError(
            "readings and final values are made without the treatment arm",
            case=str(path),
            found=f"column {', '.join(arms)}",
            remedy="Remove the column; analyze takes the arms from their own table",
        )
    there = [name for name in FINAL_COLUMNS if name in header]
    if there:
        raise TableError(
            "this table holds final values already",
            case=str(path),
            found=f"column {', '.join(there)}",
            remedy="Start from the trial's own scans.csv, which holds the model's values",
        )
