"""Small tables of scans and plans for tests."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from lesionseg.core.plan import VisitWindow

DAY_ZERO = date(2020, 4, 1)
SCHEDULE = (
    VisitWindow(name="baseline", day=0, before=7, after=0, baseline=True),
    VisitWindow(name="day 10", day=10, before=3, after=3),
    VisitWindow(name="day 28", day=28, before=7, after=7),
    VisitWindow(name="day 90", day=90, before=14, after=14),
)
PLAN = """
trial: {identifier: PHANTOM-01}
arms: {treatment: cells, control: placebo}
endpoints:
  - {name: lesion, parameter: LESPCT, visit: day 28, role: primary}
"""
_FACTS = {
    "reason": "",
    "reason_text": "",
    "slice_spacing_mm": 1.25,
    "kernel": "B30f",
    "contrast": "N",
    "manufacturer": "Acme",
    "model": "One",
    "flags": "",
}


def on(day: int) -> date:
    """Date of a day of the trial."""
    return DAY_ZERO + timedelta(days=day)


def scan_row(subject: str, scan_id: str, day: int | None, **cells: object) -> dict[str, Any]:
    """One row of scans.csv; by default 5,000 ml of lung, 1,000 ml of lesion, 200 ml of it solid."""
    row: dict[str, Any] = {
        "subject": subject,
        "scan_id": scan_id,
        "study_date": "" if day is None else on(day).isoformat(),
        "visit_given": "",
        "status": "measured",
        **_FACTS,
    }
    if cells.get("status", "measured") != "measured":
        return {**row, **figures(), **dict.fromkeys(figures(), ""), **cells}
    amounts = {name: cells.pop(name) for name in ("lung_ml", "lesion_ml", "solid_ml") if name in cells}
    return {**row, **figures(**amounts), **cells}


def figures(lung_ml: float = 5000.0, lesion_ml: float = 1000.0, solid_ml: float = 200.0) -> dict[str, Any]:
    """Measurements of lungs of which each holds one half."""
    lesion_pct, solid_pct = 100 * lesion_ml / lung_ml, 100 * solid_ml / lung_ml
    row: dict[str, Any] = {}
    for region, share in (("", 1.0), ("right_", 0.5), ("left_", 0.5)):
        row |= {
            f"{region}lung_ml": share * lung_ml,
            f"{region}lesion_ml": share * lesion_ml,
            f"{region}non_solid_ml": share * (lesion_ml - solid_ml),
            f"{region}solid_ml": share * solid_ml,
            f"{region}lesion_proportion_pct": lesion_pct,
            f"{region}solid_proportion_pct": solid_pct,
        }
    return {
        **row,
        "lung_mean_hu": -700.0,
        "lesion_mean_hu": -300.0 if lesion_ml else "",
        "dense_lesion_proportion_pct": solid_pct,
        "lesion_proportion_low_pct": max(0.0, lesion_pct - 1),
        "lesion_proportion_high_pct": lesion_pct + 1,
        "solid_proportion_low_pct": max(0.0, solid_pct - 1),
        "solid_proportion_high_pct": solid_pct + 1,
        "missing": "" if lesion_ml else "lesion_mean_hu=no-lesion",
    }


def write_table(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """Write rows as CSV; all have the columns of the first."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_plan(path: Path) -> Path:
    path.write_text(PLAN, encoding="utf-8")
    return path


def write_subjects(path: Path, *subjects: str, birth_date: str = "") -> Path:
    rows = [
        {"subject": name, "day_zero": DAY_ZERO.isoformat(), "birth_date": birth_date} for name in subjects
    ]
    return write_table(path, rows)


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
