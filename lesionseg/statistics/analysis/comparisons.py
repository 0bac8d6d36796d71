"""Every analysis of one endpoint: the primary one, the adjusted ones, those for missing values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lesionseg.core.plan import LESION_PARAMETERS, Endpoint, TrialPlan
from lesionseg.statistics.analysis.endpoint_table import EndpointTable
from lesionseg.statistics.analysis.results import PRIMARY, TippingResult
from lesionseg.statistics.analysis.subjects import STRATUM, TREATED
from lesionseg.statistics.estimate import Estimate
from lesionseg.statistics.missing.imputation import ImputationPlan, multiple_imputation
from lesionseg.statistics.missing.tipping_point import tipping_point
from lesionseg.statistics.missing.worst_case import Better, worst_case
from lesionseg.statistics.models.ancova import ancova, ancova_log_ratio
from lesionseg.statistics.models.repeated_measures import repeated_measures
from lesionseg.statistics.rank.rank_sum import rank_sum
from lesionseg.statistics.rank.van_elteren import van_elteren

STRATIFIED = "stratified"
SENSITIVITY = "sensitivity:"
_LOWEST_RELATIVE_CHANGE = -100.0
_HIGHER_IS_BETTER = ("LUNGML",)


@dataclass(frozen=True)
class Comparison:
    """The analyses of one endpoint's table."""

    plan: TrialPlan
    table: EndpointTable
    endpoint: Endpoint

    def estimates(self) -> Iterator[tuple[str, Estimate]]:
        """Yield the name of each analysis with its estimate, the primary analysis first."""
        for name, analysis in self._analyses():
            yield name, analysis() if self._has_both_arms() else self._without_arm(name)

    def tipping(self, unit: str) -> TippingResult | None:
        """Return the tipping point, if the plan asks for it and a value is missing."""
        if "tipping-point" not in self._sensitivity() or not self._has_both_arms():
            return None
        found = tipping_point(
            self._imputable(),
            self._imputation(),
            alpha=self.plan.alpha,
            alternative=self.plan.alternative,
        )
        return TippingResult(self.endpoint.name, unit, found.shift, found.curve, found.notes)

    def _analyses(self) -> Iterator[tuple[str, Callable[[], Estimate]]]:
        yield PRIMARY, self._primary
        if self.plan.strata:
            yield STRATIFIED, self._stratified
        yield "ancova", self._ancova
        if self.endpoint.change == "relative":
            yield "ancova-log-ratio", self._ancova_log_ratio
        if self.table.other_visits:
            yield "repeated-measures", self._repeated_measures
        if "worst-case" in self._sensitivity():
            yield SENSITIVITY + "worst-case", self._worst_case
        if "multiple-imputation" in self._sensitivity():
            yield SENSITIVITY + "multiple-imputation", self._multiple_imputation

    def _sensitivity(self) -> tuple[str, ...]:
        """Rules that the plan asks for; none where no value that could exist is missing."""
        incomplete = bool(self.table.defined["value"].isna().any())
        asked = incomplete and self.endpoint.role != "exploratory"
        return self.plan.missing.sensitivity if asked else ()

    def _has_both_arms(self) -> bool:
        return all(self.table.values(treated=treated).size for treated in (True, False))

    def _without_arm(self, name: str) -> Estimate:
        treated, control = (self.table.values(treated=arm).size for arm in (True, False))
        empty = self.plan.arms.control if treated else self.plan.arms.treatment
        note = f"nobody in the arm {empty} has a value"
        return Estimate(name, None, None, None, None, treated, control, notes=(note,))

    # --- the analyses -----------------------------------------------------------------------------------

    def _primary(self) -> Estimate:
        arms = self.table.values(treated=True), self.table.values(treated=False)
        return rank_sum(*arms, alpha=self.plan.alpha, alternative=self.plan.alternative)

    def _stratified(self) -> Estimate:
        observed = self.table.observed
        return van_elteren(
            observed["value"].to_numpy(dtype=np.float64),
            observed[TREATED].to_numpy(dtype=bool),
            list(observed[STRATUM]),
            alpha=self.plan.alpha,
            alternative=self.plan.alternative,
        )

    def _ancova(self) -> Estimate:
        columns = ["value", "baseline", TREATED, *self.plan.covariates]
        return ancova(
            self.table.observed[columns],
            self.plan.covariates,
            alpha=self.plan.alpha,
            alternative=self.plan.alternative,
        )

    def _ancova_log_ratio(self) -> Estimate:
        columns = ["follow_up", "baseline", TREATED, *self.plan.covariates]
        return ancova_log_ratio(
            self.table.observed[columns],
            self.plan.covariates,
            alpha=self.plan.alpha,
            alternative=self.plan.alternative,
        )

    def _repeated_measures(self) -> Estimate:
        return repeated_measures(
            self._long(),
            self.plan.covariates,
            visit=self.endpoint.visit,
            alpha=self.plan.alpha,
            alternative=self.plan.alternative,
        )

    def _long(self) -> pd.DataFrame:
        """One row per subject and visit with a value, the visits in the order of the schedule."""
        shared = ["baseline", TREATED, *self.plan.covariates]
        columns = {self.endpoint.visit: "value", **{visit: visit for visit in self.table.other_visits}}
        parts = []
        for visit in (visit.name for visit in self.plan.schedule if visit.name in columns):
            part = self.table.frame[shared].assign(value=self.table.frame[columns[visit]], visit=visit)
            parts.append(part[part["value"].notna()].rename_axis("subject").reset_index())
        return pd.concat(parts, ignore_index=True)

    def _worst_case(self) -> Estimate:
        better = self._better()
        if better is None:
            return Estimate(
                "Worst case", None, None, None, None, 0, 0,
                notes=("the plan does not say whether lower or higher is better for this endpoint",),
            )  # fmt: skip
        return worst_case(
            self.table.defined[["value", TREATED]],
            better=better,
            worst=self.plan.missing.worst_change.get(self.endpoint.name),
            alpha=self.plan.alpha,
            alternative=self.plan.alternative,
        )

    def _better(self) -> Better | None:
        if self.endpoint.better or self.endpoint.parameter not in LESION_PARAMETERS:
            return self.endpoint.better
        return "higher" if self.endpoint.parameter in _HIGHER_IS_BETTER else "lower"

    def _multiple_imputation(self) -> Estimate:
        return multiple_imputation(
            self._imputable(),
            self._imputation(),
            alpha=self.plan.alpha,
            alternative=self.plan.alternative,
        )

    def _imputable(self) -> pd.DataFrame:
        columns = ["value", "baseline", TREATED, *self.table.other_visits, *self.plan.covariates]
        return self.table.defined[columns]

    def _imputation(self) -> ImputationPlan:
        return ImputationPlan(
            other_visits=self.table.other_visits,
            covariates=self.plan.covariates,
            imputations=self.plan.missing.imputations,
            seed=self.plan.seed,
            lowest=_LOWEST_RELATIVE_CHANGE if self.endpoint.change == "relative" else None,
            method=self.plan.missing.imputation_method,
        )
