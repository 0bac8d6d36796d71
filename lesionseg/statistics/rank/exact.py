"""The exact distribution of the rank-sum statistic without ties, as in R's ``pwilcox`` and ``qwilcox``."""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate

from lesionseg.statistics.estimate import Alternative

QUANTILE_SLACK = 10 * 2.0**-52
"""R's ``qwilcox`` takes off as much of a probability before it looks for its quantile."""


class RankSumDistribution:
    """Distribution of U, the number of pairs with the larger value treated, when the arms do not differ.

    Parameters
    ----------
    n_treatment, n_control : int
        At least 1 each. Takes well below a second up to 50 each.

    Notes
    -----
    The number of allocations with U = u is a coefficient of the Gaussian binomial, product over i of (1 -
    q^(n + i)) / (1 - q^i); counted in whole numbers, hence without rounding. Source: Mann & Whitney, Ann Math
    Stat 1947;18:50-60; Andrews, The Theory of Partitions, 1976, chapter 3.
    """

    def __init__(self, n_treatment: int, n_control: int) -> None:
        self.largest = n_treatment * n_control
        self._up_to = _allocations_up_to(min(n_treatment, n_control), max(n_treatment, n_control))

    def probability_up_to(self, u: int) -> float:
        """Return P(U <= u)."""
        if u < 0:
            return 0.0
        return self._up_to[min(u, self.largest)] / self._up_to[-1]

    def probability_from(self, u: int) -> float:
        """Return P(U >= u), which by symmetry is P(U <= largest - u)."""
        return self.probability_up_to(self.largest - u)

    def quantile(self, probability: float) -> int:
        """Return the smallest u with P(U <= u) at least `probability`, with the slack that R gives."""
        if probability <= 0.5:
            wanted = probability - QUANTILE_SLACK
            return next(u for u in range(self.largest + 1) if self.probability_up_to(u) >= wanted)
        wanted = 1 - probability + QUANTILE_SLACK
        return self.largest - next(u for u in range(self.largest + 1) if self.probability_up_to(u) > wanted)

    def p_value(self, u: int, alternative: Alternative) -> float:
        """Return the exact P value; two-sided it is twice the smaller tail, at most 1."""
        if alternative == "less":
            return self.probability_up_to(u)
        if alternative == "greater":
            return self.probability_from(u)
        return min(1.0, 2 * min(self.probability_up_to(u), self.probability_from(u)))


@lru_cache(maxsize=64)
def _allocations_up_to(fewer: int, more: int) -> tuple[int, ...]:
    """Return for u = 0 to fewer * more how many allocations have a statistic of u or less."""
    largest = fewer * more
    counts = [1] + [0] * largest
    for i in range(1, fewer + 1):
        for u in range(largest, more + i - 1, -1):  # times 1 - q^(more + i)
            counts[u] -= counts[u - more - i]
        for u in range(i, largest + 1):  # over 1 - q^i
            counts[u] += counts[u - i]
    return tuple(accumulate(counts))
