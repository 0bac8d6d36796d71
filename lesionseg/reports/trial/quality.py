"""The quality listing: scans that failed or carry flags, pairs that do not compare, patients left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from lesionseg.reports.trial.codes import flag_words, parameter_words, reason_words
from lesionseg.reports.trial.input import ReportInput, Row, text
from lesionseg.reports.trial.patients import Cohort, Outcome
from lesionseg.reports.trial.table import Cell, Head, Table
from lesionseg.reports.trial.words import counted

_MEASURED = "measured"


def failed_scans(source: ReportInput) -> Table | None:
    """Return scans without figures.

    A blinded report tells the reason by its code alone: the sentence may quote a path, and a path an arm.
    """
    blinded = source.analysis is None
    rows = [
        (
            Cell(text(row, "subject")),
            Cell(text(row, "scan_id")),
            _whole(text(row, "visit_given")),
            Cell(text(row, "status").replace("-", " ")),
            Cell(reason_words(text(row, "reason")) if blinded else _why(row)),
        )
        for row in source.scans
        if text(row, "status") not in ("", _MEASURED)
    ]
    return _table(("Patient", "Scan", "Visit given", "Status", "Reason"), rows)


def flagged_scans(source: ReportInput) -> Table | None:
    """Return measured scans that carry quality flags; a patient's scans with the same ones in one row."""
    merged: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for row in source.scans:
        if text(row, "status") in ("", _MEASURED) and text(row, "flags") not in ("", "none"):
            merged[text(row, "subject"), flag_words(text(row, "flags"))].append(text(row, "scan_id"))
    rows = [
        (Cell(subject), Cell(", ".join(scans)), Cell(flags)) for (subject, flags), scans in merged.items()
    ]
    return _table(("Patient", "Scans", "Flags"), rows)


def unlike_pairs(source: ReportInput) -> Table | None:
    """Return pairs of baseline and follow-up that differ in how they were scanned."""
    rows = [
        (
            Cell(text(row, "subject")),
            _whole(text(row, "visit")),
            Cell(text(row, "severity")),
            Cell(text(row, "sentence") or flag_words(text(row, "flag"))),
        )
        for row in source.checks
        if text(row, "severity") not in ("", "none")
    ]
    return _table(("Patient", "Visit", "Severity", "How they differ"), rows)


def unpaired_scans(source: ReportInput) -> Table | None:
    """Return scans that stand for no visit."""
    blinded = source.analysis is None
    rows = [
        (
            Cell(text(row, "subject")),
            Cell(text(row, "scan_id")),
            Cell(text(row, "day").removesuffix(".0").replace("-", "\N{MINUS SIGN}")),
            _whole(text(row, "visit")),
            Cell(reason_words(text(row, "reason")) if blinded else _why(row)),
        )
        for row in source.pairing
        if text(row, "chosen") == "N"
    ]
    return _table(("Patient", "Scan", "Day", "Visit", "Why it is not used"), rows)


def excluded_patients(excluded: Sequence[Mapping[str, Any]]) -> Table | None:
    """Return the patients left out of each endpoint, those with the same reason for several in one row."""
    merged: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for one in excluded:
        why = str(one.get("reason_text") or "") or reason_words(str(one.get("reason") or ""))
        merged[str(one.get("subject")), str(one.get("arm") or ""), why].append(str(one.get("endpoint")))
    rows = [
        (Cell(subject), Cell(arm), Cell(", ".join(endpoints)), Cell(why))
        for (subject, arm, why), endpoints in sorted(merged.items())
    ]
    return _table(("Patient", "Arm", "Left out of", "Reason"), rows)


def missing_patients(cohort: Cohort, outcomes: Sequence[Outcome]) -> Table | None:
    """Return the patients without a value for an endpoint, without arms and by code alone."""
    merged: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for outcome in outcomes:
        for row in cohort.missing(outcome):
            why = reason_words(text(row, "REASCD")) or "no value"
            name = f"{parameter_words(outcome.parameter, outcome.title)} at {outcome.visit}"
            merged[text(row, "USUBJID"), why].append(name)
    rows = [
        (Cell(subject), Cell(", ".join(names)), Cell(why)) for (subject, why), names in sorted(merged.items())
    ]
    return _table(("Patient", "Without", "Reason"), rows)


def quality_sentence(source: ReportInput) -> str:
    """Count scans, failures and flags in one sentence; empty without a list of scans."""
    if not source.scans:
        return ""
    states = [text(row, "status") or _MEASURED for row in source.scans]
    flagged = sum(text(row, "flags") not in ("", "none") for row in source.scans)
    failed = sum(state != _MEASURED for state in states)
    subjects = len({text(row, "subject") for row in source.scans})
    return (
        f"Scans found: {len(states):,}, of {counted(subjects, 'patient')}. Not measured or not evaluable: "
        f"{failed:,}. Measured, with quality flags: {flagged:,}."
    )


def _whole(words: str) -> Cell:
    """Return a name that a narrow column must not break."""
    return Cell(words.replace(" ", "\N{NO-BREAK SPACE}"))


def _why(row: Row) -> str:
    return text(row, "reason_text") or reason_words(text(row, "reason"))


def _table(names: Sequence[str], rows: Sequence[tuple[Cell, ...]]) -> Table | None:
    heads = tuple(Head(name, left=True) for name in names)
    return Table(heads, tuple(rows)) if rows else None
