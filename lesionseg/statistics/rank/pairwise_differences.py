"""All pairwise treatment - control differences: order statistics and medians without holding the pairs.

m treated and n control patients have m n differences; 10,000 of each would need 800 MB. A candidate value is
judged by counting how many differences lie at or below it, which takes sorted arms and no more memory than
they have. Where there are few, they are sorted once and counted faster, with the same result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lesionseg.statistics.rank.float_order import first_float

Values = NDArray[np.float64]

HELD_PAIRS = 250_000
"""Up to so many differences of a stratum are held in memory: 2 MB."""


@dataclass(frozen=True, eq=False)
class Arms:
    """The values of both arms in one stratum, each sorted upwards, finite, and not empty."""

    treatment: Values
    control: Values

    @property
    def pairs(self) -> int:
        """How many differences there are."""
        return self.treatment.size * self.control.size

    @property
    def smallest(self) -> float:
        """The smallest difference."""
        return float(self.treatment[0] - self.control[-1])

    @property
    def largest(self) -> float:
        """The largest difference."""
        return float(self.treatment[-1] - self.control[0])

    def count_up_to(self, value: float) -> int:
        """Return how many differences, as floating point gives them, are at or below `value`."""
        if self.pairs <= HELD_PAIRS:
            return int(np.searchsorted(self._held, value, side="right"))
        return self._counted_by_rows(value)

    @cached_property
    def _held(self) -> Values:
        return np.sort(np.subtract.outer(self.treatment, self.control), axis=None)

    def _counted_by_rows(self, value: float) -> int:
        low = np.zeros(self.treatment.size, np.intp)
        high = np.full(self.treatment.size, self.control.size, np.intp)
        for _ in range(self.control.size.bit_length()):  # bisects the row of every treated patient at once
            middle = (low + high) // 2
            asked = np.minimum(middle, self.control.size - 1)
            reached = (self.treatment - self.control[asked] <= value) | (middle == self.control.size)
            high = np.where(reached, middle, high)
            low = np.where(reached, low, np.minimum(middle + 1, high))
        return self.pairs - int(high.sum())

    def nearest(self, value: float) -> float:
        """Return the difference nearest to `value`, up to rounding."""
        place = np.searchsorted(self.control, self.treatment - value)
        last = self.control.size - 1
        candidates = np.concatenate(
            [self.treatment - self.control[np.clip(place + step, 0, last)] for step in (-1, 0, 1)]
        )
        return float(candidates[np.argmin(np.abs(candidates - value))])


def order_statistics(arms: Arms, ranks: Sequence[int]) -> tuple[float, ...]:
    """Return the differences of these ranks, 1 being the smallest."""
    if arms.pairs > HELD_PAIRS:
        return tuple(differences(arms).first_reaching(rank) for rank in ranks)
    places = np.asarray(ranks) - 1
    parted = np.partition(np.subtract.outer(arms.treatment, arms.control), np.unique(places), axis=None)
    return tuple(float(value) for value in parted[places])


def sorted_arms(treatment: Values, control: Values) -> Arms:
    """Return the arms with their values sorted; neither is empty."""
    return Arms(np.sort(treatment), np.sort(control))


@dataclass(frozen=True)
class PairwiseDifferences:
    """The differences within every stratum, each of them with its stratum's weight.

    Attributes
    ----------
    strata : sequence of Arms
        At least one.
    weights : sequence of Fraction
        One per stratum, above 0; exact, so that a tie between halves of the total weight is seen as one.
    """

    strata: Sequence[Arms]
    weights: Sequence[Fraction]

    @cached_property
    def total(self) -> Fraction:
        """Weight of all differences together."""
        pairs = zip(self.strata, self.weights, strict=True)
        return sum((weight * arms.pairs for arms, weight in pairs), Fraction(0))

    @cached_property
    def smallest(self) -> float:
        """The smallest difference."""
        return min(arms.smallest for arms in self.strata)

    @cached_property
    def largest(self) -> float:
        """The largest difference."""
        return max(arms.largest for arms in self.strata)

    def weight_up_to(self, value: float) -> Fraction:
        """Return the weight of all differences at or below `value`."""
        pairs = zip(self.strata, self.weights, strict=True)
        return sum((weight * arms.count_up_to(value) for arms, weight in pairs), Fraction(0))

    def first_reaching(self, weight: Fraction | int) -> float:
        """Return the smallest difference with at least `weight` at or below it; the largest if none has.

        With one stratum of weight 1, ``first_reaching(k)`` is the k-th smallest difference.
        """
        return first_float(lambda value: self.weight_up_to(value) >= weight, self.smallest, self.largest)

    def first_beyond(self, weight: Fraction) -> float:
        """Return the smallest difference with more than `weight` at or below it; the largest if none has."""
        return first_float(lambda value: self.weight_up_to(value) > weight, self.smallest, self.largest)

    def median(self) -> float:
        """Return the weighted median: midway where exactly half of the weight lies on either side."""
        half = self.total / 2
        return (self.first_reaching(half) + self.first_beyond(half)) / 2


def differences(arms: Arms) -> PairwiseDifferences:
    """Return the differences of one pair of arms, not stratified."""
    return PairwiseDifferences((arms,), (Fraction(1),))
