"""Missing values filled against the treatment: its missing get the worst value, control's the best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from lesionseg.statistics.estimate import Alternative, Estimate

if TYPE_CHECKING:
    import pandas as pd

Better = Literal["lower", "higher"]


def worst_case(
    table: pd.DataFrame,
    *,
    better: Better = "lower",
    worst: float | None = None,
    best: float | None = None,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> Estimate:
    """Compare the arms by the rank-sum test with every missing value replaced to the treatment's disadvantage.

    Parameters
    ----------
    table : DataFrame
        One row per subject of the population: `value` (NaN where missing), `treated` (bool).
    better : "lower" or "higher"
        Which values are good for the patient.
    worst, best : float, optional
        What stands for missing; default: the worst and the best value observed in either arm.
    """
    raise NotImplementedError
