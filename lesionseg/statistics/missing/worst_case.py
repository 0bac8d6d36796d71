"""Missing values filled against the treatment: its missing get the worst value, control's the best."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from lesionseg.core.errors import ConfigurationError
from lesionseg.statistics.estimate import Alternative, Estimate
from lesionseg.statistics.models.model_table import check_columns
from lesionseg.statistics.rank.rank_sum import rank_sum
from lesionseg.statistics.wald import check_test

if TYPE_CHECKING:
    import pandas as pd

Better = Literal["lower", "higher"]

METHOD = "Worst case: missing treatment values counted as {:.6g}, missing control values as {:.6g}; {}"
NO_VALUE = "Worst case: missing values counted against the treatment"


def worst_case(
    table: pd.DataFrame,
    *,
    better: Better = "lower",
    worst: float | None = None,
    best: float | None = None,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> Estimate:
    """Compare the arms by the rank-sum test, every missing value replaced to the treatment's disadvantage.

    A bound, not an estimate: with many missing values it says little. Those filled are tied, so the P value
    comes from the normal approximation.

    Parameters
    ----------
    table : DataFrame
        One row per subject of the population: `value` (NaN where missing), `treated` (bool).
    better : "lower" or "higher"
        Which values are good for the patient.
    worst, best : float, optional
        What stands for missing; default: the worst and the best value observed in either arm.

    Returns
    -------
    Estimate
        `n_treatment` and `n_control` count the filled values too; the notes say how many there are. Without
        any observed value there are no figures.

    Raises
    ------
    InputError
        A column is missing, not numeric, or infinite.
    ConfigurationError
        An option is not one of those allowed.
    """
    check_test(alpha, alternative)
    if better not in {"lower", "higher"}:
        raise ConfigurationError("better is unknown", expected="lower or higher", found=f"{better}")
    check_columns(table, ("value",), ())
    values = table["value"].to_numpy(dtype=np.float64)
    treated = table["treated"].to_numpy(dtype=np.bool_)
    missing = np.isnan(values)
    if missing.all():
        return Estimate(NO_VALUE, None, None, None, None, 0, 0, notes=("no value was observed",))
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    observed_worst, observed_best = (high, low) if better == "lower" else (low, high)
    worst = observed_worst if worst is None else worst
    best = observed_best if best is None else best
    filled = np.where(missing, np.where(treated, worst, best), values)
    estimate = rank_sum(filled[treated], filled[~treated], alpha=alpha, alternative=alternative)
    counts = (int((missing & treated).sum()), int((missing & ~treated).sum()))
    note = f"filled: {counts[0]} treatment and {counts[1]} control values"
    return replace(
        estimate, method=METHOD.format(worst, best, estimate.method), notes=(note, *estimate.notes)
    )
