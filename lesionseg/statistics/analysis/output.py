"""What an analysis writes: one complete JSON, tidy tables for every other program, and their dictionary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lesionseg.core.tables import write_csv, write_json
from lesionseg.statistics.analysis.dictionary import ADVERSE_EVENTS, ESTIMATES, RESPONDERS, dictionary_rows
from lesionseg.statistics.analysis.results import TrialAnalysis, event_as_dict

if TYPE_CHECKING:
    import pandas as pd

ANALYSIS_FILE = "analysis.json"
ESTIMATES_FILE = "estimates.csv"
SUBJECTS_FILE = "adsl.csv"
TRIAL_FILES = ("adtrial.csv", "adtrial.parquet")
RESPONDERS_FILE = "responders.csv"
EVENTS_FILE = "adverse_events_by_arm.csv"
DICTIONARY_FILE = "data_dictionary.csv"
ANALYSIS_FILES = (
    ANALYSIS_FILE, ESTIMATES_FILE, SUBJECTS_FILE, *TRIAL_FILES, RESPONDERS_FILE, EVENTS_FILE, DICTIONARY_FILE,
)  # fmt: skip
"""All that the folder of an analysis may hold."""


def write_analysis(analysis: TrialAnalysis, folder: Path) -> None:
    """Write all files into an existing folder; the same analysis gives the same bytes.

    Tables without rows have their header only.
    """
    write_json(folder / ANALYSIS_FILE, analysis.as_dict())
    _write_rows(folder / ESTIMATES_FILE, [row.as_dict() for row in analysis.estimates], list(ESTIMATES))
    _write_rows(folder / RESPONDERS_FILE, [row.as_dict() for row in analysis.responders], list(RESPONDERS))
    events = [event_as_dict(row) for row in analysis.adverse_events or ()]
    _write_rows(folder / EVENTS_FILE, events, list(ADVERSE_EVENTS))
    _write_frame(folder / SUBJECTS_FILE, analysis.adsl)
    _write_frame(folder / TRIAL_FILES[0], analysis.adtrial)
    analysis.adtrial.to_parquet(folder / TRIAL_FILES[1], index=False)
    write_csv(folder / DICTIONARY_FILE, dictionary_rows(analysis))


def _write_rows(path: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    if rows:
        write_csv(path, [_cells(row) for row in rows])
    else:
        path.write_text(",".join(columns) + "\n", encoding="utf-8", newline="\n")


def _cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row with text for lists, Y and N for true and false."""
    return {name: _cell(value) for name, value in row.items()}


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "Y" if value else "N"
    return "; ".join(value) if isinstance(value, list) else value


def _write_frame(path: Path, table: pd.DataFrame) -> None:
    table.to_csv(path, index=False, lineterminator="\n", date_format="%Y-%m-%d", encoding="utf-8")
