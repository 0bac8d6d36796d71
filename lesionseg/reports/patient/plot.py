"""Proportions of one patient over the visits, with their intervals, as SVG text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lesionseg.reports.page import svg_of
from lesionseg.reports.patient.tables import PatientTables, Visit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SERIES = (
    ("LESPCT", "whole lesion", "#0072b2", "o", "-"),
    ("SOLPCT", "solid component", "#d55e00", "s", "--"),
)
"""Parameter, name, colour of the Okabe-Ito palette, marker, line."""
_INK, _MUTED = "#333333", "#767676"
_SIZE_INCHES = (8.2, 3.8)
_PLOT_AREA = (0.09, 0.27, 0.88, 0.69)
_CLOSE, _LOWER = 0.1, "\n\n"
"""Visits nearer than this part of the axis take turns in height."""


def proportions_svg(tables: PatientTables) -> str:
    """Draw lesion and solid component, in % of the lung, over the days from day zero.

    A visit stands at the day of its scan, or at its planned day where there is none. Where a visit between
    two others has no value, only a thin dotted line joins these.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE_INCHES)
    axes = figure.add_axes(_PLOT_AREA)
    for series in SERIES:
        _draw_series(axes, tables, series)
    _finish(axes, tables)
    return svg_of(figure)


def _draw_series(axes: Axes, tables: PatientTables, series: tuple[str, str, str, str, str]) -> None:
    code, words, paint, marker, dash = series
    values = [tables.number(code, visit.name, "AVAL") for visit in tables.visits]
    if all(value is None for value in values):
        return
    days = [place_of(visit) for visit in tables.visits]
    known = [(day, value) for day, value in zip(days, values, strict=True) if value is not None]
    axes.plot(*zip(*known, strict=True), color=paint, linestyle=":", linewidth=0.9)
    gapped = [float("nan") if value is None else value for value in values]
    axes.plot(days, gapped, color=paint, marker=marker, linestyle=dash, linewidth=1.5, label=words)
    for visit, day in zip(tables.visits, days, strict=True):
        low, high = (tables.number(code, visit.name, end) for end in ("AVALLO", "AVALHI"))
        if low is not None and high is not None:
            axes.plot([day, day], [low, high], color=paint, linewidth=1.2, marker="_", markersize=7)


def _finish(axes: Axes, tables: PatientTables) -> None:
    axes.set_ylim(bottom=0)
    for visit in tables.visits:
        axes.axvline(place_of(visit), color="#dddddd", linewidth=0.8, zorder=0)
        if all(tables.number(code, visit.name, "AVAL") is None for code, *_ in SERIES):
            axes.annotate(
                "no value", (place_of(visit), 0.03), xycoords=("data", "axes fraction"), rotation=90,
                ha="right", va="bottom", fontsize=8.5, color=_MUTED,
            )  # fmt: skip
    axes.set_xticks([place_of(visit) for visit in tables.visits], _tick_words(tables.visits))
    axes.margins(x=0.06)
    axes.set_xlabel("Visit (day of its scan, from day zero)", color=_INK)
    axes.set_ylabel("% of the lung", color=_INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=_INK)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=9.5, labelcolor=_INK)


def place_of(visit: Visit) -> float:
    """Day at which a visit is drawn."""
    return visit.planned_day if visit.day is None else visit.day


def _tick_words(visits: Sequence[Visit]) -> list[str]:
    """Name and day of each visit; one that follows close on another stands lower, so that they stay apart."""
    places = [place_of(visit) for visit in visits]
    close = _CLOSE * ((max(places) - min(places)) or 1.0)
    words: list[str] = []
    lowered = False
    for number, visit in enumerate(visits):
        lowered = number > 0 and places[number] - places[number - 1] < close and not lowered
        day = f"{places[number]:.0f}".replace("-", "\N{MINUS SIGN}")
        words.append(f"{_LOWER if lowered else ''}{visit.name}\n({day})")
    return words
