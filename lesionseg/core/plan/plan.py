"""The plan as a whole, and what its parts must agree on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from lesionseg.core.plan.sections import (
    Arms,
    Endpoint,
    MissingData,
    Name,
    Population,
    Readings,
    Responder,
    Section,
    Trial,
    VisitWindow,
)

DEFAULT_SCHEDULE = (
    VisitWindow(name="baseline", day=0, before=7, after=0, baseline=True),
    VisitWindow(name="day 10", day=10, before=3, after=3),
    VisitWindow(name="day 28", day=28, before=7, after=7),
    VisitWindow(name="day 90", day=90, before=14, after=14),
)
RESERVED_NAMES = (
    "subject", "arm", "birth_date", "visit", "value", "baseline", "follow_up", "treated", "stratum", "reason",
)  # fmt: skip
"""Columns of the analysis tables; no covariate or stratum may be called so."""
ALL_RANDOMISED = (Population(name="ITT"),)


class TrialPlan(Section):
    """A trial's analysis, fixed beforehand; docs/analysis-plan.md describes every key.

    Attributes
    ----------
    trial, arms, schedule, populations, endpoints, responders, missing, readings
        See their classes.
    covariates, strata : tuple of str
        Columns of the arm table: adjusted for in the covariance analyses; strata of the stratified test.
    alpha : float
        Significance level; intervals have 1 - alpha.
    alternative : str
        ``two-sided``, or the direction of treatment - control that the trial is to show.
    multiplicity : str
        Over primary and secondary endpoints in the order of the plan.
    seed : int
        Of everything random.
    sha256 : str
        Of the bytes of the file; empty for a plan made in code.
    """

    trial: Trial
    arms: Arms
    schedule: Annotated[tuple[VisitWindow, ...], Field(min_length=2)] = DEFAULT_SCHEDULE
    populations: Annotated[tuple[Population, ...], Field(min_length=1)] = ALL_RANDOMISED
    endpoints: Annotated[tuple[Endpoint, ...], Field(min_length=1)]
    responders: tuple[Responder, ...] = ()
    covariates: tuple[Name, ...] = ()
    strata: tuple[Name, ...] = ()
    missing: MissingData = Field(default_factory=MissingData)
    readings: Readings | None = None
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    alternative: Literal["two-sided", "less", "greater"] = "two-sided"
    multiplicity: Literal["fixed-sequence", "holm", "none"] = "fixed-sequence"
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 20201
    sha256: str = Field(default="", exclude=True)

    @property
    def baseline(self) -> VisitWindow:
        """The visit that change is counted from."""
        return next(visit for visit in self.schedule if visit.baseline)

    def visit(self, name: str) -> VisitWindow:
        """Return the visit of that name."""
        return next(visit for visit in self.schedule if visit.name == name)

    def population(self, name: str) -> Population:
        """Return the population of that name."""
        return next(population for population in self.populations if population.name == name)

    @property
    def confirmatory(self) -> tuple[Endpoint, ...]:
        """Primary and secondary endpoints in the order of the plan."""
        return tuple(endpoint for endpoint in self.endpoints if endpoint.role != "exploratory")

    def as_dict(self) -> dict[str, Any]:
        """Return the whole plan in JSON values, with the hash of its file."""
        return {**self.model_dump(mode="json"), "sha256": self.sha256}

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_schedule(self.schedule)
        for key in ("populations", "endpoints", "responders"):
            _refuse_repeated(key, [part.name for part in getattr(self, key)])
        _refuse_repeated("covariates", self.covariates)
        _refuse_repeated("strata", self.strata)
        for key in ("covariates", "strata"):
            _refuse_reserved(key, getattr(self, key), [visit.name for visit in self.schedule])
        _refuse_repeated("populations", [part.variable for part in self.populations])
        for key in ("endpoints", "responders"):
            _check_references(self, key, getattr(self, key))
        _check_names("missing.worst_change", self.missing.worst_change, [e.name for e in self.endpoints])
        if not any(endpoint.role == "primary" for endpoint in self.endpoints):
            raise ValueError("endpoints: at least one endpoint needs the role primary")
        return self


def _check_schedule(schedule: Sequence[VisitWindow]) -> None:
    _refuse_repeated("schedule", [visit.name for visit in schedule])
    marked = [visit.name for visit in schedule if visit.baseline]
    if len(marked) != 1:
        raise ValueError(f"schedule: exactly one visit is the baseline, not {len(marked)}")
    if not schedule[0].baseline:
        raise ValueError(f"schedule: the baseline {marked[0]} must come first")
    for earlier, later in pairwise(schedule):
        if later.first_day <= earlier.last_day:
            raise ValueError(
                f"schedule: the window of {later.name} starts on day {later.first_day}, before that "
                f"of {earlier.name} has ended on day {earlier.last_day}; "
                "visits stand in order and do not overlap"
            )


def _refuse_repeated(key: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{key}: {name} stands twice")
        seen.add(name)


def _refuse_reserved(key: str, names: Iterable[str], visits: Sequence[str]) -> None:
    for name in names:
        if name in RESERVED_NAMES or name in visits:
            raise ValueError(f"{key}: {name} is a word of the analysis itself; rename that column")


def _check_references(plan: TrialPlan, key: str, parts: Sequence[Endpoint | Responder]) -> None:
    later = [visit.name for visit in plan.schedule if not visit.baseline]
    for number, part in enumerate(parts):
        _check_names(f"{key}[{number}].visit", [part.visit], later)
        _check_names(f"{key}[{number}].population", [part.population], [p.name for p in plan.populations])


def _check_names(key: str, names: Iterable[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"{key}: there is no {name}; the plan has {', '.join(known)}")
