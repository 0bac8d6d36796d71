"""Where a falling step function crosses zero, found by the same steps as R's ``uniroot``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

EPSILON = 2.0**-52
MAXIMAL_STEPS = 1000
"""As in R's ``uniroot``."""

Function = Callable[[float], float]


@dataclass(frozen=True)
class Root:
    """A point where a function changes its sign or is zero.

    Attributes
    ----------
    at : float
    flat : bool
        True where the function is exactly 0 there: a step function is then 0 on a whole stretch.
    """

    at: float
    flat: bool


@dataclass(frozen=True)
class _Point:
    at: float
    value: float


def find_root(function: Function, lower: float, upper: float, tolerance: float) -> Root:
    """Return a root of a function whose values at `lower` and `upper` have opposite signs.

    Brent's method (Brent 1973, *Algorithms for Minimization without Derivatives*, chapter 4), with arithmetic
    in the order of R's ``uniroot``: a function that is zero on a whole stretch then yields the same point of
    it as in R.

    Parameters
    ----------
    function : callable
    lower, upper : float
        Ends of the search; an end where the function is 0 is returned as it is.
    tolerance : float
        Width of the bracket at which the search ends, in the units of the argument; R calls it ``tol``.
    """
    low, high = _Point(lower, function(lower)), _Point(upper, function(upper))
    if low.value == 0:
        return Root(low.at, flat=True)
    if high.value == 0:
        return Root(high.at, flat=True)
    previous, best, opposite = low, high, low
    for _ in range(MAXIMAL_STEPS):
        last_step = best.at - previous.at
        if abs(opposite.value) < abs(best.value):
            previous, best, opposite = best, opposite, best
        smallest = 2 * EPSILON * abs(best.at) + tolerance / 2
        half = (opposite.at - best.at) / 2
        if abs(half) <= smallest or best.value == 0:
            break
        step = _step(previous, best, opposite, last_step, smallest)
        at = best.at + step
        previous, best = best, _Point(at, function(at))
        if best.value * opposite.value > 0:
            opposite = previous
    return Root(best.at, flat=best.value == 0)


def _step(previous: _Point, best: _Point, opposite: _Point, last_step: float, smallest: float) -> float:
    """Return the step from `best`: interpolated if that promises more than halving, at least `smallest`."""
    step = (opposite.at - best.at) / 2
    if abs(last_step) >= smallest and abs(previous.value) > abs(best.value):
        p, q = _interpolation(previous, best, opposite)
        width = opposite.at - best.at
        if p < 0.75 * width * q - abs(smallest * q) / 2 and p < abs(last_step * q / 2):
            step = p / q
    if abs(step) < smallest:
        step = smallest if step > 0 else -smallest
    return step


def _interpolation(previous: _Point, best: _Point, opposite: _Point) -> tuple[float, float]:
    """Return numerator (not negative) and denominator of the secant's or the inverse parabola's step."""
    width = opposite.at - best.at
    if previous.at == opposite.at:
        ratio = best.value / previous.value
        p, q = width * ratio, 1 - ratio
    else:
        q = previous.value / opposite.value
        to_opposite, to_previous = best.value / opposite.value, best.value / previous.value
        p = to_previous * (width * q * (q - to_opposite) - (best.at - previous.at) * (to_opposite - 1))
        q = (q - 1) * (to_opposite - 1) * (to_previous - 1)
    return (p, -q) if p > 0 else (-p, q)
