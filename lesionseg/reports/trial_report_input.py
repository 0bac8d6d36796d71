"""What a trial report is made from: the folders of `change` and `analyze`, and the list of scans."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lesionseg.core.errors import InputNotFoundError, UnreadableFileError
from lesionseg.core.table_cells import Cell
from lesionseg.core.table_input import Column, read_table

ANALYSIS, CHANGE_MANIFEST = "analysis.json", "change_manifest.json"
LESION_TABLE, TRIAL_TABLE, SUBJECT_TABLE = "adlesion.csv", "adtrial.csv", "adsl.csv"
Row = Mapping[str, Cell]

_NUMBERS = ("AVISITN", "ADY", "AVAL", "BASE", "CHG", "PCHG")
_FIGURES = (
    *(Column(name, filled=True) for name in ("STUDYID", "USUBJID", "PARAMCD", "AVISIT")),
    *(Column(name, required=False) for name in ("PARAM", "TRT01P", "ABLFL", "REASCD", "REAS", "QFLAGS")),
    *(Column(name, "number", required=name != "AVISITN") for name in _NUMBERS),
)
_SCANS = ("subject", "scan_id", "visit_given", "status", "reason", "reason_text", "flags")
_PAIRING = ("subject", "scan_id", "study_date", "day", "visit", "chosen", "reason", "reason_text")
_CHECKS = ("subject", "visit", "check", "flag", "severity", "sentence")


@dataclass(frozen=True)
class ReportInput:
    """Everything a report may show.

    Attributes
    ----------
    analysis : mapping or None
        ``analysis.json``; None keeps the report blinded.
    figures : sequence of row
        ADaM-like, one per subject, parameter and visit; with the column TRT01P only beside an analysis.
    subjects : sequence of row
        ``adsl.csv``: population flags; empty without an analysis.
    pairing, checks, scans : sequence of row
        Scans and the visits they count for; pairs compared; scans and how measuring them went. May be empty.
    change_manifest : mapping
        Empty where there is none.
    """

    analysis: Mapping[str, Any] | None
    figures: Sequence[Row]
    subjects: Sequence[Row] = ()
    pairing: Sequence[Row] = ()
    checks: Sequence[Row] = ()
    scans: Sequence[Row] = ()
    change_manifest: Mapping[str, Any] | None = None


def read_report_input(analysis: Path | None, changes: Path | None, scans: Path | None = None) -> ReportInput:
    """Read the folders; without `analysis` nothing that holds an arm is opened.

    Raises
    ------
    InputNotFoundError
        If neither folder is given, or a folder lacks the table it is named for.
    TableError, UnreadableFileError
        If a file in it is damaged.
    """
    if analysis is None and changes is None:
        raise InputNotFoundError(
            "there is nothing to report on",
            remedy="Give the folder of `lesionseg analyze` or of `lesionseg change`",
        )
    return ReportInput(
        analysis=None if analysis is None else _json(analysis / ANALYSIS),
        figures=_figures(analysis, changes),
        subjects=() if analysis is None else _optional(analysis / SUBJECT_TABLE, ("USUBJID",)),
        pairing=() if changes is None else _optional(changes / "pairing.csv", _PAIRING),
        checks=() if changes is None else _optional(changes / "comparability.csv", _CHECKS),
        scans=() if scans is None else _scans(scans),
        change_manifest=None if changes is None else _optional_json(changes / CHANGE_MANIFEST),
    )


def text(row: Row, name: str) -> str:
    """Return a cell as text; an empty or absent one as the empty text."""
    value = row.get(name)
    return "" if value is None else str(value)


def figure(row: Row, name: str) -> float | None:
    """Return a cell's number; None where it has none."""
    value = row.get(name)
    return float(value) if isinstance(value, float | int) else None


def _figures(analysis: Path | None, changes: Path | None) -> Sequence[Row]:
    if analysis is not None:
        return read_table(analysis / TRIAL_TABLE, _FIGURES, extra=True).rows
    table = (changes or Path()) / LESION_TABLE
    rows = read_table(table, _FIGURES, extra=True, may_be_empty=True).rows
    # a table with arms has no place in a folder of changes; the blinded report must not be the one to show it
    return [{name: cell for name, cell in row.items() if name != "TRT01P"} for row in rows]


def _scans(path: Path) -> Sequence[Row]:
    if not path.is_file():
        raise InputNotFoundError("there is no such list of scans", case=str(path), remedy="Correct the path")
    return _optional(path, _SCANS)


def _optional(path: Path, names: Sequence[str]) -> Sequence[Row]:
    if not path.is_file():
        return ()
    columns = [Column(name, required=name in ("subject", "USUBJID")) for name in names]
    return read_table(path, columns, extra=True, may_be_empty=True).rows


def _optional_json(path: Path) -> Mapping[str, Any] | None:
    return _json(path) if path.is_file() else None


def _json(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise InputNotFoundError(
            "the folder holds no such file", case=str(path), remedy="Name the folder that lesionseg wrote"
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnreadableFileError(
            "the file is damaged", case=str(path), found=str(error), remedy="Write it anew"
        ) from error
    if not isinstance(content, dict):
        raise UnreadableFileError(
            "the file is damaged", case=str(path), expected="a JSON object", found=type(content).__name__
        )
    return content
