"""How the patient page writes values, changes and what stands against comparing them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lesionseg.reports.case.words import Remark
from lesionseg.reports.patient.tables import PatientTables, Row, Visit, number_in
from lesionseg.reports.validation.words import NOTHING, Cell, amount, signed

GROUPS = (
    ("Proportions of both lungs", ("LESPCT", "SOLPCT", "NSLPCT", "DENPCT", "LESPCTA", "SOLPCTA")),
    ("Volumes", ("LUNGML", "LESML", "SOLML", "NSLML")),
    ("Each lung", ("LESPCTR", "LESPCTL", "SOLPCTR", "SOLPCTL", "NSLPCTR", "NSLPCTL")),
)
_BOXES = {"critical": "bad", "warning": "note"}
_NO_SEVERITY = "none"
_signed_amount = signed(amount)


@dataclass(frozen=True)
class ParameterLine:
    """One line of the table of changes: for each visit its value, then, but for the baseline, two changes."""

    name: str
    cells: tuple[Cell, ...]


def parameter_groups(tables: PatientTables) -> Iterator[tuple[str, list[ParameterLine]]]:
    """Yield the table of changes in its groups; parameters that the tables lack are left out."""
    for title, codes in GROUPS:
        lines = [_line(tables, code) for code in codes if _name(tables, code)]
        if lines:
            yield title, lines


def is_baseline(tables: PatientTables, visit: Visit) -> bool:
    """Say whether changes start from this visit; the first one where no value is flagged."""
    flagged = {name for (_, name), row in tables.values.items() if row["ABLFL"] == "Y"}
    return visit.name in flagged if flagged else visit == tables.visits[0]


def reasons(tables: PatientTables) -> list[tuple[str, str, str]]:
    """List why figures are missing, each once: visit, code, sentence."""
    found = [
        (visit.name, row["REASCD"], row["REAS"])
        for visit in tables.visits
        for (_, name), row in tables.values.items()
        if name == visit.name and row["REASCD"]
    ]
    return list(dict.fromkeys(found))


def warnings(tables: PatientTables) -> list[tuple[str, list[Remark]]]:
    """List what stands against comparing a visit with the baseline, visit by visit, worst first."""
    order = ("critical", "warning", "info")
    found = []
    for visit in tables.visits:
        rows = [row for row in tables.comparisons if row["visit"] == visit.name]
        flagged = sorted(
            (row for row in rows if row["severity"] != _NO_SEVERITY),
            key=lambda row: order.index(row["severity"]) if row["severity"] in order else len(order),
        )
        if rows:
            found.append((visit.name, [_remark(row) for row in flagged]))
    return found


def visit_words(visit: Visit) -> str:
    """Say when a visit's scan was taken."""
    if not visit.date and visit.day is None:
        return ""
    day = "" if visit.day is None else f"day {visit.day:.0f}".replace("-", "\N{MINUS SIGN}")
    return ", ".join(word for word in (visit.date, day) if word)


def _name(tables: PatientTables, code: str) -> str:
    return next((row["PARAM"] for (found, _), row in tables.values.items() if found == code), "")


def _line(tables: PatientTables, code: str) -> ParameterLine:
    cells: list[Cell] = []
    for visit in tables.visits:
        row = tables.values.get((code, visit.name), {})
        value, *changes = _cells(row)
        cells += [value] if is_baseline(tables, visit) else [value, *changes]
    return ParameterLine(_name(tables, code), tuple(cells))


def _cells(row: Row) -> tuple[Cell, Cell, Cell]:
    """Value with its interval, absolute and relative change; a reason stands at the first missing."""
    figures = [number_in(row, column) for column in ("AVAL", "CHG", "PCHG")]
    value, change, change_pct = (
        NOTHING if figure is None else write(figure)
        for figure, write in zip(figures, (amount, _signed_amount, _signed_amount), strict=True)
    )
    low, high = number_in(row, "AVALLO"), number_in(row, "AVALHI")
    interval = "" if low is None or high is None else f"{amount(low)} to {amount(high)}"
    first = figures.index(None) if None in figures else len(figures)
    why = [row.get("REASCD", "") if place == first else "" for place in range(len(figures))]
    return Cell(value, interval, why[0]), Cell(change, "", why[1]), Cell(change_pct, "", why[2])


def _remark(row: Row) -> Remark:
    return Remark(row["severity"], _BOXES.get(row["severity"], "info"), row["sentence"])
