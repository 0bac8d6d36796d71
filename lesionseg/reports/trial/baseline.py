"""The baseline table: who the arms are. Without P values, since randomised arms differ by chance alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lesionseg.reports.trial.codes import parameter_words
from lesionseg.reports.trial.headline import Arms
from lesionseg.reports.trial.table import Cell, Head, Table
from lesionseg.reports.trial.words import NOTHING, counted, digits_for, fixed

_COLUMNS = ("treatment", "control", "all")


def baseline_table(analysis: Mapping[str, Any], arms: Arms) -> Table | None:
    """Return covariates, strata and first measurements of all randomised, arm by arm."""
    rows = analysis.get("baseline_table") or ()
    if not rows:
        return None
    of = analysis["flow"]["arms"]
    treated, control = (int(of[name]["randomised"]) for name in ("treatment", "control"))
    heads = (
        Head("", left=True),
        Head(f"{arms.treatment} (n = {treated:,})"),
        Head(f"{arms.control} (n = {control:,})"),
        Head(f"All (n = {treated + control:,})"),
    )
    body = tuple(
        (Cell(_label(row)), *(_cell(row[name], str(row["kind"])) for name in _COLUMNS)) for row in rows
    )
    note = "Numbers: median (first to third quartile). Categories: patients (%)."
    return Table(heads, body, note=note)


def _label(row: Mapping[str, Any]) -> str:
    if row.get("parameter"):
        name, _, visit = str(row["variable"]).rpartition(" at ")
        return f"{parameter_words(str(row['parameter']), name)} at {visit}"
    variable = str(row["variable"]).replace("_", " ")
    return f"{variable}: {row['level']}" if row.get("level") else variable


def _cell(found: Mapping[str, Any], kind: str) -> Cell:
    if kind == "category":
        share = "" if found["pct"] is None else f" ({fixed(found['pct'], 1)} %)"
        return Cell(f"{found['count']:,}{share}")
    median, first, third = (found[name] for name in ("median", "q1", "q3"))
    if median is None or first is None or third is None:
        return Cell(NOTHING)
    digits = digits_for([median])
    missing = int(found.get("missing") or 0)
    return Cell(
        f"{fixed(median, digits)} ({fixed(first, digits)} to {fixed(third, digits)})",
        f"{counted(missing, 'value')} missing" if missing else "",
    )
