"""What a segmenter says about how far its own labels can be trusted, in plain figures.

It lives in core because two rooms that do not know each other speak it: a segmenter fills it in, volumetry
reports it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ProportionDoubt:
    """How far a proportion of the lung might be off, in percentage points of the lung.

    Attributes
    ----------
    below_pct, above_pct : float
        How much lower and higher it might be; not negative.
    expected_shift_pct : float
        What the proportion expected from the network's probabilities lies above the decided one.
    """

    below_pct: float
    above_pct: float
    expected_shift_pct: float = 0.0


@dataclass(frozen=True)
class ScanFigure:
    """One property of a scan, against what is known from the reference scans.

    Attributes
    ----------
    name : str
        Stable name for programs, ending in its unit where it has one.
    value : float
        Of this scan.
    low, high : float or None
        Smallest and largest of the reference scans; None where no reference is known.
    excess : float or None
        Distance from the middle of that range in half widths: up to 1 within it, 2 as far beyond its end as
        the end is from the middle. None without a reference.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    excess: float | None = None


@dataclass(frozen=True)
class Confidence:
    """All that a segmenter says about its trust in one scan's labels.

    Attributes
    ----------
    lesion, solid : ProportionDoubt
        Of the two proportions.
    figures : tuple of ScanFigure
        Always the same ones in the same order.
    interval_basis : str
        What the interval is: a sensitivity of the labels, or calibrated, and on what.
    reference : str
        What the reference ranges were measured on; empty without ranges.
    missing_reason : str
        Reason code of a missing score; empty where there is a score.
    """

    lesion: ProportionDoubt
    solid: ProportionDoubt
    figures: tuple[ScanFigure, ...]
    interval_basis: str
    reference: str = ""
    missing_reason: str = ""

    @property
    def worst(self) -> ScanFigure | None:
        """The figure furthest from its reference; None without references."""
        judged = [figure for figure in self.figures if figure.excess is not None]
        return max(judged, key=lambda figure: figure.excess or 0.0, default=None)

    @property
    def ood_score(self) -> float | None:
        """Excess of the worst figure (out of distribution above 1); None without references."""
        return None if self.worst is None else self.worst.excess
