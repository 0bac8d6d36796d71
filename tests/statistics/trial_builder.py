"""A small trial in tables: written to files as `change` and people would."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from lesionseg.statistics.analysis.columns import LESION_COLUMNS

VISITS = {"baseline": 0, "day 10": 10, "day 28": 28, "day 90": 90}
DATES = {"baseline": "2020-03-01", "day 10": "2020-03-11", "day 28": "2020-03-29", "day 90": "2020-05-30"}
PARAMETERS = {"LESPCT": "Whole lesion, % of both lungs", "SOLPCT": "Solid component, % of both lungs"}


def plan_content() -> dict[str, Any]:
    return {
        "trial": {"identifier": "T-1", "title": "A small trial"},
        "arms": {"treatment": "cells", "control": "placebo"},
        "populations": [{"name": "ITT"}, {"name": "mITT", "flag": "mittfl"}],
        "endpoints": [
            {"name": "lesion", "parameter": "LESPCT", "visit": "day 28", "role": "primary"},
            {"name": "solid", "parameter": "SOLPCT", "visit": "day 28", "population": "mITT"},
            {"name": "points", "parameter": "LESPCT", "visit": "day 28", "change": "absolute",
             "role": "exploratory"},
        ],
        "responders": [{"name": "halved", "parameter": "LESPCT", "visit": "day 28", "at_most": -50}],
        "covariates": ["age"],
        "strata": ["severity"],
    }  # fmt: skip


@dataclass
class TrialBuilder:
    """Tables to spoil and write.

    `values` maps subject, parameter and visit to a value; what is not in it is missing with its reason.
    """

    folder: Path
    plan: dict[str, Any] = field(default_factory=plan_content)
    arms: list[dict[str, Any]] = field(default_factory=list)
    values: dict[tuple[str, str, str], float] = field(default_factory=dict)
    reasons: dict[tuple[str, str, str], str] = field(default_factory=dict)

    @property
    def subjects(self) -> list[str]:
        return list(dict.fromkeys(subject for subject, *_ in self.values))

    def lesion_rows(self) -> list[dict[str, Any]]:
        rows = []
        for subject in self.subjects:
            for number, (code, name) in enumerate(PARAMETERS.items(), 1):
                base = self.values.get((subject, code, "baseline"))
                for visit, day in VISITS.items():
                    rows.append(self._row(subject, (number, code, name), visit, day, base))
        return rows

    def _row(self, subject, parameter, visit, day, base) -> dict[str, Any]:
        number, code, name = parameter
        value = self.values.get((subject, code, visit))
        change = None if value is None or base is None or visit == "baseline" else value - base
        relative = None if change is None or not base else 100 * change / base
        reason = self.reasons.get((subject, code, visit), "")
        if not reason and value is None:
            reason = "no-scan"
        if not reason and relative is None and visit != "baseline":
            reason = "zero-baseline" if base == 0 else "no-baseline"
        found = {
            "STUDYID": self.plan["trial"]["identifier"], "USUBJID": subject, "PARAMCD": code, "PARAM": name,
            "PARAMN": number, "AVISIT": visit, "AVISITN": day,
            "ADT": "" if value is None else DATES[visit],
            "AVAL": value, "BASE": base, "CHG": change, "PCHG": relative, "REASCD": reason,
            "ABLFL": "Y" if visit == "baseline" else "",
        }  # fmt: skip
        return {column: "" if found.get(column) is None else found[column] for column in LESION_COLUMNS}

    def write(self) -> dict[str, Path]:
        paths = {name: self.folder / f"{name}.csv" for name in ("adlesion", "arms")}
        write_rows(paths["adlesion"], self.lesion_rows())
        write_rows(paths["arms"], self.arms)
        paths["plan"] = self.folder / "plan.yaml"
        paths["plan"].write_text(yaml.safe_dump(self.plan, sort_keys=False))
        return paths


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def small_trial(folder: Path, per_arm: int = 10, seed: int = 7, effect: float = -25.0) -> TrialBuilder:
    """Two arms; the treatment lowers the relative change by `effect` points; nothing is missing."""
    rng = np.random.default_rng(seed)
    built = TrialBuilder(folder)
    for number in range(2 * per_arm):
        subject, treated = f"P{number + 1:02d}", number % 2 == 0
        built.arms.append(
            {
                "subject": subject, "arm": "cells" if treated else "placebo",
                "mittfl": "N" if number == 3 else "Y", "age": round(rng.normal(60, 8)),
                "severity": "severe" if number % 3 else "critical",
            }
        )  # fmt: skip
        for code in PARAMETERS:
            base = round(float(rng.uniform(10, 50)), 3)
            built.values[subject, code, "baseline"] = base
            for visit, share in (("day 10", 0.4), ("day 28", 1.0), ("day 90", 1.6)):
                change = share * (rng.normal(-20, 12) + (effect if treated else 0))
                built.values[subject, code, visit] = round(base * (1 + max(change, -95) / 100), 3)
    return built
