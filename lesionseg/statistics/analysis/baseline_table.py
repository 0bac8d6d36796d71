"""Who the arms are: covariates, strata and the first measurements, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

from lesionseg.statistics.analysis.arm_table import further_columns
from lesionseg.statistics.analysis.descriptive import spread
from lesionseg.statistics.analysis.results import percentage
from lesionseg.statistics.analysis.subjects import STRATUM, TREATED, JoinedTrial

_MOST_LEVELS = 12
_COMPUTED = (TREATED, STRATUM, "scanned")
Summary = Callable[[pd.Series], dict[str, Any]]


def baseline_table(trial: JoinedTrial) -> list[dict[str, Any]]:
    """Return rows of all randomised: `variable`, `level`, `kind`, and figures per arm and of all.

    A row of kind ``number`` has n, missing, median, q1 and q3 under `treatment`, `control` and `all`; one of
    kind ``category`` has count, n and pct for its level. Text columns with more than 12 levels describe
    nobody and are left out. No P values: randomised arms differ by chance alone.
    """
    rows: list[dict[str, Any]] = []
    plan = trial.plan
    computed = {*_COMPUTED, *(population.variable for population in plan.populations)}
    for name in further_columns([str(name) for name in trial.subjects.columns], plan):
        if name not in computed:
            rows += _described(trial, name, trial.subjects[name])
    wanted = [
        *(endpoint.parameter for endpoint in plan.endpoints),
        *(responder.parameter for responder in plan.responders),
    ]
    for code in dict.fromkeys(wanted):
        values = trial.at(code, plan.baseline.name)["AVAL"].reindex(trial.subjects.index)
        label = f"{trial.parameter_names[code]} at {plan.baseline.name}"
        what = {"variable": label, "level": "", "kind": "number", "parameter": code}
        rows.append({**what, **_by_arm(trial, values, spread)})
    return rows


def _described(trial: JoinedTrial, name: str, column: pd.Series) -> Iterator[dict[str, Any]]:
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        what = {"variable": name, "level": "", "kind": "number", "parameter": ""}
        yield {**what, **_by_arm(trial, column, spread)}
        return
    known = column.dropna()
    levels = sorted({str(value) for value in known})
    if len(levels) > _MOST_LEVELS:
        return
    texts = known.astype("str")
    for level in levels:
        what = {"variable": name, "level": level, "kind": "category", "parameter": ""}
        yield {**what, **_by_arm(trial, texts, _counter(level))}


def _counter(level: str) -> Summary:
    def count(texts: pd.Series) -> dict[str, Any]:
        number = int((texts == level).sum())
        return {"count": number, "n": int(texts.size), "pct": percentage(number, int(texts.size))}

    return count


def _by_arm(trial: JoinedTrial, values: pd.Series, summary: Summary) -> dict[str, Any]:
    treated = trial.subjects[TREATED].reindex(values.index)
    return {
        "treatment": summary(values[treated]),
        "control": summary(values[~treated]),
        "all": summary(values),
    }
