"""Judging figures of a scan against the ranges that a bundle brings from its reference scans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from types import MappingProxyType

from lesionseg.core.confidence import ScanFigure
from lesionseg.segmentation.metadata import ReferenceRanges


@dataclass(frozen=True)
class FigureKind:
    """How one figure is judged.

    Attributes
    ----------
    least_half_width : float
        Of its range, in its own unit or, for a ratio, as a factor: a handful of reference scans that happen
        to agree must not make a narrow range.
    is_ratio : bool
        Compared on a logarithmic scale.
    only_above : bool
        A small value is never unusual.
    """

    least_half_width: float
    is_ratio: bool = False
    only_above: bool = False

    def excess(self, value: float, low: float, high: float) -> float:
        """Distance from the middle of the range in half widths; 0 below the middle if `only_above`."""
        value, low, high, least = (
            (log(max(number, 1e-9)) for number in (value, low, high, self.least_half_width))
            if self.is_ratio
            else (value, low, high, self.least_half_width)
        )
        half = max((high - low) / 2, least)
        if self.only_above:
            return max(0.0, (value - high) / half + 1)
        return abs(value - (low + high) / 2) / half


FIGURES = MappingProxyType(
    {
        "noise_hu": FigureKind(2.0, is_ratio=True, only_above=True),
        "lung_hu": FigureKind(80.0),
        "tissue_hu": FigureKind(20.0),
        "lung_roughness": FigureKind(1.5, is_ratio=True),
        "slice_jumps_pct": FigureKind(10.0, only_above=True),
        "slice_step_ratio": FigureKind(1.5, is_ratio=True, only_above=True),
        "unsure_lesion_mm": FigureKind(2.0, is_ratio=True, only_above=True),
        "unsure_border_mm": FigureKind(2.0, is_ratio=True, only_above=True),
    }
)
"""Every figure of a scan, in the order of the output.

The least half widths come from leaving each of six open scans out in turn: breath alone moves the lung's
median by some 80 HU, and one scanner is twice as noisy as the next.
"""


def judge(values: Mapping[str, float], ranges: ReferenceRanges | None) -> tuple[ScanFigure, ...]:
    """Set each figure against its range; figures the ranges do not know stay unjudged.

    Parameters
    ----------
    values : mapping of str to float
        By names of `FIGURES`; a figure that could not be had is left out.
    ranges : ReferenceRanges, optional
    """
    known = ranges.figures if ranges else {}
    judged = []
    for name in FIGURES:
        if name not in values:
            continue
        value = values[name]
        if name in known:
            low, high = known[name].low, known[name].high
            judged.append(ScanFigure(name, value, low, high, FIGURES[name].excess(value, low, high)))
        else:
            judged.append(ScanFigure(name, value))
    return tuple(judged)
