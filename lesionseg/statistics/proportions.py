"""Two proportions compared: risk difference with Newcombe's interval, Fisher's exact test."""

from __future__ import annotations

from typing import NamedTuple

from lesionseg.statistics.estimate import Alternative, Estimate


class FisherResult(NamedTuple):
    """Conditional odds ratio with its exact interval, and P; None where it is infinite or not defined."""

    odds_ratio: float | None
    low: float | None
    high: float | None
    p_value: float


def risk_difference(
    treated_yes: int,
    treated_n: int,
    control_yes: int,
    control_n: int,
    *,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> Estimate:
    """Return treatment minus control in percentage points, Newcombe's interval and Fisher's exact P."""
    raise NotImplementedError


def fisher(
    treated_yes: int,
    treated_no: int,
    control_yes: int,
    control_no: int,
    *,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> FisherResult:
    """Return the odds ratio (conditional maximum likelihood), its exact interval and P of a 2 by 2 table."""
    raise NotImplementedError
