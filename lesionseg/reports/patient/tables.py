"""What the change tables say about one subject; columns not named here, an arm among them, are never read."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lesionseg.core.errors import InputError, InputNotFoundError, UnreadableFileError

ADLESION, COMPARABILITY, PAIRING = "adlesion.csv", "comparability.csv", "pairing.csv"
_ADLESION = (
    "PARAMCD", "PARAM", "AVISIT", "AVISITN", "ADT", "ADY", "SCANID", "AVAL", "AVALLO", "AVALHI", "CHG",
    "PCHG", "ABLFL", "REASCD", "REAS",
)  # fmt: skip
_COMPARABILITY = ("visit", "check", "flag", "severity", "sentence")
_PAIRING = ("scan_id", "study_date", "day", "visit", "chosen", "reason", "reason_text")
Row = Mapping[str, str]


@dataclass(frozen=True)
class Visit:
    """A visit of the schedule, attended or not.

    Attributes
    ----------
    name : str
    planned_day : float
        From day zero.
    scan_id : str
        Scan whose figures stand for it; empty where there is none.
    date : str
        ISO date of that scan, or empty.
    day : float or None
        On which it was taken, from day zero.
    """

    name: str
    planned_day: float
    scan_id: str
    date: str
    day: float | None


@dataclass(frozen=True)
class PatientTables:
    """All rows of one subject.

    Attributes
    ----------
    subject : str
    visits : tuple of Visit
        By planned day.
    values : mapping of (parameter code, visit name) to row of ``adlesion.csv``
    comparisons, scans : tuple of row
        Of ``comparability.csv`` and ``pairing.csv``.
    """

    subject: str
    visits: tuple[Visit, ...]
    values: Mapping[tuple[str, str], Row]
    comparisons: tuple[Row, ...]
    scans: tuple[Row, ...]

    def number(self, parameter: str, visit: str, column: str) -> float | None:
        """Figure of a parameter at a visit; None where it is missing."""
        return number_in(self.values.get((parameter, visit), {}), column)


def read_patient(changes: Path, subject: str) -> PatientTables:
    """Read what a folder of change tables says about one subject.

    Raises
    ------
    InputNotFoundError
        If a table is absent.
    UnreadableFileError
        If a table lacks a column or holds no number where one belongs.
    InputError
        If the subject is in none of them.
    """
    rows = _rows(changes / ADLESION, "USUBJID", subject, _ADLESION)
    scans = _rows(changes / PAIRING, "subject", subject, _PAIRING)
    if not rows and not scans:
        raise InputError(
            "the change tables do not know this subject",
            case=subject,
            expected=f"a subject of {changes / ADLESION}",
            remedy="Check the spelling, or run lesionseg change again",
        )
    chosen = {row["visit"]: row["scan_id"] for row in scans if row["chosen"] == "Y"}
    return PatientTables(
        subject=subject,
        visits=_visits(rows, chosen),
        values={(row["PARAMCD"], row["AVISIT"]): row for row in rows},
        comparisons=tuple(_rows(changes / COMPARABILITY, "subject", subject, _COMPARABILITY)),
        scans=tuple(scans),
    )


def number_in(row: Row, column: str) -> float | None:
    """Read a cell's number; None where it is empty."""
    text = row.get(column, "")
    return float(text) if text else None


def _visits(rows: list[Row], chosen: Mapping[str, str]) -> tuple[Visit, ...]:
    first = {row["AVISIT"]: row for row in reversed(rows)}
    visits = [
        Visit(name, number_in(row, "AVISITN") or 0.0, chosen.get(name, ""), row["ADT"], number_in(row, "ADY"))
        for name, row in first.items()
    ]
    return tuple(sorted(visits, key=lambda visit: visit.planned_day))


def _rows(path: Path, key: str, subject: str, columns: tuple[str, ...]) -> list[Row]:
    """Rows of one subject, the named columns only."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            _refuse_missing(path, (key, *columns), tuple(reader.fieldnames or ()))
            found = [{name: row[name] or "" for name in columns} for row in reader if row[key] == subject]
    except FileNotFoundError as error:
        raise InputNotFoundError(
            "the folder of changes is incomplete",
            case=str(path.parent),
            expected=path.name,
            remedy="Name a folder that lesionseg change wrote",
        ) from error
    for row in found:
        _refuse_words(path, row)
    return list(found)


def _refuse_missing(path: Path, wanted: tuple[str, ...], present: tuple[str, ...]) -> None:
    absent = [name for name in wanted if name not in present]
    if absent:
        raise UnreadableFileError(
            "the table lacks columns",
            case=str(path),
            expected=", ".join(absent),
            found=", ".join(present),
            remedy="Use the table as lesionseg change writes it",
        )


def _refuse_words(path: Path, row: Row) -> None:
    for column in ("AVISITN", "ADY", "AVAL", "AVALLO", "AVALHI", "CHG", "PCHG"):
        try:
            number_in(row, column)
        except ValueError as error:
            raise UnreadableFileError(
                "the table holds words where a number belongs",
                case=f"{path}, {row.get('PARAMCD', '')} at {row.get('AVISIT', '')}",
                expected=f"a number with a decimal point in {column}",
                found=row[column],
            ) from error
