"""Axes of the trial report's plots: scales, round ticks, and values too far out for their axis."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lesionseg.reports.trial.plots import MUTED, RULE, Drawing, Stroke, Type
from lesionseg.reports.trial.words import plain

_ROUND_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_FAR_OUT = 3.0
"""In interquartile ranges beyond a quartile: what Tukey calls far out (Exploratory Data Analysis, 1977)."""
_WORTH_CUTTING = 1.6
"""Cutting an axis that would be shorter by less than this factor is not worth the reader's trouble."""


@dataclass(frozen=True)
class Scale:
    """A linear map from values to px; values outside the ends are held at them."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a value in px."""
        held = min(max(value, self.low), self.high)
        return self.start + (held - self.low) / (self.high - self.low) * (self.end - self.start)

    def holds(self, value: float) -> bool:
        """Say whether the value lies within the axis."""
        slack = 1e-9 * (self.high - self.low)
        return self.low - slack <= value <= self.high + slack

    def ticks(self, about: int = 6) -> tuple[float, ...]:
        """Return round values within the axis, some `about` in number; with both ends if they are round."""
        span = self.high - self.low
        steps = [round_step(span / count) for count in (about, about + 1, about + 2, about + 3)]
        step = next((each for each in steps if self._ends_at(each)), steps[0])
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return tuple(index * step + 0.0 for index in range(first, last + 1))

    def _ends_at(self, step: float) -> bool:
        return all(abs(end / step - round(end / step)) < 1e-9 for end in (self.low, self.high))


def round_step(least: float) -> float:
    """Return the smallest of 1, 2, 2.5, 5 times a power of ten that is not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * step for step in _ROUND_STEPS if power * step >= least * (1 - 1e-9))


def axis_range(values: Iterable[float], *, with_zero: bool = True, cut: bool = False) -> tuple[float, float]:
    """Return round ends of an axis that holds the values.

    Parameters
    ----------
    values : iterable of float
        None gives 0 to 1.
    with_zero : bool
        The axis reaches zero.
    cut : bool
        A few values far out may lie beyond the end, so that they do not press all others together.
    """
    found = np.asarray(list(values), np.float64)
    if found.size == 0:
        return 0.0, 1.0
    low, high = float(found.min()), float(found.max())
    if cut:
        low, high = _cut(found)
    if with_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low <= 1e-12 * max(abs(low), abs(high), 1e-300):
        low, high = low - 1.0, high + 1.0
    step = round_step((high - low) / 6)
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step


def _cut(found: np.ndarray) -> tuple[float, float]:
    first, third = np.quantile(found, [0.25, 0.75])
    fence = _FAR_OUT * (third - first)
    inner = found[(found >= first - fence) & (found <= third + fence)]
    whole, kept = float(np.ptp(found)), float(np.ptp(inner)) if inner.size else 0.0
    if kept <= 0 or whole < _WORTH_CUTTING * kept:
        return float(found.min()), float(found.max())
    return float(inner.min()), float(inner.max())


def draw_value_axis(drawing: Drawing, scale: Scale, sides: tuple[float, float], title: str) -> None:
    """Draw a vertical axis: rules across from `sides[0]` to `sides[1]`, figures and title at the left."""
    left, right = sides
    for tick in scale.ticks():
        y = scale(tick)
        heavy = tick == 0
        drawing.line((left, y), (right, y), Stroke(MUTED if heavy else RULE, 1.2 if heavy else 1.0))
        drawing.text((left - 8, y + 4), plain(tick), Type(anchor="end", color=MUTED))
    middle = (scale.start + scale.end) / 2
    drawing.text((left - 48, middle), title, Type(anchor="middle", turned=True))


def draw_horizontal_axis(
    drawing: Drawing, scale: Scale, top_and_bottom: tuple[float, float], title: str
) -> None:
    """Draw a horizontal axis below a plot, with rules up through it and its title beneath."""
    top, bottom = top_and_bottom
    for tick in scale.ticks(5):
        x = scale(tick)
        heavy = tick == 0
        drawing.line((x, top), (x, bottom), Stroke(MUTED if heavy else RULE, 1.2 if heavy else 1.0))
        drawing.text((x, bottom + 16), plain(tick), Type(anchor="middle", color=MUTED))
    drawing.text(((scale.start + scale.end) / 2, bottom + 34), title, Type(anchor="middle"))


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """First quartile, median and third quartile, interpolated linearly (R's type 7)."""
    first, median, third = np.quantile(np.asarray(values, np.float64), [0.25, 0.5, 0.75])
    return float(first), float(median), float(third)
