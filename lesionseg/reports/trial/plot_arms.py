"""Box and strip: every patient's figure by group, with median, quartiles and whiskers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lesionseg.reports.trial.plot_axes import Scale, axis_range, draw_value_axis, quartiles
from lesionseg.reports.trial.plot_waterfall import Dot, Group
from lesionseg.reports.trial.plots import INK, MUTED, Drawing, Look, Stroke, Type
from lesionseg.reports.trial.words import digits_for, signed_fixed

_HEIGHT, _LEFT, _TOP, _FOOT = 380.0, 76.0, 24.0, 48.0
_COLUMN, _STRIP, _BOX = 270.0, 150.0, 46.0
_RADIUS = 4.0
_SWARM_LIMIT = 400
"""Beyond so many points a swarm takes its time; they are spread evenly instead."""
_GOLDEN = 0.6180339887498949
_WHISKER = 1.5
"""In interquartile ranges, as Tukey drew them."""
_BOX_LOOK = Look("#ffffff", INK)


def box_strip_svg(groups: Sequence[tuple[Group, Sequence[Dot]]], title: str, *, signed: bool = True) -> str:
    """Draw the groups side by side: points at the left, the box at the right.

    Parameters
    ----------
    groups : sequence of (Group, sequence of Dot)
        At least one dot in all; an empty group keeps its place.
    title : str
        Of the vertical axis, with its unit.
    signed : bool
        The values are changes: a plus stands before what is above zero.
    """
    values = [dot.value for _, dots in groups for dot in dots]
    width = _LEFT + _COLUMN * len(groups) + 10
    drawing = Drawing(width, _HEIGHT, f"{title} by group, {len(values)} patients")
    scale = Scale(*axis_range(values, cut=True), _HEIGHT - _FOOT, _TOP)
    draw_value_axis(drawing, scale, (_LEFT, width - 10), title)
    digits = digits_for(values)
    for index, (group, dots) in enumerate(groups):
        left = _LEFT + index * _COLUMN
        _strip(drawing, group, dots, scale, (left + 12 + _STRIP / 2, digits, signed))
        centre = left + 12 + _STRIP + 16 + _BOX / 2
        if dots:
            _box(drawing, [dot.value for dot in dots], scale, centre)
        place = (left + _COLUMN / 2 - 10, _HEIGHT - 26)
        drawing.text(place, group.name, Type(size=13, anchor="middle", bold=True))
        drawing.text((place[0], _HEIGHT - 9), _count(len(dots)), Type(anchor="middle", color=MUTED))
    return drawing.svg()


def swarm(heights: Sequence[float], gap: float, room: float) -> list[float]:
    """Return sideways offsets in px that keep points apart, in the order of the heights given.

    Parameters
    ----------
    heights : sequence of float
        Vertical places in px.
    gap : float
        Distance between the centres of neighbours in px.
    room : float
        Largest offset; where it does not suffice, points lie upon one another.
    """
    offsets = [0.0] * len(heights)
    if len(heights) > _SWARM_LIMIT:
        return [(2 * ((index * _GOLDEN) % 1) - 1) * room for index in range(len(heights))]
    placed: list[tuple[float, float]] = []
    for index in sorted(range(len(heights)), key=lambda each: heights[each]):
        near = [(x, y) for x, y in placed if abs(y - heights[index]) < gap]
        tries = [sign * step * gap / 2 for step in range(int(2 * room / gap) + 1) for sign in (1, -1)]
        free = (
            x for x in tries
            if all((x - other) ** 2 + (heights[index] - y) ** 2 >= 0.98 * gap**2 for other, y in near)
        )  # fmt: skip
        offsets[index] = next(free, (2 * ((index * _GOLDEN) % 1) - 1) * room)
        placed.append((offsets[index], heights[index]))
    return offsets


def _strip(
    drawing: Drawing, group: Group, dots: Sequence[Dot], scale: Scale, place: tuple[float, int, bool]
) -> None:
    centre, digits, signed = place
    heights = [scale(dot.value) for dot in dots]
    for dot, y, offset in zip(dots, heights, swarm(heights, 2.1 * _RADIUS, _STRIP / 2), strict=True):
        words = signed_fixed(dot.value, digits) if signed else signed_fixed(dot.value, digits).lstrip("+")
        title = f"{dot.subject}, {group.name}: {words}"
        x = centre + offset
        drawing.point((x, y), _RADIUS, group.look, title)
        if not scale.holds(dot.value):
            away = -1 if dot.value > scale.high else 1
            drawing.polygon([(x - 4, y + 6 * away), (x + 4, y + 6 * away), (x, y + 12 * away)], INK)
            drawing.text((x + 7, y + 10 * away + 3), words, Type(size=10))


def _box(drawing: Drawing, values: Sequence[float], scale: Scale, centre: float) -> None:
    first, median, third = quartiles(values)
    found = np.asarray(values, np.float64)
    reach = _WHISKER * (third - first)
    low = float(found[found >= first - reach].min())
    high = float(found[found <= third + reach].max())
    half = _BOX / 2
    for end, edge in ((low, first), (high, third)):
        drawing.line((centre, scale(end)), (centre, scale(edge)), Stroke(INK, 1.3))
        drawing.line((centre - half / 2, scale(end)), (centre + half / 2, scale(end)), Stroke(INK, 1.3))
    top, bottom = scale(third), scale(first)
    drawing.box((centre - half, top), (_BOX, bottom - top), _BOX_LOOK, title="quartiles", edge_width=1.3)
    drawing.line((centre - half, scale(median)), (centre + half, scale(median)), Stroke(INK, 3.0))


def _count(patients: int) -> str:
    return f"n = {patients}"
