"""Who came how far: the flow of patients to the primary endpoint, arm by arm, or pooled while blinded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lesionseg.reports.trial.codes import parameter_words, reason_words
from lesionseg.reports.trial.input import Row, figure, text
from lesionseg.reports.trial.patients import Cohort, Outcome
from lesionseg.reports.trial.plot_flow import FlowColumn, FlowStep, flow_svg
from lesionseg.reports.trial.table import Figure


@dataclass(frozen=True)
class _Course:
    """One patient's rows of the primary parameter at the two visits that count."""

    baseline: Row
    follow_up: Row


def flow_figure(cohort: Cohort, outcomes: list[Outcome], flow: Mapping[str, Any] | None) -> Figure | None:
    """Draw the flow to the first primary endpoint.

    Parameters
    ----------
    cohort : Cohort
    outcomes : list of Outcome
    flow : mapping or None
        Of ``analysis.json``; None while blinded.
    """
    primary = next((one for one in outcomes if one.role == "primary"), None)
    if primary is None or not cohort.visits:
        return None
    analysed = {group.name: {dot.subject for dot in dots} for group, dots in cohort.changes(primary)}
    courses = _courses(cohort, primary)
    columns = [
        FlowColumn(_steps(courses.get(group.name, {}), analysed[group.name], primary, cohort, group.name))
        for group in cohort.groups
    ]
    everybody = sum(len(each) for each in courses.values())
    if flow is None:
        return Figure(flow_svg(columns[0].steps, ()), _caption(primary))
    top = (FlowStep("Randomised", int(flow.get("randomised", everybody))),)
    return Figure(flow_svg(top, columns), _caption(primary))


def _caption(primary: Outcome) -> str:
    name = parameter_words(primary.parameter, primary.title)
    return (
        f"Patients on their way to the primary endpoint: {name}, {primary.change} change from baseline to "
        f"{primary.visit}. Reasons of single patients stand in the listing below."
    )


def _courses(cohort: Cohort, primary: Outcome) -> dict[str, dict[str, _Course]]:
    """Return every patient's two rows, group by group."""
    rows: dict[str, dict[str, dict[str, Row]]] = {}
    for group, row in cohort.rows(primary.parameter):
        rows.setdefault(group, {}).setdefault(text(row, "USUBJID"), {})[text(row, "AVISIT")] = row
    return {
        group: {
            subject: _Course(found.get(cohort.visits[0].name, {}), found.get(primary.visit, {}))
            for subject, found in patients.items()
        }
        for group, patients in rows.items()
    }


def _steps(
    courses: Mapping[str, _Course], analysed: set[str], primary: Outcome, cohort: Cohort, name: str
) -> tuple[FlowStep, ...]:
    first = cohort.visits[0].name
    start = {subject for subject, course in courses.items() if figure(course.baseline, "AVAL") is not None}
    both = {subject for subject in start if figure(courses[subject].follow_up, "AVAL") is not None}
    no_baseline = Counter(_why(courses[one].baseline) for one in courses.keys() - start)
    no_visit = Counter(_why(courses[one].follow_up) for one in start - both)
    outside = f"outside the population {primary.population}"
    not_analysed = Counter(_why(courses[one].follow_up, outside) for one in both - analysed)
    population = f" ({primary.population})" if primary.population else ""
    return (
        FlowStep("Patients with scans" if cohort.blinded else name, len(courses)),
        FlowStep(f"Measured at {first}", len(start), _ordered(no_baseline)),
        FlowStep(f"Measured at {primary.visit} too", len(both), _ordered(no_visit)),
        FlowStep(f"With the primary endpoint{population}", len(analysed), _ordered(not_analysed)),
    )


def _why(row: Row, otherwise: str = "no value") -> str:
    code = text(row, "REASCD")
    return reason_words(code) if code else otherwise


def _ordered(reasons: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(reasons.items(), key=lambda item: (-item[1], item[0])))
