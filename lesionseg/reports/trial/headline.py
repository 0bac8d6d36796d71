"""The trial's answer in words: direction, size with its unit, uncertainty, and what figures cannot say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lesionseg.reports.trial.codes import parameter_words
from lesionseg.reports.trial.words import (
    as_sentence,
    counted,
    digits_for,
    fixed,
    interval,
    p_text,
    signed_fixed,
)

_FEW = 10
"""Patients in an arm below which a comparison is called what it is: an illustration."""
_LARGEST_COUNTED = 60


@dataclass(frozen=True)
class Arms:
    """Names of the arms, as the plan has them."""

    treatment: str
    control: str


@dataclass(frozen=True)
class Headline:
    """A sentence with the answer, one on its certainty, and remarks a reader must not miss."""

    sentence: str
    certainty: str
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Rules:
    """Of the plan: significance level, and which side counts."""

    alpha: float
    alternative: str

    @property
    def level(self) -> str:
        """Name of the interval."""
        return f"{100 * (1 - self.alpha):g} % CI"


def headline(estimate: Mapping[str, Any], arms: Arms, rules: Rules) -> Headline:
    """Put a primary estimate into words.

    Parameters
    ----------
    estimate : mapping
        One entry of ``estimates`` in ``analysis.json``.
    arms : Arms
    rules : Rules
    """
    name = subject_of(estimate)
    if estimate.get("effect") is None:
        return _unanswered(estimate, arms, name)
    return Headline(
        f"{_direction(estimate, arms, name)} {_figures(estimate, rules)}",
        f"{_medians(estimate, arms)} {_certainty(estimate, arms, rules)}".strip(),
        tuple(_remarks(estimate, rules)),
    )


def subject_of(estimate: Mapping[str, Any]) -> str:
    """Name what was measured, to begin a sentence with."""
    return parameter_words(str(estimate.get("parameter") or ""), str(estimate.get("parameter_name") or ""))


def effect_unit(estimate: Mapping[str, Any]) -> str:
    """Return the unit of a difference between arms: two changes in % differ by percentage points."""
    unit = str(estimate.get("unit") or "")
    if estimate.get("analysis") == "ancova-log-ratio":  # per cent of a ratio, not of the baseline
        return "%"
    return "percentage points" if unit in ("%", "points", "percentage points") else unit


def lower_level(estimate: Mapping[str, Any]) -> str:
    """Return the confidence of an interval that too few values keep below the plan's; usually empty."""
    confidence_pct = estimate.get("confidence_pct")
    return "" if confidence_pct is None else f"{float(confidence_pct):.4g} %"


def _unanswered(estimate: Mapping[str, Any], arms: Arms, name: str) -> Headline:
    counts = (
        f"{_count(estimate, 'n_treatment')} under {arms.treatment}, {_count(estimate, 'n_control')} under"
    )
    return Headline(
        f"{name} at {estimate.get('visit')}: the difference between {arms.treatment} and {arms.control} "
        "could not be estimated.",
        f"Patients with a value: {counts} {arms.control}.",
        tuple(as_sentence(str(note)) for note in estimate.get("notes") or ()),
    )


def _direction(estimate: Mapping[str, Any], arms: Arms, name: str) -> str:
    """Say who fell or rose more, from both arms' medians and the sign of the effect."""
    effect = float(estimate["effect"])
    medians = [estimate.get("median_treatment"), estimate.get("median_control")]
    at, unit = f"from baseline to {estimate.get('visit')}", effect_unit(estimate)
    digits = _digits(estimate)
    size = f"{fixed(abs(effect), digits)} {unit}".strip()
    under = f"under {arms.treatment} than under {arms.control}"
    if effect == 0:
        return f"{name} changed alike under {arms.treatment} and under {arms.control} {at}"
    if _all(medians, -1):
        return f"{name} fell by {size} {'more' if effect < 0 else 'less'} {under} {at}"
    if _all(medians, 1):
        return f"{name} rose by {size} {'more' if effect > 0 else 'less'} {under} {at}"
    return f"The change of {_lower(name)} was {size} {'lower' if effect < 0 else 'higher'} {under} {at}"


def _medians(estimate: Mapping[str, Any], arms: Arms) -> str:
    """Say what happened in each arm; the difference of the medians is not the Hodges-Lehmann difference."""
    medians = [estimate.get("median_treatment"), estimate.get("median_control")]
    if any(median is None for median in medians):
        return ""
    unit = "%" if estimate.get("change") == "relative" else effect_unit(estimate)
    digits = digits_for(medians)
    parts = [
        f"{f'{signed_fixed(float(median or 0.0), digits)} {unit}'.strip()} under {arm} (n = {count})"
        for median, arm, count in zip(
            medians,
            (arms.treatment, arms.control),
            (_count(estimate, "n_treatment"), _count(estimate, "n_control")),
            strict=True,
        )
    ]
    return f"Median change: {parts[0]}, {parts[1]}."


def _all(medians: list[float | None], sign: int) -> bool:
    """Whether both arms moved to one side; an arm whose median stood still may go along."""
    known = [sign * median for median in medians if median is not None]
    return len(known) == len(medians) and min(known) >= 0 and max(known) > 0


def _figures(estimate: Mapping[str, Any], rules: Rules) -> str:
    digits = _digits(estimate)
    effect = signed_fixed(float(estimate["effect"]), digits)
    ends = interval(estimate.get("low"), estimate.get("high"), digits)
    sided = "" if rules.alternative == "two-sided" else "one-sided "
    p_words = p_text(estimate.get("p_value"), rules.alpha)
    difference = f"Hodges-Lehmann difference {effect} {effect_unit(estimate)}".rstrip()
    return f"({difference}, {_level_of(estimate, rules)} {ends}, {sided}P {p_words})."


def _level_of(estimate: Mapping[str, Any], rules: Rules) -> str:
    lower = lower_level(estimate)
    return f"{lower} CI" if lower else rules.level


def _certainty(estimate: Mapping[str, Any], arms: Arms, rules: Rules) -> str:
    level = f"{rules.alpha:g}, {rules.alternative}"
    significant = estimate.get("significant")
    if significant:
        return f"This difference is statistically significant at the plan's level of {level}."
    digits = _digits(estimate)
    ends = interval(estimate.get("low"), estimate.get("high"), digits)
    span = f"The data agree with any difference {_between(ends)} {effect_unit(estimate)}".rstrip()
    if lower_level(estimate):
        span = "An interval of the plan's confidence would be without ends"
    if significant is None:
        return f"The plan does not test this endpoint. {span}."
    return (
        f"This difference is not statistically significant at the plan's level of {level}. That is no proof "
        f"that {arms.treatment} and {arms.control} act alike. {span}."
    )


def _between(ends: str) -> str:
    return f"from {ends}" if " to " in ends and not ends.startswith("up") else ends


def _remarks(estimate: Mapping[str, Any], rules: Rules) -> list[str]:
    treated, control = _count(estimate, "n_treatment"), _count(estimate, "n_control")
    remarks = []
    if min(treated, control) < _FEW:
        remarks.append(
            f"Only {counted(treated, 'patient')} and {counted(control, 'patient')} were compared: too few to "
            "generalise from, whatever P is."
        )
    smallest = smallest_p(treated, control, rules.alternative)
    if smallest is not None and smallest > rules.alpha:
        remarks.append(
            f"With so few patients the test cannot become significant: the smallest P that any data could "
            f"give is {smallest:.2g}."
        )
    return remarks + [as_sentence(str(note)) for note in estimate.get("notes") or ()]


def smallest_p(treated: int, control: int, alternative: str) -> float | None:
    """Return the least P that the exact rank-sum test can give; None where it is as good as zero.

    Of all ways to share out the ranks, one is the most extreme in each direction.
    """
    if treated < 1 or control < 1 or treated + control > _LARGEST_COUNTED:
        return None
    sides = 2 if alternative == "two-sided" else 1
    return min(1.0, sides / math.comb(treated + control, treated))


def _digits(estimate: Mapping[str, Any]) -> int:
    return digits_for([estimate.get("effect"), estimate.get("low"), estimate.get("high")])


def _count(estimate: Mapping[str, Any], name: str) -> int:
    return int(estimate.get(name) or 0)


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]
