"""From an estimate and its standard error to an interval and a P value by Student's t."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.special import stdtr, stdtrit

from lesionseg.core.errors import ConfigurationError
from lesionseg.statistics.estimate import Alternative

ALTERNATIVES = ("two-sided", "less", "greater")


@dataclass(frozen=True)
class WaldEffect:
    """An estimated effect, its standard error, and the degrees of freedom of the standard error."""

    effect: float
    standard_error: float
    degrees_of_freedom: float

    def p_value(self, alternative: Alternative) -> float:
        """Return the P value of the hypothesis that the effect is 0; the standard error is above 0."""
        below = float(stdtr(self.degrees_of_freedom, self.effect / self.standard_error))
        above = float(stdtr(self.degrees_of_freedom, -self.effect / self.standard_error))
        return {"less": below, "greater": above}.get(alternative, min(1.0, 2 * min(below, above)))

    def interval(self, alpha: float, alternative: Alternative) -> tuple[float | None, float | None]:
        """Return the ends of the 1 - alpha interval; a one-sided one is open (None) at the other end."""
        tail = alpha / 2 if alternative == "two-sided" else alpha
        margin = -float(stdtrit(self.degrees_of_freedom, tail)) * self.standard_error
        low = None if alternative == "less" else self.effect - margin
        high = None if alternative == "greater" else self.effect + margin
        return low, high


def check_test(alpha: float, alternative: str) -> None:
    """Refuse (ConfigurationError) an alpha outside 0 to 1 and an unknown alternative."""
    if not 0 < alpha < 1:
        raise ConfigurationError("alpha is out of range", expected="between 0 and 1", found=f"{alpha}")
    if alternative not in ALTERNATIVES:
        raise ConfigurationError(
            "The alternative is unknown", expected=" or ".join(ALTERNATIVES), found=f"{alternative}"
        )
