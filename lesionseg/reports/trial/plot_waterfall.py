"""Waterfall: one bar for each patient's change, from the largest rise to the largest fall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lesionseg.reports.trial.plot_axes import Scale, axis_range, draw_value_axis
from lesionseg.reports.trial.plots import INK, MUTED, Drawing, Look, Stroke, Type, text_width
from lesionseg.reports.trial.words import digits_for, signed_fixed

_WIDTH, _HEIGHT = 860.0, 360.0
_LEFT, _TOP, _FOOT = 76.0, 40.0, 30.0
_WIDEST_BAR = 46.0
_NAMED_FROM_PX = 11.0
"""Bars at least so wide leave room for their patients' names beneath; narrower ones are named on pointing."""


@dataclass(frozen=True)
class Group:
    """A name and how its patients are drawn."""

    name: str
    look: Look


@dataclass(frozen=True)
class Dot:
    """One patient's figure."""

    subject: str
    value: float


@dataclass(frozen=True)
class Marker:
    """A value that a dashed line names, such as a responder's threshold."""

    value: float
    name: str


def waterfall_svg(
    groups: Sequence[tuple[Group, Sequence[Dot]]], title: str, markers: Sequence[Marker] = ()
) -> str:
    """Draw the bars of all groups in one descending order.

    Parameters
    ----------
    groups : sequence of (Group, sequence of Dot)
        At least one dot in all.
    title : str
        Of the vertical axis, with its unit.
    markers : sequence of Marker
        Drawn across where they lie within the axis.
    """
    bars = sorted(
        ((dot.value, dot.subject, group) for group, dots in groups for dot in dots),
        key=lambda bar: (-bar[0], bar[1]),
    )
    pitch = min((_WIDTH - _LEFT - 10) / len(bars), _WIDEST_BAR)
    names = pitch >= _NAMED_FROM_PX
    foot = _FOOT + (max(text_width(subject, 10) for _, subject, _ in bars) if names else 0.0)
    height = _HEIGHT + foot - _FOOT
    drawing = Drawing(_WIDTH, height, f"Waterfall of {len(bars)} patients: {title}")
    low, high = axis_range((value for value, *_ in bars), cut=True)
    scale = Scale(low, high, height - foot, _TOP)
    right = _LEFT + pitch * len(bars)
    draw_value_axis(drawing, scale, (_LEFT, max(right, 0.45 * _WIDTH)), title)
    _bars(drawing, bars, scale, pitch)
    for marker in markers:
        _marker(drawing, marker, scale, max(right, 0.45 * _WIDTH))
    _below(drawing, [subject for _, subject, _ in bars], pitch, names=names)
    if len(groups) > 1:
        legend(drawing, [group for group, _ in groups], _LEFT, 18)
    return drawing.svg()


def legend(drawing: Drawing, groups: Sequence[Group], x: float, y: float) -> None:
    """Name each group beside its sign, in one line."""
    for group in groups:
        drawing.box((x, y - 10), (14, 12), group.look)
        drawing.text((x + 20, y), group.name)
        x += 44 + text_width(group.name)


def _bars(drawing: Drawing, bars: list[tuple[float, str, Group]], scale: Scale, pitch: float) -> None:
    zero, width = scale(0.0), max(pitch * 0.8, 0.6)
    edge = min(0.9, width / 5)
    digits = digits_for([value for value, *_ in bars])
    for index, (value, subject, group) in enumerate(bars):
        x = _LEFT + index * pitch + (pitch - width) / 2
        y = scale(value)
        words = signed_fixed(value, digits)
        corner, tall = (x, min(y, zero)), max(abs(y - zero), 1.0)
        drawing.box(
            corner, (width, tall), group.look, title=f"{subject}, {group.name}: {words}", edge_width=edge
        )
        if not scale.holds(value):
            _cut_sign(drawing, (x + width / 2, y), words, upwards=value > 0)


def _cut_sign(drawing: Drawing, tip: tuple[float, float], words: str, *, upwards: bool) -> None:
    """Say that a bar ends beyond the axis, and where."""
    (x, y), away = tip, -1 if upwards else 1
    drawing.polygon([(x - 4, y + away * 2), (x + 4, y + away * 2), (x, y + away * 8)], INK)
    drawing.text((x + 7, y + away * 8 + (3 if upwards else 5)), words, Type(size=10))


def _marker(drawing: Drawing, marker: Marker, scale: Scale, right: float) -> None:
    if not scale.holds(marker.value):
        return
    y = scale(marker.value)
    drawing.line((_LEFT, y), (right, y), Stroke(INK, 1.1, dash="2 3"))
    # falls come last, at the right: the left end is where a line below zero is free of bars
    place = (_LEFT + 4, y + 14) if marker.value < 0 else (right, y - 5)
    drawing.text(place, marker.name, Type(size=11, anchor="start" if marker.value < 0 else "end"))


def _below(drawing: Drawing, subjects: list[str], pitch: float, *, names: bool) -> None:
    bottom = drawing.height - 8
    if not names:
        words = f"{len(subjects)} patients, the largest rise at the left"
        drawing.text((_LEFT, bottom), words, Type(color=MUTED))
        return
    for index, subject in enumerate(subjects):
        x = _LEFT + (index + 0.5) * pitch + 4
        drawing.text((x, bottom), subject, Type(size=10, color=MUTED, turned=True))
