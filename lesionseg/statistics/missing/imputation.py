"""Multiple imputation of missing changes within arm, and pooling by Rubin's rules.

Sources: Rubin DB. Multiple imputation for nonresponse in surveys, 1987. Barnard J, Rubin DB. Small-sample
degrees of freedom with multiple imputation. Biometrika 1999;86:948-955.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.special import ndtri

from lesionseg.core.errors import ConfigurationError
from lesionseg.statistics.estimate import Alternative, Estimate
from lesionseg.statistics.missing.draws import ImputationPlan, Imputed, impute, imputed_note
from lesionseg.statistics.models.ancova import ancova, fit_ancova
from lesionseg.statistics.models.model_table import complete_rows
from lesionseg.statistics.rank.pairwise_differences import Values, order_statistics, sorted_arms
from lesionseg.statistics.rank.rank_sum import rank_sum
from lesionseg.statistics.wald import WaldEffect, check_test

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Analysis", "ImputationPlan", "ImputedAnalysis", "multiple_imputation", "pool", "pooled_estimate"]

Analysis = Literal["rank-sum", "ancova"]

METHODS: dict[str, str] = {
    "rank-sum": "Multiple imputation within arm; Hodges-Lehmann shift pooled by Rubin's rules",
    "ancova": "Multiple imputation within arm; ANCOVA pooled by Rubin's rules",
}


@dataclass(frozen=True)
class ImputedAnalysis:
    """What is done to each imputed table: which comparison, adjusted for what, at which error and side."""

    analysis: Analysis = "rank-sum"
    adjust_for: tuple[str, ...] = ()
    alpha: float = 0.05
    alternative: Alternative = "two-sided"

    def __post_init__(self) -> None:
        check_test(self.alpha, self.alternative)
        if self.analysis not in METHODS:
            raise ConfigurationError(
                "The analysis is unknown", expected=" or ".join(METHODS), found=f"{self.analysis}"
            )

    def of_observed(self, table: pd.DataFrame) -> Estimate:
        """Compare a table in which nothing is missing."""
        if self.analysis == "ancova":
            return ancova(table, self.adjust_for, alpha=self.alpha, alternative=self.alternative)
        return rank_sum(*_arms_of(table), alpha=self.alpha, alternative=self.alternative)

    def of_imputed(self, table: pd.DataFrame) -> WaldEffect | None:
        """Return effect, standard error and degrees of freedom of one imputed table; None without spread.

        The Hodges-Lehmann shift has no standard error of its own: it is taken from the width of its two-sided
        interval, as if that were normal, with the degrees of freedom of a comparison of two means.
        """
        if self.analysis == "ancova":
            whole, _ = complete_rows(table, ("value", "baseline", *self.adjust_for))
            effect, _ = fit_ancova(whole, self.adjust_for)
            return effect if effect is not None and effect.standard_error > 0 else None
        tail = self.alpha / 2 if self.alternative == "two-sided" else min(self.alpha, 0.25)
        return _shift_effect(*_arms_of(table), tail)


def _arms_of(table: pd.DataFrame) -> tuple[Values, Values]:
    values, treated = table["value"].to_numpy(np.float64), table["treated"].to_numpy(np.bool_)
    return values[treated], values[~treated]


def _shift_effect(treatment: Values, control: Values, tail: float) -> WaldEffect | None:
    """Return the shift and, from the order statistics that bound it, its standard error; None without.

    The ends are the differences of rank m n / 2 -+ z sqrt(m n (m + n + 1) / 12), counted from either side:
    Hollander & Wolfe, Nonparametric Statistical Methods, 1999, section 4.3. Many tables are compared, so that
    the ends are not searched for tie by tie as those of a reported interval are.
    """
    if not treatment.size or not control.size:
        return None
    arms = sorted_arms(treatment, control)
    z = -float(ndtri(tail))
    patients = treatment.size + control.size
    rank = int(arms.pairs / 2 - z * math.sqrt(arms.pairs * (patients + 1) / 12))
    if rank < 1:
        return None
    ranks = (rank, (arms.pairs + 1) // 2, arms.pairs // 2 + 1, arms.pairs + 1 - rank)
    low, below, above, high = order_statistics(arms, ranks)
    error = (high - low) / (2 * z)
    return WaldEffect((below + above) / 2, error, float(patients - 2)) if error > 0 else None


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

    Right where values are missing at random within the arm, given baseline, other visits and covariates. The
    interval of the Hodges-Lehmann shift is approximate (`ImputedAnalysis.of_imputed`), and its P is that of
    the pooled shift, not of a rank-sum test. With nothing missing the analysis of the table is returned.

    Parameters
    ----------
    table : DataFrame
        One row per subject of the population: `value` (NaN where missing), `baseline`, `treated` (bool), and
        the columns the plan names.
    adjust_for : sequence of str
        Covariates of the ANCOVA besides baseline.

    Returns
    -------
    Estimate
        `n_treatment` and `n_control` count all subjects. Figures are None, and a note says why, where an arm
        has too few values to impute from or an imputed table cannot be analysed.

    Raises
    ------
    InputError
        A column is missing, not numeric, or infinite.
    ConfigurationError
        An option is not one of those allowed.
    """
    each = ImputedAnalysis(analysis, tuple(adjust_for), alpha, alternative)
    imputed = impute(table, plan)
    if not imputed.drawn.any():
        estimate = each.of_observed(table)
        return replace(estimate, notes=(*estimate.notes, "nothing was missing: nothing imputed"))
    return pooled_estimate(imputed, each)


def pooled_estimate(imputed: Imputed, each: ImputedAnalysis) -> Estimate:
    """Return the pooled estimate of imputed tables, or one without figures that says why."""
    method = METHODS[each.analysis]
    if not imputed.tables:
        return Estimate(method, None, None, None, None, 0, 0, notes=imputed.notes)
    treated = imputed.tables[0]["treated"].to_numpy(dtype=np.bool_)
    notes = (imputed_note(imputed, treated), *imputed.notes)
    counted = Estimate(method, None, None, None, None, int(treated.sum()), int((~treated).sum()))
    effects = [each.of_imputed(one) for one in imputed.tables]
    known = [effect for effect in effects if effect is not None]
    if len(known) < len(effects):
        why = f"{len(effects) - len(known)} imputed tables cannot be compared: too few subjects or no spread"
        return replace(counted, notes=(*notes, why))
    pooled, missing = pool(known)
    low, high = pooled.interval(each.alpha, each.alternative)
    return replace(
        counted,
        effect=pooled.effect,
        low=low,
        high=high,
        p_value=pooled.p_value(each.alternative),
        notes=(*notes, f"{100 * missing:.0f} % of the variance comes from the missing values"),
    )


def pool(effects: Sequence[WaldEffect]) -> tuple[WaldEffect, float]:
    """Return the pooled effect by Rubin's rules and the part of its variance that is due to missing values.

    Degrees of freedom: Barnard and Rubin 1999, with the smallest of the complete-data degrees of freedom.
    """
    count = len(effects)
    estimates = np.array([one.effect for one in effects])
    within = float(np.mean([one.standard_error**2 for one in effects]))
    between = float(estimates.var(ddof=1)) * (1 + 1 / count)
    total = within + between
    share = between / total
    complete = min(one.degrees_of_freedom for one in effects)
    observed = (complete + 1) / (complete + 3) * complete * (1 - share)
    degrees = 1 / (1 / observed + share**2 / (count - 1))
    return WaldEffect(float(estimates.mean()), float(np.sqrt(total)), degrees), share
