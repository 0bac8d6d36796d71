"""The plots of patients: waterfall, box and strip, courses; by arm, or pooled while blinded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lesionseg.reports.trial.codes import parameter_words
from lesionseg.reports.trial.patients import Cohort, Outcome
from lesionseg.reports.trial.plot_arms import box_strip_svg
from lesionseg.reports.trial.plot_axes import quartiles
from lesionseg.reports.trial.plot_visits import CoursePanel, courses_svg
from lesionseg.reports.trial.plot_waterfall import Marker, waterfall_svg
from lesionseg.reports.trial.table import Cell, Figure, Head, Table
from lesionseg.reports.trial.words import NOTHING, counted, digits_for, fixed, plain


@dataclass(frozen=True)
class OutcomeFigures:
    """What the page shows of one endpoint's patients; empty where nobody has a value."""

    title: str
    figures: tuple[Figure, ...]
    missing: int


def outcome_figures(
    cohort: Cohort, outcome: Outcome, responders: Sequence[Mapping[str, Any]] = ()
) -> OutcomeFigures:
    """Draw the waterfall and the box plot of one endpoint's changes."""
    changes = cohort.changes(outcome)
    name = parameter_words(outcome.parameter, outcome.title)
    title = f"{name}: {outcome.change} change, baseline to {outcome.visit}"
    missing = len(cohort.missing(outcome))
    if not any(dots for _, dots in changes):
        return OutcomeFigures(title, (), missing)
    lost = f" {counted(missing, 'patient')} without a value {'is' if missing == 1 else 'are'} not drawn."
    waterfall = Figure(
        waterfall_svg(changes, outcome.axis, _markers(outcome, responders)),
        f"{title}. Each bar is one patient.{lost if missing else ''}",
    )
    box = Figure(
        box_strip_svg(changes, outcome.axis),
        f"{title}. Each point is one patient; the box holds the middle half, its bar is the median; whiskers "
        "reach the last patient within 1.5 times the box. Triangles mark patients beyond the axis.",
    )
    return OutcomeFigures(title, (waterfall, box), missing)


def course_figure(cohort: Cohort, outcome: Outcome) -> Figure | None:
    """Draw a parameter's values of every patient over the visits."""
    panels = cohort.courses(outcome.parameter)
    if not any(panel.courses for panel in panels):
        return None
    name = parameter_words(outcome.parameter, outcome.title)
    axis = f"{name} ({outcome.unit})" if outcome.unit else name
    caption = (
        f"{name} over the visits. A thin line is one patient; the thick line joins the medians, "
        "vertical bars reach from the first to the third quartile of whoever has a scan at that visit."
    )
    return Figure(courses_svg(panels, cohort.visits, axis), caption)


def visit_table(cohort: Cohort, outcomes: Sequence[Outcome]) -> Table | None:
    """Return median, quartiles and range of every parameter at every visit, group by group."""
    names = {one.parameter: one for one in outcomes}
    rows = [
        row for parameter, outcome in names.items()
        for row in _visit_rows(cohort, cohort.courses(parameter), outcome)
    ]  # fmt: skip
    heads = (
        Head("Value", left=True), Head("Visit", left=True),
        *(Head(group.name) for group in cohort.groups),
    )  # fmt: skip
    note = "Median (first to third quartile), and beneath the number of patients and the range."
    return Table(heads, tuple(rows), note=note) if rows else None


def _visit_rows(cohort: Cohort, panels: Sequence[CoursePanel], outcome: Outcome) -> list[tuple[Cell, ...]]:
    name = parameter_words(outcome.parameter, outcome.title)
    unit = f"{name} ({outcome.unit})" if outcome.unit else name
    return [
        (Cell(unit), Cell(visit.name), *(_summary(panel.by_visit.get(visit.name, ())) for panel in panels))
        for visit in cohort.visits
        if any(panel.by_visit.get(visit.name) for panel in panels)
    ]


def _summary(values: Sequence[float]) -> Cell:
    if not values:
        return Cell(NOTHING, "n = 0")
    first, median, third = quartiles(values)
    digits = digits_for([median])
    spread = f"{fixed(first, digits)} to {fixed(third, digits)}"
    ends = f"{fixed(min(values), digits)} to {fixed(max(values), digits)}"
    return Cell(f"{fixed(median, digits)} ({spread})", f"n = {len(values):,}; {ends}")


def _markers(outcome: Outcome, responders: Sequence[Mapping[str, Any]]) -> list[Marker]:
    """Return the thresholds of responders that are defined on this very change."""
    found = []
    for one in responders:
        same = all(one.get(key) == getattr(outcome, key) for key in ("parameter", "visit", "change"))
        bound = one.get("at_most") if one.get("at_most") is not None else one.get("at_least")
        if same and bound is not None:
            unit = " %" if outcome.change == "relative" else ""
            found.append(Marker(float(bound), f"{one.get('name')}: {plain(float(bound))}{unit}"))
    return found
