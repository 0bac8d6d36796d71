"""What a trial report is made from: the folders of `change` and `analyze`, and the list of scans."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lesionseg.core.errors import InputNotFoundError, PlanError, UnreadableFileError
from lesionseg.core.plan import read_plan
from lesionseg.core.provenance import sha256_of_file
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
class SourceFile:
    """Name and hash of a file that a report was made from."""

    name: str
    sha256: str


@dataclass(frozen=True)
class ReportInput:
    """Everything a report may show.

    Attributes
    ----------
    analysis : mapping or None
        ``analysis.json``; None keeps the report blinded.
    plan : mapping
        Of the analysis; while blinded what was read from a plan, without arms, or nothing.
    figures : sequence of row
        ADaM-like, one per subject, parameter and visit; with the column TRT01P only beside an analysis.
    subjects : sequence of row
        ``adsl.csv``: population flags; empty without an analysis.
    pairing, checks, scans : sequence of row
        Scans and the visits they count for; pairs compared; scans and how measuring them went. May be empty.
    change_manifest : mapping
        Empty where there is none.
    files : tuple of SourceFile
        What was read.
    """

    analysis: Mapping[str, Any] | None
    plan: Mapping[str, Any]
    figures: Sequence[Row]
    subjects: Sequence[Row] = ()
    pairing: Sequence[Row] = ()
    checks: Sequence[Row] = ()
    scans: Sequence[Row] = ()
    change_manifest: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[SourceFile, ...] = ()


def read_report_input(
    analysis: Path | None, changes: Path | None, *, scans: Path | None = None, plan: Path | None = None
) -> ReportInput:
    """Read the folders; without `analysis` nothing that holds a patient's arm is opened.

    Raises
    ------
    InputNotFoundError
        If neither folder is given, or a folder lacks the table it is named for.
    TableError, UnreadableFileError
        If a file in it is damaged.
    PlanError
        If the plan is faulty, or is not the one that the changes were made by.
    """
    if analysis is None and changes is None:
        raise InputNotFoundError(
            "there is nothing to report on",
            remedy="Give the folder of `lesionseg analyze` or of `lesionseg change`",
        )
    given = _given(analysis, changes, scans)
    found = None if analysis is None else _json(analysis / ANALYSIS)
    manifest = {} if changes is None else _optional_json(changes / CHANGE_MANIFEST)
    return ReportInput(
        analysis=found,
        plan=_blinded_plan(plan, manifest) if found is None else found["plan"],
        figures=_figures(analysis, changes),
        subjects=() if analysis is None else _optional(analysis / SUBJECT_TABLE, ("USUBJID",)),
        pairing=() if changes is None else _optional(changes / "pairing.csv", _PAIRING),
        checks=() if changes is None else _optional(changes / "comparability.csv", _CHECKS),
        scans=() if scans is None else _scans(scans),
        change_manifest=manifest,
        files=tuple(SourceFile(path.name, sha256_of_file(path)) for path in given if path.is_file()),
    )


def text(row: Row, name: str) -> str:
    """Return a cell as text; an empty or absent one as the empty text."""
    value = row.get(name)
    return "" if value is None else str(value)


def figure(row: Row, name: str) -> float | None:
    """Return a cell's number; None where it has none."""
    value = row.get(name)
    return float(value) if isinstance(value, float | int) else None


def _given(analysis: Path | None, changes: Path | None, scans: Path | None) -> list[Path]:
    """Return the files that are read, whether or not they are there."""
    of_analysis = (ANALYSIS, TRIAL_TABLE, SUBJECT_TABLE)
    of_changes = (*(() if analysis else (LESION_TABLE,)), "pairing.csv", "comparability.csv", CHANGE_MANIFEST)
    found = [] if analysis is None else [analysis / name for name in of_analysis]
    found += [] if changes is None else [changes / name for name in of_changes]
    return found if scans is None else [*found, scans]


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


def _blinded_plan(path: Path | None, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return endpoints and schedule of a plan, without its arms and its title, which may name them."""
    recorded = str((manifest.get("plan") or {}).get("sha256") or "")
    if path is None:
        return {"sha256": recorded}
    plan = read_plan(path)
    if recorded and plan.sha256 != recorded:
        raise PlanError(
            "the changes were made by another plan",
            case=str(path),
            expected=f"SHA-256 {recorded}",
            found=plan.sha256,
            remedy="Give that plan, or make the changes anew",
        )
    kept = ("schedule", "endpoints", "responders", "sha256")
    return {key: part for key, part in plan.as_dict().items() if key in kept}


def _optional_json(path: Path) -> Mapping[str, Any]:
    return _json(path) if path.is_file() else {}


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
