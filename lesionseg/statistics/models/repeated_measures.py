"""Arms compared over all visits by a mixed model for repeated measures (MMRM).

Subjects who miss the visit asked for still count through their other visits, which is unbiased where values
are missing at random given baseline, covariates and the visits seen.

Source: Mallinckrodt CH et al. Recommendations for the primary analysis of continuous endpoints in
longitudinal clinical trials. Drug Inf J 2008;42:303-319.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from lesionseg.core.errors import ConfigurationError
from lesionseg.statistics.estimate import Alternative, Estimate
from lesionseg.statistics.models.kenward_roger import kenward_roger
from lesionseg.statistics.models.model_table import check_columns
from lesionseg.statistics.models.reml import (
    RemlPoint,
    compound_symmetry,
    fit_reml,
    unstructured,
)
from lesionseg.statistics.models.repeated_measures_table import RepeatedDesign, repeated_design
from lesionseg.statistics.wald import WaldEffect, check_test

if TYPE_CHECKING:
    import pandas as pd

Covariance = Literal["unstructured", "compound-symmetry"]

METHOD = "Mixed model for repeated measures (REML, {} covariance, Kenward-Roger), difference at {}"
STRUCTURES = {"unstructured": unstructured, "compound-symmetry": compound_symmetry}


@dataclass(frozen=True)
class RepeatedFit:
    """A fitted model, for who wants more than the effect; `covariance` is the structure that could be had."""

    covariance: Covariance
    point: RemlPoint
    effect: WaldEffect


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

    Fixed effects: visit, arm, arm by visit, baseline and covariates. Where the unstructured covariance
    cannot be had (few subjects, visits never seen together), compound symmetry takes its place, with a note.

    Parameters
    ----------
    table : DataFrame
        One row per subject and follow-up visit (the baseline visit is a column, not a row): `subject`,
        `visit`, `value`, `baseline`, `treated` (bool), covariates. Rows with a missing cell are left out and
        counted in the notes.
    covariates : sequence of str
        Further columns, numeric or text, the same at all visits of a subject.
    visit : str
        The visit asked for.
    covariance : "unstructured" or "compound-symmetry"
        Between a subject's visits; the second is that of a random intercept.
    baseline_by_visit : bool
        Whether baseline may matter more at one visit than at another.

    Returns
    -------
    Estimate
        In the units of `value`; `n_treatment` and `n_control` count subjects with a value at any visit. The
        figures that cannot be had are None and the notes say why.

    Raises
    ------
    InputError
        A column is missing, not numeric, or infinite; a subject has two rows for a visit, or two arms.
    ConfigurationError
        alpha, the alternative or the covariance.
    """
    check_test(alpha, alternative)
    if covariance not in STRUCTURES:
        raise ConfigurationError(
            "The covariance is unknown", expected=" or ".join(STRUCTURES), found=covariance
        )
    check_columns(table, ("value", "baseline"), ("subject", "visit", *covariates))
    design = repeated_design(table, covariates, visit, baseline_by_visit=baseline_by_visit)
    fit, notes = fit_repeated_measures(design, covariance)
    method = METHOD.format(fit.covariance.replace("-", " ") if fit else covariance.replace("-", " "), visit)
    empty = Estimate(method, None, None, None, None, design.n_treatment, design.n_control, notes=notes)
    if fit is None:
        return empty
    low, high = fit.effect.interval(alpha, alternative)
    return replace(
        empty, effect=fit.effect.effect, low=low, high=high, p_value=fit.effect.p_value(alternative)
    )


def fit_repeated_measures(
    design: RepeatedDesign, covariance: Covariance
) -> tuple[RepeatedFit | None, tuple[str, ...]]:
    """Return the fit with the covariance asked for or, failing that, compound symmetry; and all notes."""
    notes = design.notes
    if design.contrast is None:
        return None, (*notes, "the arm's effect at this visit cannot be told from the rest of the model")
    if design.without_spread:
        return None, (*notes, "values at a visit lie on the model without any spread")
    point = fit_reml(design, STRUCTURES[covariance](design.visits))
    if point is None and covariance != "compound-symmetry":
        notes = (*notes, f"{covariance} covariance could not be estimated: compound symmetry instead")
        covariance = "compound-symmetry"
        point = fit_reml(design, compound_symmetry(design.visits))
    if point is None:
        return None, (*notes, "too few subjects: no covariance between visits could be estimated")
    effect = kenward_roger(point, design.contrast)
    if effect is None:
        return None, (*notes, "too few subjects: the standard error could not be adjusted for their number")
    unseen = design.n_treatment + design.n_control - design.at_visit
    if unseen:
        notes = (*notes, f"{unseen} subjects without a value at this visit count through their other visits")
    return RepeatedFit(covariance, point, effect), notes
