"""One endpoint's table: everyone of its population, with the value or the reason why it is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from lesionseg.core.errors import PlanError
from lesionseg.core.plan import Endpoint, Responder, TrialPlan
from lesionseg.statistics.analysis.columns import (
    CHANGE_COLUMN,
    NEGATIVE_BASELINE,
    NO_BASELINE,
    NO_VALUE,
    UNDEFINED_CHANGE,
    ZERO_BASELINE,
)
from lesionseg.statistics.analysis.subjects import STRATUM, TREATED, JoinedTrial

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class EndpointTable:
    """What one endpoint is analysed from.

    Attributes
    ----------
    endpoint : Endpoint or Responder
    frame : DataFrame
        Indexed by subject of the population: `value` (the change; NaN where missing), `baseline`,
        `follow_up`, `treated`, `stratum`, `reason` (code, "" where there is a value), `reason_text`, the
        plan's covariates, and the change at the other visits after the baseline under their names.
    other_visits : tuple of str
        Those among them that hold any value.
    """

    endpoint: Endpoint | Responder
    frame: pd.DataFrame
    other_visits: tuple[str, ...]

    @cached_property
    def observed(self) -> pd.DataFrame:
        """Subjects with a value."""
        return self.frame[self.frame["value"].notna()]

    @property
    def defined(self) -> pd.DataFrame:
        """Subjects with a value, or with one that could have been observed: not those with baseline 0."""
        return self.frame[~self.frame["reason"].isin(UNDEFINED_CHANGE)]

    @property
    def missing(self) -> pd.DataFrame:
        """Subjects without a value."""
        return self.frame[self.frame["value"].isna()]

    def values(self, *, treated: bool) -> FloatArray:
        """Return the observed changes of one arm."""
        observed = self.observed
        return observed.loc[observed[TREATED] == treated, "value"].to_numpy(dtype=np.float64)


def check_parameters(trial: JoinedTrial) -> None:
    """Refuse (PlanError) a plan that names a parameter no table has."""
    known = trial.parameter_names
    plan = trial.plan
    parts: tuple[tuple[str, Sequence[Endpoint | Responder]], ...] = (
        ("endpoints", plan.endpoints),
        ("responders", plan.responders),
    )
    unknown = [
        f"{key}[{number}].parameter: there is no {part.parameter}"
        for key, group in parts
        for number, part in enumerate(group)
        if part.parameter not in known
    ]
    if unknown:
        raise PlanError(
            "\n".join(unknown),
            case=f"plan of {plan.trial.identifier}",
            expected=", ".join(known),
            remedy="Correct the code, or pass the table that holds it with --endpoints",
        )


def endpoint_table(trial: JoinedTrial, endpoint: Endpoint | Responder) -> EndpointTable:
    """Return the endpoint's table for its population."""
    subjects = trial.subjects[trial.subjects[trial.plan.population(endpoint.population).variable]]
    rows = trial.at(endpoint.parameter, endpoint.visit).reindex(subjects.index)
    column = CHANGE_COLUMN[endpoint.change]
    frame = pd.DataFrame(
        {
            "value": rows[column].astype("float64"),
            "baseline": rows["BASE"].astype("float64"),
            "follow_up": rows["AVAL"].astype("float64"),
            TREATED: subjects[TREATED],
            STRATUM: subjects[STRATUM],
        }
    )
    frame["reason"] = np.where(frame["value"].notna(), "", _reasons(frame, rows["REASCD"]))
    given = rows["REAS"].astype("str").fillna("")
    frame["reason_text"] = np.where(frame["reason"] == rows["REASCD"].astype("str"), given, "")
    for name in trial.plan.covariates:
        frame[name] = subjects[name]
    others = _other_visits(trial.plan, endpoint)
    for visit in others:
        frame[visit] = trial.at(endpoint.parameter, visit)[column].reindex(subjects.index).astype("float64")
    return EndpointTable(endpoint, frame, tuple(visit for visit in others if frame[visit].notna().any()))


def _other_visits(plan: TrialPlan, endpoint: Endpoint | Responder) -> list[str]:
    return [visit.name for visit in plan.schedule if not visit.baseline and visit.name != endpoint.visit]


def _reasons(frame: pd.DataFrame, given: pd.Series) -> npt.NDArray[np.str_]:
    """Return the reason in the table; where there is none, what the other columns say."""
    codes = given.astype("str").fillna("").to_numpy(dtype=str)
    follow_up, baseline = frame["follow_up"].to_numpy(), frame["baseline"].to_numpy()
    conditions = [np.isnan(follow_up), np.isnan(baseline), baseline == 0, baseline < 0]
    found = [np.full(codes.shape, code) for code in (NO_VALUE, NO_BASELINE, ZERO_BASELINE, NEGATIVE_BASELINE)]
    return np.where(codes != "", codes, np.select(conditions, found, default=NO_VALUE))
