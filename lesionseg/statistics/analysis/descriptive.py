"""Values and changes of every parameter at every visit, arm by arm."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lesionseg.statistics.analysis.subjects import JoinedTrial

QUANTITIES = {"value": "AVAL", "absolute": "CHG", "relative": "PCHG"}
_GROUPS = ["PARAMCD", "AVISIT", "TRT01P"]


def change_unit(unit: str, change: str) -> str:
    """Return the unit of a value, an absolute or a relative change of a parameter in `unit`."""
    if change == "relative":
        return "%"
    return "percentage points" if change == "absolute" and unit == "%" else unit


def descriptive_table(trial: JoinedTrial) -> list[dict[str, Any]]:
    """Return a row per parameter, visit, quantity and arm; all randomised subjects, whatever the population.

    Each has `n` and `n_missing`, and of the values median, quartiles, mean, sd, min and max, None where there
    is no value; sd needs two. Quartiles are R's type 7. The baseline visit has no changes.
    """
    rows: list[dict[str, Any]] = []
    found = {name: _figures(trial.measurements, column) for name, column in QUANTITIES.items()}
    arms = (trial.plan.arms.treatment, trial.plan.arms.control)
    for code, name in trial.parameter_names.items():
        for visit in trial.plan.schedule:
            for quantity in QUANTITIES if not visit.baseline else ("value",):
                for arm in arms:
                    figures = found[quantity].get((code, visit.name, arm))
                    if figures:
                        unit = change_unit(trial.units.get(code, ""), quantity)
                        what = {"parameter": code, "parameter_name": name, "visit": visit.name}
                        rows.append({**what, "quantity": quantity, "unit": unit, "arm": arm, **figures})
    return rows


def _figures(table: pd.DataFrame, column: str) -> dict[tuple[str, str, str], dict[str, Any]]:
    groups = table.groupby(_GROUPS, observed=True)[column]
    figures = pd.DataFrame(
        {
            "n": groups.count(),
            "n_missing": groups.size() - groups.count(),
            "median": groups.median(),
            "q1": groups.quantile(0.25),
            "q3": groups.quantile(0.75),
            "mean": groups.mean(),
            "sd": groups.std(),
            "min": groups.min(),
            "max": groups.max(),
        }
    )
    return {
        key: {name: _plain(value) for name, value in zip(figures.columns, values, strict=True)}
        for key, *values in figures.itertuples(name=None)
    }


def _plain(value: float) -> float | int | None:
    """Return a number of plain Python; None for NaN."""
    if np.isnan(value):
        return None
    return int(value) if isinstance(value, int | np.integer) else float(value)


def median(values: np.typing.NDArray[np.float64]) -> float | None:
    """Return the median; None of nothing."""
    return float(np.median(values)) if values.size else None


def spread(values: pd.Series) -> dict[str, Any]:
    """Return n, missing, median and quartiles of a numeric column."""
    known = values.dropna().to_numpy(dtype=np.float64)
    quartiles = [float(part) for part in np.quantile(known, [0.25, 0.75])] if known.size else [None, None]
    return {
        "n": int(known.size),
        "missing": int(values.size - known.size),
        "median": median(known),
        "q1": quartiles[0],
        "q3": quartiles[1],
    }
