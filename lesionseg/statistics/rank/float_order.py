"""Floating-point numbers counted off in their order, so that a search over them ends exactly."""

from __future__ import annotations

import struct
from collections.abc import Callable


def first_float(holds: Callable[[float], bool], lower: float, upper: float) -> float:
    """Return the smallest float64 from `lower` to `upper` at which `holds` is true.

    `holds` is false up to some number and true from there on; it is taken to be true at `upper`. At most 64
    calls: the bisection runs over the numbers' bit patterns, so nothing is left to a tolerance.
    """
    low, high = _place(lower), _place(upper)
    while low < high:
        middle = (low + high) // 2
        if holds(_number(middle)):
            high = middle
        else:
            low = middle + 1
    return _number(high)


def _place(number: float) -> int:
    """Return how many float64 lie between 0 and this one, negative below 0; both zeros have place 0."""
    place: int = struct.unpack("<q", struct.pack("<d", abs(number)))[0]
    return place if number >= 0 else -place


def _number(place: int) -> float:
    number: float = struct.unpack("<d", struct.pack("<q", abs(place)))[0]
    return number if place >= 0 else -number
