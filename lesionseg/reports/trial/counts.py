"""What is counted: responders, adverse events; and how robust a conclusion is to what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lesionseg.reports.trial.codes import parameter_words
from lesionseg.reports.trial.headline import Arms, Rules
from lesionseg.reports.trial.table import Cell, Head, Table
from lesionseg.reports.trial.words import (
    NOTHING,
    as_sentence,
    digits_for,
    fixed,
    interval,
    p_cell,
    plain,
    signed_fixed,
)

_MISSING_WORDS = {
    "left-out": "missing values left out",
    "non-responder": "missing values count as no response",
}
Row = Mapping[str, Any]


def responder_table(rows: Sequence[Row], arms: Arms, rules: Rules) -> Table | None:
    """Return responders by arm under every rule for missing values."""
    if not rows:
        return None
    heads = _heads("Responder", "Missing", arms, rules)
    body = tuple(
        (
            Cell(str(row["responder"]), _bound(row)),
            Cell(_MISSING_WORDS.get(str(row["missing"]), str(row["missing"]))),
            _share(row, "yes_treatment", "n_treatment", "pct_treatment"),
            _share(row, "yes_control", "n_control", "pct_control"),
            _risk_difference(row),
            Cell(p_cell(row.get("p_value"), rules.alpha)),
        )
        for row in rows
    )
    return Table(heads, body)


def event_table(rows: Sequence[Row], arms: Arms, rules: Rules) -> Table | None:
    """Return subjects with each adverse event by arm, repeated events in brackets."""
    if not rows:
        return None
    heads = _heads("Event", "", arms, rules)
    body = tuple(
        (
            Cell(str(row["term"]).capitalize() if row["term"] == "any event" else str(row["term"])),
            _share(row, "subjects_treatment", "n_treatment", "pct_treatment", _events(row, "treatment")),
            _share(row, "subjects_control", "n_control", "pct_control", _events(row, "control")),
            _risk_difference(row),
            Cell(p_cell(row.get("p_value"), rules.alpha)),
        )
        for row in rows
    )
    note = "Patients with the event at least once; beneath, all events. P is not adjusted for several terms."
    return Table(heads, body, note=note)


def tipping_words(rows: Sequence[Row], arms: Arms) -> list[str]:
    """Say for each endpoint how much worse the missing values would have to be."""
    return [_tipping(row, arms) for row in rows]


def _tipping(row: Row, arms: Arms) -> str:
    shift, unit = row.get("shift"), _points(row.get("unit"))
    notes = [as_sentence(str(note)) for note in row.get("notes") or ()]
    if shift is None:
        sentence = f"no shift tried of the missing values under {arms.treatment} changes the conclusion"
    else:
        amount = f"{signed_fixed(float(shift), digits_for([float(shift)]))} {unit}".strip()
        sentence = (
            f"the conclusion changes once missing values under {arms.treatment} are shifted by {amount} from "
            "what was imputed"
        )
    return " ".join([f"{row['endpoint']}: {sentence}.", *notes])


def _heads(first: str, second: str, arms: Arms, rules: Rules) -> tuple[Head, ...]:
    words = (Head(first, left=True), *((Head(second, left=True),) if second else ()))
    return (
        *words,
        Head(arms.treatment),
        Head(arms.control),
        Head(f"Risk difference ({rules.level})"),
        Head("P (Fisher)"),
    )


def _bound(row: Row) -> str:
    name = parameter_words(str(row.get("parameter") or ""), str(row.get("parameter_name") or ""))
    bound = row.get("at_most") if row.get("at_most") is not None else row.get("at_least")
    side = "at most" if row.get("at_most") is not None else "at least"
    unit = "%" if row.get("change") == "relative" else ""
    written = NOTHING if bound is None else f"{plain(float(bound))} {unit}".strip()
    return (
        f"{name}, {row.get('change')} change at {row.get('visit')} {side} {written}; {row.get('population')}"
    )


def _share(row: Row, yes: str, of: str, percent: str, detail: str = "") -> Cell:
    share = row.get(percent)
    words = f"{row[yes]:,} of {row[of]:,}"
    return Cell(words if share is None else f"{words} ({fixed(share, 1)} %)", detail)


def _events(row: Row, arm: str) -> str:
    count = row.get(f"events_{arm}")
    return "" if count is None else f"{count:,} event{'' if count == 1 else 's'}"


def _risk_difference(row: Row) -> Cell:
    effect, low, high = (row.get(name) for name in ("effect", "low", "high"))
    if effect is None:
        return Cell(NOTHING)
    return Cell(f"{signed_fixed(effect, 1)} points", interval(low, high, 1))


def _points(unit: object) -> str:
    return "percentage points" if unit == "%" else str(unit or "")
