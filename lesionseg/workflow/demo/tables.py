"""Plan and tables of the phantom trial, as a user would write them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from lesionseg.core.tables import write_csv
from lesionseg.workflow.demo.phantoms import (
    ALLOCATION,
    ARMS,
    BASELINE,
    DAY_28,
    STUDY_DATES,
    VISITS,
    DemoPatient,
)
from lesionseg.workflow.trial.request import TrialRequest

PLAN, VISITS_CSV, SUBJECTS_CSV, ARMS_CSV = "plan.yaml", "visits.csv", "subjects.csv", "arms.csv"
DICOM, TRIAL = "dicom", "trial"
_PLAN = f"""\
# The analysis plan of the phantom trial; docs/analysis-plan.md describes every key.
trial: {{identifier: PHANTOM-01, title: A phantom trial}}
arms: {{treatment: {ARMS[0]}, control: {ARMS[1]}}}
schedule:
  - {{name: {BASELINE}, day: 0, before: 7, after: 0, baseline: true}}
  - {{name: {DAY_28}, day: 28, before: 7, after: 7}}
endpoints:
  - {{name: lesion, parameter: LESPCT, visit: {DAY_28}, change: relative, role: primary}}
  - {{name: solid, parameter: SOLPCT, visit: {DAY_28}, change: relative, role: secondary}}
responders:
  - {{name: halved, parameter: LESPCT, visit: {DAY_28}, change: relative, at_most: -50}}
covariates: [age]
strata: [severity]
"""


def write_demo_tables(folder: Path, patients: Sequence[DemoPatient]) -> TrialRequest:
    """Write plan and tables beside the DICOM folder; return the request for the trial over them."""
    (folder / PLAN).write_text(_PLAN, encoding="utf-8", newline="\n")
    write_csv(
        folder / VISITS_CSV,
        [
            {"subject": patient.patient_id, "visit": visit, "path": patient.place(visit)}
            for patient in patients
            for visit in VISITS
        ],
    )
    day_zero = datetime.strptime(STUDY_DATES[BASELINE], "%Y%m%d").date()
    write_csv(
        folder / SUBJECTS_CSV,
        [{"subject": patient.patient_id, "day_zero": day_zero.isoformat()} for patient in patients],
    )
    write_csv(folder / ARMS_CSV, [_arm_row(patient) for patient in patients])
    return TrialRequest(
        folder / DICOM,
        folder / PLAN,
        folder / TRIAL,
        visits=folder / VISITS_CSV,
        subjects=folder / SUBJECTS_CSV,
        arms=folder / ARMS_CSV,
    )


def _arm_row(patient: DemoPatient) -> dict[str, object]:
    return {
        "subject": patient.patient_id,
        "arm": ALLOCATION[patient.patient_id],
        "age": patient.age,
        "severity": patient.severity,
    }
