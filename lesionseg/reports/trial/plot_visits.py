"""Every patient's course over the visits, one panel for each group, with the median and its quartiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lesionseg.reports.trial.plot_axes import Scale, axis_range, draw_value_axis, quartiles
from lesionseg.reports.trial.plot_waterfall import Group
from lesionseg.reports.trial.plots import INK, MUTED, RULE, Drawing, Look, Stroke, Type, text_width

_WIDTH, _HEIGHT = 860.0, 380.0
_LEFT, _RIGHT, _TOP, _FOOT, _GAP = 76.0, 26.0, 34.0, 62.0, 52.0
_HALF_GLYPH = 6.0


@dataclass(frozen=True)
class Course:
    """One patient's values: (day, value) in order of days."""

    subject: str
    values: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class CoursePanel:
    """One group's patients, and its values by visit for the median."""

    group: Group
    courses: tuple[Course, ...]
    by_visit: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class VisitDay:
    """A visit of the schedule and its day."""

    name: str
    day: float


def courses_svg(panels: Sequence[CoursePanel], visits: Sequence[VisitDay], title: str) -> str:
    """Draw panels side by side on one scale.

    Parameters
    ----------
    panels : sequence of CoursePanel
        One or more, with at least one value in all.
    visits : sequence of VisitDay
        In order of days.
    title : str
        Of the vertical axis, with its unit.
    """
    patients = sum(len(panel.courses) for panel in panels)
    drawing = Drawing(_WIDTH, _HEIGHT, f"{title} of {patients} patients over the visits")
    points = [point for panel in panels for course in panel.courses for point in course.values]
    low, high = axis_range(value for _, value in points)
    scale = Scale(low, high, _HEIGHT - _FOOT, _TOP)
    days = [day for day, _ in points] + [visit.day for visit in visits]
    span = max(max(days) - min(days), 1.0)
    width = (_WIDTH - _LEFT - _RIGHT - _GAP * (len(panels) - 1)) / len(panels)
    for index, panel in enumerate(panels):
        left = _LEFT + index * (width + _GAP)
        across = Scale(min(days) - 0.03 * span, max(days) + 0.03 * span, left, left + width)
        _frame(drawing, scale, across, title if index == 0 else "")
        _visit_names(drawing, visits, across)
        _courses(drawing, panel, scale, across)
        _medians(drawing, panel, visits, scale, across)
        words = f"{panel.group.name} ({len(panel.courses)})"
        drawing.text((left, 18), words, Type(size=13, bold=True))
    return drawing.svg()


def _frame(drawing: Drawing, scale: Scale, across: Scale, title: str) -> None:
    if title:
        draw_value_axis(drawing, scale, (across.start, across.end), title)
        return
    for tick in scale.ticks():
        drawing.line((across.start, scale(tick)), (across.end, scale(tick)), Stroke(RULE))


def _visit_names(drawing: Drawing, visits: Sequence[VisitDay], across: Scale) -> None:
    """Name the visits under their days; a name that would touch the one before it goes a line lower."""
    bottom = _HEIGHT - _FOOT
    ends = [float("-inf"), float("-inf")]
    for visit in visits:
        x, half = across(visit.day), text_width(visit.name, 11) / 2
        row = 0 if x - half > ends[0] + _HALF_GLYPH else 1
        ends[row] = x + half
        drawing.line((x, bottom), (x, bottom + (6 if row == 0 else 18)), Stroke(MUTED))
        drawing.text((x, bottom + 18 + 14 * row), visit.name, Type(size=11, anchor="middle", color=MUTED))
    middle = (across.start + across.end) / 2
    drawing.text((middle, _HEIGHT - 8), "Days since day zero", Type(anchor="middle"))


def _courses(drawing: Drawing, panel: CoursePanel, scale: Scale, across: Scale) -> None:
    look = panel.group.look
    faint = 0.55 if len(panel.courses) <= 20 else 0.35
    for course in panel.courses:
        points = [(across(day), scale(value)) for day, value in course.values]
        if len(points) == 1:
            drawing.point(points[0], 2, look, course.subject)
        elif points:
            stroke = Stroke(look.edge, 1.0, opacity=faint)
            drawing.polyline(points, stroke, f"{course.subject}, {panel.group.name}")


def _medians(
    drawing: Drawing, panel: CoursePanel, visits: Sequence[VisitDay], scale: Scale, across: Scale
) -> None:
    found = [
        (across(visit.day), *quartiles(panel.by_visit[visit.name]))
        for visit in visits
        if panel.by_visit.get(visit.name)
    ]
    look = panel.group.look
    drawing.polyline(
        [(x, scale(median)) for x, _, median, _ in found], Stroke(look.edge, 3.0, look.dash), "median"
    )
    strong = Look(look.fill, INK, square=look.square)
    for x, first, median, third in found:
        drawing.line((x, scale(first)), (x, scale(third)), Stroke(INK, 2.0))
        drawing.point((x, scale(median)), 5, strong, "median and quartiles")
