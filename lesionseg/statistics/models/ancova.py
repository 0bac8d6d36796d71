"""Arms compared at equal baseline and covariates: analysis of covariance by least squares.

Source: Vickers AJ, Altman DG. Analysing controlled trials with baseline and follow up measurements.
BMJ 2001;323:1123-1124.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lesionseg.core.errors import ConfigurationError
from lesionseg.statistics.estimate import Alternative, Estimate
from lesionseg.statistics.models.model_table import (
    NO_SPREAD,
    Matrix,
    centred,
    check_columns,
    complete_rows,
    covariate_columns,
    independent_columns,
)
from lesionseg.statistics.wald import WaldEffect, check_test

if TYPE_CHECKING:
    import pandas as pd

METHOD = "ANCOVA (least squares) adjusted for {}"
METHOD_LOG = "ANCOVA (least squares) of log(follow-up / baseline) adjusted for {}; ratio as difference in %"


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

    Returns
    -------
    Estimate
        In the units of `value`. The figures that cannot be had are None and the notes say why: an arm without
        subjects, fewer subjects than coefficients, an arm that the covariates determine, values without any
        spread about the model.

    Raises
    ------
    InputError
        A column is missing, not numeric, or infinite.
    ConfigurationError
        alpha or the alternative.
    """
    check_test(alpha, alternative)
    check_columns(table, ("value", "baseline"), covariates)
    method = METHOD.format(", ".join(("baseline", *covariates)))
    whole, notes = complete_rows(table, ("value", "baseline", *covariates))
    n_treatment = int(whole["treated"].sum())
    empty = Estimate(method, None, None, None, None, n_treatment, len(whole) - n_treatment)
    if not n_treatment or n_treatment == len(whole):
        return replace(empty, notes=(*notes, "an arm has no subject: nothing to compare"))
    effect, more = fit_ancova(whole, covariates)
    notes = (*notes, *more)
    if effect is None:
        return replace(empty, notes=notes)
    if effect.standard_error == 0:
        return replace(empty, effect=effect.effect, notes=notes)
    low, high = effect.interval(alpha, alternative)
    return replace(
        empty, effect=effect.effect, low=low, high=high, p_value=effect.p_value(alternative), notes=notes
    )


def fit_ancova(table: pd.DataFrame, covariates: Sequence[str]) -> tuple[WaldEffect | None, tuple[str, ...]]:
    """Return the coefficient of the arm in a checked table without gaps and with both arms, and notes.

    By the theorem of Frisch, Waugh and Lovell: the arm is freed from the other columns, then values are
    regressed on what is left of it. A standard error of 0 means that nothing is left to measure spread by.
    """
    prepared = covariate_columns(table, covariates)
    values = table["value"].to_numpy(dtype=np.float64)
    baseline = centred(table["baseline"].to_numpy(dtype=np.float64))
    others = np.column_stack([np.ones(len(values)), baseline, prepared.columns])
    notes = list(prepared.notes)
    if not baseline.any():
        notes.append("baseline is the same in all subjects: not adjusted for")
    arm = table["treated"].to_numpy(dtype=np.float64)
    columns = np.column_stack([others, arm])[
        :, independent := independent_columns(np.column_stack([others, arm]))
    ]
    if others.shape[1] not in independent:
        return None, (*notes, "the arm cannot be told from baseline and covariates: singular design")
    degrees = len(values) - len(independent)
    if degrees < 1:
        return None, (*notes, f"{len(values)} subjects are too few for {len(independent)} coefficients")
    effect, error = _last_coefficient(columns, values, degrees)
    if error == 0:
        notes.append("values lie on the model without any spread: no interval and no P value")
    return WaldEffect(effect, error, float(degrees)), tuple(notes)


def _last_coefficient(columns: Matrix, values: Matrix, degrees: int) -> tuple[float, float]:
    triangle: Matrix
    basis, triangle = np.linalg.qr(columns)
    scale = float(np.abs(values).max())
    effect = float(basis[:, -1] @ values / triangle[-1, -1])
    rest = values - basis @ (basis.T @ values)
    if float(np.abs(rest).max()) <= NO_SPREAD * scale:
        return effect, 0.0
    return effect, float(np.sqrt(rest @ rest / degrees) / abs(triangle[-1, -1]))


def ancova_log_ratio(
    table: pd.DataFrame,
    covariates: Sequence[str] = (),
    *,
    zero_stands_for: float | None = None,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> Estimate:
    """Return by how many per cent the ratio follow-up / baseline under treatment differs from control's.

    log(follow-up / baseline) is compared at equal log(baseline) and covariates; what is returned is
    100 * (exp(difference) - 1): 0 is no effect, and -20 means that treatment's ratio is 0.8 of control's.

    A baseline of 0 has no ratio: the subject is left out, with a note. A follow-up of 0 is a lesion's best
    outcome and must not be left out: `zero_stands_for`, or else half of the smallest follow-up above 0 of
    both arms together, stands for it, with a note. Negative values have no logarithm: no figures, and a note.

    Parameters
    ----------
    table : DataFrame
        As for `ancova`, with `follow_up` (the value itself, not its change) instead of `value`.
    zero_stands_for : float, optional
        Above 0, in the units of `follow_up`; for instance half of what can be detected.

    Raises
    ------
    InputError, ConfigurationError
        As `ancova`; and where `zero_stands_for` is not above 0.
    """
    check_test(alpha, alternative)
    check_columns(table, ("follow_up", "baseline"), covariates)
    method = METHOD_LOG.format(", ".join(("log baseline", *covariates)))
    given, notes = complete_rows(table, ("follow_up", "baseline", *covariates))
    if (given[["follow_up", "baseline"]] < 0).any(axis=None):
        treated = int(given["treated"].sum())
        notes = (*notes, "negative values have no log ratio")
        return Estimate(method, None, None, None, None, treated, len(given) - treated, notes=notes)
    positive, more = _without_zeros(given, zero_stands_for)
    logs = positive.assign(
        value=np.log(positive["follow_up"] / positive["baseline"]), baseline=np.log(positive["baseline"])
    )
    estimate = ancova(logs, covariates, alpha=alpha, alternative=alternative)
    return replace(
        estimate,
        method=method,
        effect=_as_percent(estimate.effect),
        low=_as_percent(estimate.low),
        high=_as_percent(estimate.high),
        notes=(*notes, *more, *estimate.notes),
    )


def _without_zeros(table: pd.DataFrame, zero_stands_for: float | None) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows with a baseline above 0, a figure standing for a follow-up of 0, and notes of both."""
    if zero_stands_for is not None and not zero_stands_for > 0:
        raise ConfigurationError("zero_stands_for is not above 0", found=f"{zero_stands_for}")
    notes: list[str] = []
    positive = table[table["baseline"] > 0]
    if len(positive) < len(table):
        notes.append(f"{len(table) - len(positive)} subjects left out: a baseline of 0 has no ratio")
    zero = positive["follow_up"] == 0
    if not zero.any():
        return positive, notes
    if zero_stands_for is None:
        above = positive["follow_up"][~zero]
        if above.empty:
            return positive[~zero], [*notes, "every follow-up is 0: no ratio has a logarithm"]
        zero_stands_for = float(above.min()) / 2
    notes.append(f"{int(zero.sum())} follow-up values of 0 counted as {zero_stands_for:.4g}")
    return positive.assign(follow_up=positive["follow_up"].mask(zero, zero_stands_for)), notes


def _as_percent(log_ratio: float | None) -> float | None:
    return None if log_ratio is None else float(100 * np.expm1(log_ratio))
