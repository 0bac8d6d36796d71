"""Arms compared at equal baseline and covariates: analysis of covariance by least squares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lesionseg.statistics.estimate import Alternative, Estimate

if TYPE_CHECKING:
    import pandas as pd


def ancova(
    table: pd.DataFrame,
    covariates: Sequence[str] = (),
    *,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> Estimate:
    """Return the adjusted difference of `value`, treatment minus control.

    Parameters
    ----------
    table : DataFrame
        One row per subject: `value` (a change, or a follow-up value), `baseline`, `treated` (bool) and the
        covariates. Rows with a missing cell are left out and counted in the notes.
    covariates : sequence of str
        Further columns, numeric or text.
    """
    raise NotImplementedError


def ancova_log_ratio(
    table: pd.DataFrame,
    covariates: Sequence[str] = (),
    *,
    zero_stands_for: float | None = None,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> Estimate:
    """Return by how many per cent the ratio follow-up / baseline is higher under treatment than under control.

    `table` has `follow_up` (the value itself, not its change) instead of `value`.
    """
    raise NotImplementedError
