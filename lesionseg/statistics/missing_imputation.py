"""Multiple imputation of missing changes within arm, and pooling by Rubin's rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lesionseg.statistics.estimate import Alternative, Estimate

if TYPE_CHECKING:
    import pandas as pd

Analysis = Literal["rank-sum", "ancova"]


@dataclass(frozen=True)
class ImputationPlan:
    """How missing values are drawn.

    Attributes
    ----------
    other_visits : tuple of str
        Columns with the same parameter's change at other visits; may be missing too.
    covariates : tuple of str
        Columns, numeric or text.
    imputations : int
        At least 2.
    seed : int
    lowest : float or None
        Values drawn below are set to it: -100 for a relative change.
    """

    other_visits: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()
    imputations: int = 50
    seed: int = 0
    lowest: float | None = None


def multiple_imputation(
    table: pd.DataFrame,
    plan: ImputationPlan,
    *,
    analysis: Analysis = "rank-sum",
    adjust_for: Sequence[str] = (),
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> Estimate:
    """Return the effect pooled over imputed tables.

    Parameters
    ----------
    table : DataFrame
        One row per subject of the population: `value` (NaN where missing), `baseline`, `treated` (bool), and
        the columns the plan names.
    adjust_for : sequence of str
        Covariates of the ANCOVA besides baseline.
    """
    raise NotImplementedError
