"""A folder of small scans of several patients and visits, and the tables of a trial over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from lesionseg.core.plan import TrialPlan
from lesionseg.dicom.write import WriterSettings
from lesionseg.workflow.trial.request import TrialRequest
from tests.support.ct_series import Series, chest_volume, write_series

SHAPE = (14, 36, 36)
SPACING_MM = (17.0, 9.5, 9.5)
DATES = {"baseline": "20200401", "day 28": "20200429"}
ARMS = {"A1": "cells", "A2": "cells", "B1": "saline", "B2": "saline"}
PAGES = ("case.page.write_case_page", "patient.page.write_patient_page", "trial.report.write_trial_report")
PLAN = """\
trial: {identifier: TINY-01, title: A tiny trial}
arms: {treatment: cells, control: saline}
schedule:
  - {name: baseline, day: 0, before: 7, after: 3, baseline: true}
  - {name: day 28, day: 28, before: 7, after: 7}
endpoints:
  - {name: lesion, parameter: LESPCT, visit: day 28, change: relative, role: primary}
"""


def header(subject: str, visit: str, **changes: object) -> WriterSettings:
    """What a scan's files say of it."""
    values = {"entropy": "trial", "patient_id": subject, "study_date": DATES[visit], **changes}
    return WriterSettings(**values)  # type: ignore[arg-type]


def write_scan(root: Path, subject: str, visit: str, **changes: object) -> Series:
    """Write one scan of a subject into ``root/subject/visit``."""
    settings = header(subject, visit, **changes)
    seed = sum(map(ord, subject + visit))
    volume = chest_volume(SHAPE, SPACING_MM, seed=seed)
    return write_series(root / subject / visit.replace(" ", "-"), volume, settings)


def write_trial(root: Path, subjects: Sequence[str] = tuple(ARMS)) -> dict[tuple[str, str], Series]:
    """Write both visits of every subject."""
    return {(subject, visit): write_scan(root, subject, visit) for subject in subjects for visit in DATES}


def write_plan(path: Path, text: str = PLAN) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def tiny_plan() -> TrialPlan:
    import yaml

    return TrialPlan.model_validate(yaml.safe_load(PLAN))


def write_table(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """Write rows whose keys may differ; what a row lacks is an empty cell."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [",".join(columns), *(",".join(str(row.get(name, "")) for name in columns) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def visit_rows(subjects: Sequence[str] = tuple(ARMS)) -> list[dict[str, object]]:
    """Every scan by its path."""
    return [
        {"subject": subject, "visit": visit, "path": f"{subject}/{visit.replace(' ', '-')}"}
        for subject in subjects
        for visit in DATES
    ]


def good_request(dicom: Path, folder: Path) -> TrialRequest:
    """A trial with arms; nothing is wrong with it."""
    arms = [{"subject": subject, "arm": arm, "age": 40} for subject, arm in ARMS.items()]
    (folder / "in").mkdir()
    return TrialRequest(
        dicom,
        write_plan(folder / "in" / "plan.yaml"),
        folder / "out",
        visits=write_table(folder / "in" / "visits.csv", visit_rows()),
        arms=write_table(folder / "in" / "arms.csv", arms),
    )


def write_quick_page(*arguments: object, **_: object) -> None:
    path = [part for part in arguments if isinstance(part, Path)][-1]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("<p>page</p>")


def hurry(patch: pytest.MonkeyPatch) -> None:
    """Pictures and pages have tests of their own and take seconds."""

    def draw(*parts: object, **_: object) -> None:
        next(part for part in parts if isinstance(part, Path)).write_bytes(b"picture")

    patch.setattr("lesionseg.reports.overview.draw_overview", draw)
    patch.setattr("lesionseg.reports.pdf.write_pdf", lambda html, path: path.write_bytes(b"%PDF"))
    for name in PAGES:
        patch.setattr(f"lesionseg.reports.{name}", write_quick_page)
