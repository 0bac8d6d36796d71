"""The interval around a scan's proportions and its out-of-distribution score, from the segmenter."""

from __future__ import annotations

from dataclasses import dataclass, fields

from lesionseg.core.confidence import Confidence, ProportionDoubt
from lesionseg.volumetry.regions import NO_LUNG, RegionMeasure

NOT_ASSESSED = "not-assessed"
"""The labels come from a reader, or from a segmenter that says nothing about its confidence."""


@dataclass(frozen=True)
class Certainty:
    """How far the figures of one scan can be trusted.

    Attributes
    ----------
    lesion_proportion_low_pct, lesion_proportion_high_pct : float or None
        Interval around the lesion's proportion; the proportion itself always lies in it.
    lesion_proportion_expected_pct : float or None
        The proportion by the network's probabilities instead of its decisions.
    solid_proportion_low_pct, solid_proportion_high_pct, solid_proportion_expected_pct : float or None
        Likewise of the solid component.
    ood_score : float or None
        Excess of the worst figure over its reference range; above 1 outside it.
    ood_figure : str or None
        Name of that figure.
    reason : str
        Reason code of a missing score.
    """

    lesion_proportion_low_pct: float | None = None
    lesion_proportion_high_pct: float | None = None
    lesion_proportion_expected_pct: float | None = None
    solid_proportion_low_pct: float | None = None
    solid_proportion_high_pct: float | None = None
    solid_proportion_expected_pct: float | None = None
    ood_score: float | None = None
    ood_figure: str | None = None
    reason: str = NOT_ASSESSED

    @property
    def cells(self) -> dict[str, float | str | None]:
        """The figures by their column, without the reason."""
        return {name: getattr(self, name) for name in CERTAINTY_COLUMNS}

    @property
    def missing(self) -> dict[str, str]:
        """Reason code for every figure that is None."""
        return {name: self.reason for name, value in self.cells.items() if value is None}


CERTAINTY_COLUMNS = tuple(entry.name for entry in fields(Certainty) if entry.name != "reason")


def certainty_of(whole: RegionMeasure, confidence: Confidence | None) -> Certainty:
    """Lay the segmenter's doubt around the measured proportions.

    Parameters
    ----------
    whole : RegionMeasure
        Both lungs.
    confidence : Confidence or None
        None gives a result without figures.
    """
    lesion_pct, solid_pct = whole.lesion_proportion_pct, whole.solid_proportion_pct
    if lesion_pct is None or solid_pct is None:
        return Certainty(reason=NO_LUNG)
    if confidence is None:
        return Certainty()
    worst = confidence.worst
    return Certainty(
        *_around(lesion_pct, confidence.lesion),
        *_around(solid_pct, confidence.solid),
        ood_score=confidence.ood_score,
        ood_figure=worst.name if worst else None,
        reason=confidence.missing_reason or NOT_ASSESSED,
    )


def _around(value_pct: float, doubt: ProportionDoubt) -> tuple[float, float, float]:
    return (
        max(0.0, value_pct - doubt.below_pct),
        min(100.0, value_pct + doubt.above_pct),
        min(100.0, max(0.0, value_pct + doubt.expected_shift_pct)),
    )
