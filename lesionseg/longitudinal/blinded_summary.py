"""Descriptive statistics of all subjects together: what may be looked at before the arms are known."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

from lesionseg.core.plan import LESION_PARAMETERS
from lesionseg.longitudinal.arrow_tables import typed_table
from lesionseg.longitudinal.change import Changes
from lesionseg.longitudinal.dictionary import SUMMARY

Numbers = npt.NDArray[np.float64]
_STATISTICS = ("MEAN", "SD", "MIN", "Q1", "MEDIAN", "Q3", "MAX")


def blinded_summary(made: Changes) -> Any:
    """Describe every parameter at every visit: its value, and after the baseline its changes.

    Returns
    -------
    pyarrow.Table
        Columns as in `dictionary.SUMMARY`.
    """
    rows = [
        _row(made, place, column, name, figures[:, column, place])
        for place in range(made.value.shape[2])
        for column in range(made.value.shape[1])
        for name, figures in (("AVAL", made.value), ("CHG", made.change), ("PCHG", made.change_pct))
        if name == "AVAL" or column != made.grid.baseline
    ]
    return typed_table(SUMMARY, {name: [row[name] for row in rows] for name in rows[0]})


def _row(made: Changes, place: int, column: int, figure: str, numbers: Numbers) -> dict[str, Any]:
    parameter = tuple(LESION_PARAMETERS.values())[place]
    window = made.grid.schedule[column]
    there = ~np.isnan(numbers)
    reasons = Counter(made.reason[~there, column, place])
    return {
        "PARAMCD": parameter.code,
        "PARAM": parameter.name,
        "AVISIT": window.name,
        "AVISITN": window.day,
        "FIGURE": figure,
        "SUBJECTS": numbers.size,
        "N": int(there.sum()),
        "MISSING": " ".join(f"{code}={number}" for code, number in sorted(reasons.items())),
        **_statistics(numbers[there]),
    }


def _statistics(numbers: Numbers) -> dict[str, float | None]:
    if numbers.size == 0:
        return dict.fromkeys(_STATISTICS)
    low, q1, median, q3, high = (float(figure) for figure in np.percentile(numbers, [0, 25, 50, 75, 100]))
    spread = float(np.std(numbers, ddof=1)) if numbers.size > 1 else None
    figures = (float(numbers.mean()), spread, low, q1, median, q3, high)
    return dict(zip(_STATISTICS, figures, strict=True))
