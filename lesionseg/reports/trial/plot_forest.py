"""Forest plot: effects with their intervals; one axis for each unit, since other units do not compare."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from lesionseg.reports.trial.plot_axes import Scale, axis_range, draw_horizontal_axis
from lesionseg.reports.trial.plots import INK, MUTED, RULE, Drawing, Look, Stroke, Type
from lesionseg.reports.trial.words import interval, plain, signed_fixed

_WIDTH = 860.0
_LABEL, _NUMBERS, _PLOT, _FIGURES, _P = 4.0, 308.0, (352.0, 592.0), 612.0, 856.0
_ROW, _HEAD, _FOOT, _GAP = 30.0, 44.0, 62.0, 16.0
_LABEL_CHARACTERS = 42
_SQUARE = Look("#0072b2", "#00496f", square=True)
_ARROW = 7.0


@dataclass(frozen=True)
class ForestRow:
    """One effect and its interval; None where there is none, an open end for a one-sided interval.

    Attributes
    ----------
    label, detail : str
        What was compared; and in smaller letters, when, in whom or how.
    numbers : str
        Patients of both arms.
    effect, low, high : float or None
    digits : int
        Decimals that the figures are written with.
    p_words : str
    level : str
        Confidence of the interval, where it is not that of the others.
    """

    label: str
    detail: str
    numbers: str
    effect: float | None
    low: float | None
    high: float | None
    digits: int
    p_words: str
    level: str = ""


@dataclass(frozen=True)
class ForestPanel:
    """The rows that share a unit, which stands under their axis."""

    title: str
    rows: tuple[ForestRow, ...]


@dataclass(frozen=True)
class ForestHeads:
    """Words above the columns, and at either side of no difference."""

    numbers: str
    effect: str
    p_value: str
    lower: str
    higher: str


def forest_svg(panels: Sequence[ForestPanel], heads: ForestHeads, words: str) -> str:
    """Draw the panels one below the other.

    Parameters
    ----------
    panels : sequence of ForestPanel
    heads : ForestHeads
    words : str
        What the plot shows, for who cannot see it.
    """
    height = _HEAD + sum(_ROW * len(panel.rows) + _FOOT + _GAP for panel in panels)
    drawing = Drawing(_WIDTH, height, words)
    _heads(drawing, heads)
    top = _HEAD
    for panel in panels:
        bottom = top + _ROW * len(panel.rows)
        _panel(drawing, panel, (top, bottom))
        top = bottom + _FOOT + _GAP
    return drawing.svg()


def _heads(drawing: Drawing, heads: ForestHeads) -> None:
    middle = sum(_PLOT) / 2
    drawing.text((_NUMBERS, 32), heads.numbers, Type(size=11, anchor="middle", bold=True))
    drawing.text((middle - 14, 32), f"\N{LEFTWARDS ARROW} {heads.lower}", Type(size=11, anchor="end"))
    drawing.text((middle + 14, 32), f"{heads.higher} \N{RIGHTWARDS ARROW}", Type(size=11))
    drawing.text((_FIGURES, 32), heads.effect, Type(size=11, bold=True))
    drawing.text((_P, 32), heads.p_value, Type(size=11, anchor="end", bold=True))
    drawing.line((0, _HEAD - 4), (_WIDTH, _HEAD - 4), Stroke(MUTED))


def _panel(drawing: Drawing, panel: ForestPanel, place: tuple[float, float]) -> None:
    top, bottom = place
    ends = [
        end for row in panel.rows for end in (row.effect, row.low, row.high) if end is not None
    ]  # no difference is always in the picture
    scale = Scale(*_symmetric(axis_range(ends, cut=True)), *_PLOT)
    draw_horizontal_axis(drawing, scale, (top, bottom), panel.title)
    for index, row in enumerate(panel.rows):
        y = top + (index + 0.5) * _ROW
        if index:
            drawing.line((0, y - _ROW / 2), (_WIDTH, y - _ROW / 2), Stroke(RULE, 0.6))
        _words(drawing, row, y)
        _interval(drawing, row, scale, y)


def _symmetric(ends: tuple[float, float]) -> tuple[float, float]:
    """Put no difference in the middle, where the words about the sides stand."""
    reach = max(abs(ends[0]), abs(ends[1]))
    return -reach, reach


def _words(drawing: Drawing, row: ForestRow, y: float) -> None:
    label = textwrap.shorten(row.label, _LABEL_CHARACTERS, placeholder=" \N{HORIZONTAL ELLIPSIS}")
    drawing.text((_LABEL, y - 1), label)
    detail = textwrap.shorten(row.detail, _LABEL_CHARACTERS + 10, placeholder=" \N{HORIZONTAL ELLIPSIS}")
    drawing.text((_LABEL, y + 11), detail, Type(size=10, color=MUTED))
    drawing.text((_NUMBERS, y + 4), row.numbers, Type(anchor="middle"))
    if row.effect is None:
        drawing.text((_FIGURES, y + 4), "not estimated", Type(color=MUTED))
        return
    ends = interval(row.low, row.high, row.digits) + (f", {row.level}" if row.level else "")
    drawing.text((_FIGURES, y + 4), f"{signed_fixed(row.effect, row.digits)} ({ends})")
    drawing.text((_P, y + 4), row.p_words, Type(anchor="end"))


def _interval(drawing: Drawing, row: ForestRow, scale: Scale, y: float) -> None:
    if row.effect is None:
        return
    low = scale.low if row.low is None else row.low
    high = scale.high if row.high is None else row.high
    title = f"{row.label}: {plain(round(row.effect, 4))}"
    drawing.line((scale(low), y), (scale(high), y), Stroke(INK, 1.8))
    for end, known, away in ((low, row.low, -1), (high, row.high, 1)):
        x = scale(end)
        if known is None or not scale.holds(end):
            drawing.polygon([(x, y - 5), (x, y + 5), (x + away * _ARROW, y)], INK)
        else:
            drawing.line((x, y - 5), (x, y + 5), Stroke(INK, 1.8))
    drawing.point((scale(row.effect), y), 6, _SQUARE, title)
