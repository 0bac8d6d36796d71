"""By how much must the imputed treatment values be worse before the conclusion changes?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lesionseg.statistics.estimate import Alternative, Estimate
from lesionseg.statistics.missing_imputation import Analysis, ImputationPlan

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class TippingPoint:
    """Where P crosses alpha.

    Attributes
    ----------
    shift : float or None
        Added to every imputed treatment value, in the value's units; the first shift, away from 0, at which
        the conclusion is another one. None where no shift changes it.
    curve : tuple of (float, Estimate)
        Shifts tried, in order, each with the pooled estimate.
    notes : tuple of str
    """

    shift: float | None
    curve: tuple[tuple[float, Estimate], ...]
    notes: tuple[str, ...] = ()


def tipping_point(
    table: pd.DataFrame,
    plan: ImputationPlan,
    *,
    analysis: Analysis = "rank-sum",
    adjust_for: Sequence[str] = (),
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> TippingPoint:
    """Shift the imputed treatment values until P crosses alpha; `table` and `plan` as for multiple imputation."""
    raise NotImplementedError
