"""Each patient's figures for the plots: changes at one visit, courses over all visits, by arm or pooled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lesionseg.core.plan import LESION_PARAMETERS
from lesionseg.reports.trial.input import ReportInput, Row, figure, text
from lesionseg.reports.trial.plot_visits import Course, CoursePanel, VisitDay
from lesionseg.reports.trial.plot_waterfall import Dot, Group
from lesionseg.reports.trial.plots import CONTROL, POOLED, TREATMENT

ALL_PATIENTS = "All patients, arms closed"
_CHANGES = {"relative": "PCHG", "absolute": "CHG"}


@dataclass(frozen=True)
class Outcome:
    """One endpoint as the plots need it.

    Attributes
    ----------
    name, parameter, visit, change, role, population : str
        As in the plan.
    title : str
        The parameter in words.
    unit : str
        Of the parameter's value.
    """

    name: str
    parameter: str
    visit: str
    change: str
    role: str
    population: str
    title: str
    unit: str

    @property
    def axis(self) -> str:
        """Title of an axis of changes."""
        if self.change == "relative":
            return "Change from baseline (%)"
        unit = "percentage points" if self.unit == "%" else self.unit
        return f"Change from baseline ({unit})" if unit else "Change from baseline"


@dataclass(frozen=True)
class Cohort:
    """The patients' figures, and into which groups they may be told apart.

    Attributes
    ----------
    source : ReportInput
    groups : tuple of Group
        Treatment and control; or everybody, where the arms are closed.
    visits : tuple of VisitDay
        Of the schedule, in order.
    """

    source: ReportInput
    groups: tuple[Group, ...]
    visits: tuple[VisitDay, ...]

    @property
    def blinded(self) -> bool:
        """Whether the arms are closed."""
        return self.source.analysis is None

    def changes(self, outcome: Outcome) -> list[tuple[Group, list[Dot]]]:
        """Return every patient's change of an endpoint in its population, group by group."""
        members, found = self._members(outcome.population), defaultdict(list)
        for group, row in self.rows(outcome.parameter):
            value = figure(row, _CHANGES[outcome.change])
            subject = text(row, "USUBJID")
            if value is not None and text(row, "AVISIT") == outcome.visit and self._in(subject, members):
                found[group].append(Dot(subject, value))
        return [(each, sorted(found[each.name], key=lambda dot: dot.subject)) for each in self.groups]

    def courses(self, parameter: str) -> list[CoursePanel]:
        """Return every patient's values over the visits, group by group."""
        days = {visit.name: visit.day for visit in self.visits}
        points: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
        by_visit: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for group, row in self.rows(parameter):
            value, visit = figure(row, "AVAL"), text(row, "AVISIT")
            if value is None or visit not in days:
                continue
            day = figure(row, "ADY")
            points[group][text(row, "USUBJID")].append((days[visit] if day is None else day, value))
            by_visit[group][visit].append(value)
        return [
            CoursePanel(
                each,
                tuple(Course(name, tuple(sorted(at))) for name, at in sorted(points[each.name].items())),
                {visit: tuple(values) for visit, values in by_visit[each.name].items()},
            )
            for each in self.groups
        ]

    def missing(self, outcome: Outcome) -> list[Row]:
        """Return the rows of an endpoint's population without a change."""
        members = self._members(outcome.population)
        column = _CHANGES[outcome.change]
        return [
            row for _, row in self.rows(outcome.parameter)
            if text(row, "AVISIT") == outcome.visit and figure(row, column) is None
            and self._in(text(row, "USUBJID"), members)
        ]  # fmt: skip

    def rows(self, parameter: str) -> list[tuple[str, Row]]:
        """Return a parameter's rows, each with the name of its group."""
        known = {group.name for group in self.groups}
        found = ((self._group(row), row) for row in self.source.figures if row["PARAMCD"] == parameter)
        return [(group, row) for group, row in found if group in known]

    def _group(self, row: Row) -> str:
        return ALL_PATIENTS if self.blinded else text(row, "TRT01P")

    def _members(self, population: str) -> set[str] | None:
        """Return the subjects of a population; None where everybody belongs to it."""
        letters = "".join(letter for letter in population.upper() if letter.isalnum())
        column = f"{letters}FL"
        if not population or not any(column in row for row in self.source.subjects):
            return None
        return {text(row, "USUBJID") for row in self.source.subjects if row.get(column) in ("Y", True)}

    @staticmethod
    def _in(subject: str, members: set[str] | None) -> bool:
        return members is None or subject in members


def cohort_of(source: ReportInput, plan: Mapping[str, Any]) -> Cohort:
    """Gather the patients; without an analysis they are one group."""
    if source.analysis is None:
        groups: tuple[Group, ...] = (Group(ALL_PATIENTS, POOLED),)
    else:
        arms = plan["arms"]
        groups = (Group(str(arms["treatment"]), TREATMENT), Group(str(arms["control"]), CONTROL))
    return Cohort(source, groups, _visits(source.figures, plan.get("schedule") or ()))


def outcomes_of(source: ReportInput, plan: Mapping[str, Any]) -> list[Outcome]:
    """Return the plan's endpoints; without a plan what a trial of this kind asks by default."""
    names = {text(row, "PARAMCD"): text(row, "PARAM") for row in source.figures}
    wanted = plan.get("endpoints") or _default_endpoints(source.figures)
    units = _units(source)
    return [
        Outcome(
            name=str(one["name"]),
            parameter=str(one["parameter"]),
            visit=str(one["visit"]),
            change=str(one.get("change", "relative")),
            role=str(one.get("role", "secondary")),
            population=str(one.get("population", "")),
            title=names.get(str(one["parameter"])) or str(one["parameter"]),
            unit=units.get(str(one["parameter"]), ""),
        )
        for one in wanted
    ]


def _units(source: ReportInput) -> dict[str, str]:
    units = {code: parameter.unit for code, parameter in LESION_PARAMETERS.items()}
    for estimate in (source.analysis or {}).get("estimates", ()):
        if estimate.get("change") == "absolute" and estimate.get("analysis") == "primary":
            units.setdefault(str(estimate["parameter"]), str(estimate.get("unit") or ""))
    return units


def _default_endpoints(figures: Sequence[Row]) -> list[dict[str, str]]:
    """Whole lesion and solid component at the last visit with changes; at day 28 if there is one."""
    found: dict[str, float] = {}
    for row in figures:
        if figure(row, "CHG") is not None:
            found[text(row, "AVISIT")] = figure(row, "AVISITN") or 0.0
    if not found:
        return []
    visit = "day 28" if "day 28" in found else max(found, key=lambda name: found[name])
    return [
        {"name": name, "parameter": code, "visit": visit, "role": role}
        for name, code, role in (("lesion", "LESPCT", "primary"), ("solid", "SOLPCT", "secondary"))
    ]


def _visits(figures: Sequence[Row], schedule: Sequence[Mapping[str, Any]]) -> tuple[VisitDay, ...]:
    """Return the schedule; without a plan as AVISITN numbers the visits, by their days."""
    if schedule:
        return tuple(VisitDay(str(visit["name"]), float(visit["day"])) for visit in schedule)
    days = {text(row, "AVISIT"): figure(row, "AVISITN") or 0.0 for row in figures}
    return tuple(sorted((VisitDay(*item) for item in days.items()), key=lambda visit: visit.day))
