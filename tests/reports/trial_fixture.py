"""A simulated trial, 65 treated and 35 control patients unless asked otherwise, as its files lie on disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lesionseg.core.plan import read_plan
from lesionseg.longitudinal import ChangeRequest, make_changes
from lesionseg.statistics import analyze_trial, read_trial_tables, write_analysis
from tests.longitudinal.builders import scan_row, write_table

PLAN = """\
trial: {identifier: PHANTOM-01, title: A phantom trial}
arms: {treatment: cells, control: placebo}
populations:
  - {name: ITT}
  - {name: mITT, flag: mittfl}
endpoints:
  - {name: lesion, parameter: LESPCT, visit: day 28, role: primary}
  - {name: solid, parameter: SOLPCT, visit: day 28}
  - {name: lesion late, parameter: LESPCT, visit: day 90, change: absolute, population: mITT}
  - {name: walk, parameter: SIXMWT, visit: day 28, change: absolute, better: higher}
responders: [{name: halved, parameter: LESPCT, visit: day 28, change: relative, at_most: -50}]
covariates: [age]
strata: [severity]
missing: {sensitivity: [SENSITIVITY], imputations: 10}
"""
EVERY_RULE = "worst-case, tipping-point, multiple-imputation"
VISITS = (("baseline", 0), ("day 10", 10), ("day 28", 28), ("day 90", 90))
FAILED, NO_SOLID, UNSCANNED = 4, 5, 6
"""Patients whose day 28 failed, who had no solid part at baseline, who were never scanned."""
EVENTS = (("Fever", 0.2), ("Headache", 0.08), ("Raised liver enzymes", 0.05), ("Cough <dry> & fatigue", 0.1))


@dataclass(frozen=True)
class TrialOnDisk:
    """Folder as `trial` writes it, with the tables that it was made from."""

    root: Path

    @property
    def changes(self) -> Path:
        return self.root / "visits"

    @property
    def analysis(self) -> Path:
        return self.root / "analysis"

    @property
    def scans(self) -> Path:
        return self.root / "scans.csv"


@dataclass(frozen=True)
class Patient:
    """One simulated patient; (whole lesion, solid) in % of the lung by visit, None where there is no scan."""

    name: str
    arm: str
    proportions: tuple[tuple[float, float] | None, ...]
    days: tuple[int, ...]
    age: int
    severity: str
    walk: tuple[float, float | None]


def write_trial(root: Path, treated: int = 65, control: int = 35, *, rules: str = EVERY_RULE) -> TrialOnDisk:
    """Write the tables of a trial, its changes and its analysis, each by its own engine."""
    trial = TrialOnDisk(root)
    found = patients(treated, control)
    root.mkdir(parents=True, exist_ok=True)
    (root / "plan.yaml").write_text(PLAN.replace("SENSITIVITY", rules))
    write_table(trial.scans, list(_scans(found)))
    make_changes(ChangeRequest(trial.scans, root / "plan.yaml", trial.changes))
    _write_arm_tables(root, found)
    write_trial_analysis(trial)
    return trial


def write_trial_analysis(trial: TrialOnDisk) -> None:
    """Analyse what lies in the folder."""
    plan, root = read_plan(trial.root / "plan.yaml"), trial.root
    tables = read_trial_tables(
        trial.changes, root / "arms.csv", plan,
        endpoints=root / "endpoints.csv", adverse_events=root / "adverse_events.csv",
    )  # fmt: skip
    trial.analysis.mkdir()
    write_analysis(analyze_trial(tables, plan), trial.analysis)


def patients(treated: int, control: int, seed: int = 20201) -> list[Patient]:
    """Simulate patients whose lesions shrink, by 15 % of the baseline more under cells."""
    rng = np.random.default_rng(seed)
    arms = np.array(["cells"] * treated + ["placebo"] * control)
    rng.shuffle(arms)
    return [_patient(index, str(arm), rng) for index, arm in enumerate(arms)]


def _patient(index: int, arm: str, rng: np.random.Generator) -> Patient:
    days = [-int(rng.integers(0, 5)), *(day + int(rng.integers(-3, 4)) for _, day in VISITS[1:])]
    walk = float(rng.normal(380, 80))
    later = walk + float(rng.normal(25 if arm == "cells" else 10, 40))
    return Patient(
        name=f"P{index + 1:03d}",
        arm=arm,
        proportions=tuple(_course(index, arm, rng)),
        days=tuple(days),
        age=int(rng.integers(24, 84)),
        severity="severe" if rng.random() < 0.4 else "moderate",
        walk=(walk, None if rng.random() < 0.1 else later),
    )


def _course(index: int, arm: str, rng: np.random.Generator) -> Iterator[tuple[float, float] | None]:
    lesion = float(np.clip(rng.gamma(2.2, 9.0), 0.3, 75))
    solid = 0.0 if index == NO_SOLID else lesion * float(rng.beta(2, 6))
    extra = (0, 0.08, 0.15, 0.15) if arm == "cells" else (0, 0, 0, 0)
    for kept, more, lost in zip((1, 0.85, 0.62, 0.4), extra, (0, 0.04, 0.07, 0.15), strict=True):
        spread = 0.3 if kept < 1 else 0.0
        whole = min(lesion * max(kept - more, 0.02) * float(np.exp(rng.normal(0, spread))), 95.0)
        part = min(solid * max(kept - more, 0.02) * float(np.exp(rng.normal(0, spread))), whole)
        yield None if rng.random() < lost or index == UNSCANNED else (whole, part)


def _scans(found: Sequence[Patient]) -> Iterator[dict[str, Any]]:
    for number, patient in enumerate(found):
        for index, (visit, _) in enumerate(VISITS):
            pair, failed = patient.proportions[index], number == FAILED and visit == "day 28"
            if failed or pair is not None:
                yield _scan(patient, index, failed=failed)


def _scan(patient: Patient, index: int, *, failed: bool) -> dict[str, Any]:
    name, day = f"{patient.name}-{index}", patient.days[index]
    # the folder's name tells the arm, which no blinded page may pass on
    where = {"path": f"/data/{patient.arm}/{name}", "visit_given": VISITS[index][0]}
    if failed:
        why = f"/data/{patient.arm}/{name}: 3 slices are missing"
        told = {"status": "failed", "reason": "slices-missing", "reason_text": why}
        return {**scan_row(patient.name, name, day, **told), **where}
    lung = 4200.0 if index == 2 and patient.age % 8 == 0 else 5000.0
    lesion, solid = patient.proportions[index] or (0.0, 0.0)
    amounts = {"lung_ml": lung, "lesion_ml": lung * lesion / 100, "solid_ml": lung * solid / 100}
    flags = "thick-slices" if patient.age % 9 == 0 else ""
    return {**scan_row(patient.name, name, day, flags=flags, **amounts), **where}


def _write_arm_tables(root: Path, found: Sequence[Patient]) -> None:
    rng = np.random.default_rng(3)
    rows = [
        {"subject": each.name, "arm": each.arm, "mittfl": "N" if each.name.endswith("9") else "Y",
         "age": each.age, "severity": each.severity}
        for each in found
    ]  # fmt: skip
    write_table(root / "arms.csv", rows)
    walks = [
        {"subject": each.name, "visit": visit, "parameter": "SIXMWT", "value": round(value, 1),
         "name": "6-minute walk", "unit": "m"}
        for each in found
        for visit, value in zip(("baseline", "day 28"), each.walk, strict=True)
        if value is not None
    ]  # fmt: skip
    write_table(root / "endpoints.csv", walks)
    events = [
        {"subject": each.name, "term": name} for each in found for name, p in EVENTS if rng.random() < p
    ]
    write_table(root / "adverse_events.csv", events or [{"subject": found[0].name, "term": "Fever"}])
