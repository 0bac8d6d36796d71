"""Arms compared over all visits by a mixed model for repeated measures (MMRM)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from lesionseg.statistics.estimate import Alternative, Estimate

if TYPE_CHECKING:
    import pandas as pd

Covariance = Literal["unstructured", "compound-symmetry"]


def repeated_measures(
    table: pd.DataFrame,
    covariates: Sequence[str] = (),
    *,
    visit: str,
    covariance: Covariance = "unstructured",
    baseline_by_visit: bool = False,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> Estimate:
    """Return the adjusted difference at one visit, treatment minus control.

    Parameters
    ----------
    table : DataFrame
        One row per subject and follow-up visit (the baseline visit is a column, not a row): `subject`,
        `visit`, `value`, `baseline`, `treated` (bool), covariates.
    visit : str
        The visit asked for.
    """
    raise NotImplementedError
