"""How a validation's figures are written for a reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lesionseg.volumetry.agreement.pooled import PooledFigure

REGION_NAMES = {
    "lung": "Lung",
    "lesion": "Whole lesion",
    "non_solid": "Non-solid lesion",
    "solid": "Solid component",
}
STATUS_NAMES = {
    "failed": "could not be compared",
    "no-prediction": "has no prediction",
    "no-reference": "has no reference",
}
REASONS = {
    "both-empty": "both empty",
    "reference-empty": "reference empty",
    "prediction-empty": "prediction empty",
    "no-lung": "no lung",
    "lung-not-compared": "lung not compared",
    "is-the-lung": "",
    "no-cases": "no such case",
    "too-few-cases": "too few cases",
    "no-variance": "all figures the same",
}
NOTHING, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
Writer = Callable[[float], str]


@dataclass(frozen=True)
class Cell:
    """A figure in words, its interval, and why it is missing if it is."""

    text: str
    interval: str = ""
    reason: str = ""


def share(value: float) -> str:
    """Write a Dice coefficient or a correlation."""
    return _signless_zero(f"{value:.3f}")


def amount(value: float) -> str:
    """Write ml or %: whole from 100 on, one decimal below, two below 1."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 1 else 2
    return _signless_zero(f"{value:,.{digits}f}")


def signed(write: Writer) -> Writer:
    """Put a plus before what is above zero."""

    def writer(value: float) -> str:
        text = write(value)
        return f"+{text}" if value > 0 and text.strip("0.") else text

    return writer


def cell(value: float | None, write: Writer, reason: str = "") -> Cell:
    """Put one figure into words."""
    return Cell(NOTHING, reason=REASONS.get(reason, reason)) if value is None else Cell(write(value))


def pooled_cell(figure: PooledFigure | None, write: Writer) -> Cell:
    """Put a pooled figure and its interval into words."""
    if figure is None:
        return Cell(NOTHING)
    estimate = figure.estimate
    reason = REASONS.get(estimate.reason, estimate.reason)
    if estimate.value is None:
        return Cell(NOTHING, reason=reason)
    if estimate.low is None or estimate.high is None:
        return Cell(write(estimate.value), reason=reason)
    return Cell(write(estimate.value), f"{write(estimate.low)} to {write(estimate.high)}")


def _signless_zero(text: str) -> str:
    """Without the minus of a figure that rounds to zero; otherwise with a real minus sign."""
    return text.replace("-", MINUS if text.strip("-0.,") else "")
