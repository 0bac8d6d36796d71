"""Patients sorted into strata that hold both arms, and van Elteren's statistic of these strata."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lesionseg.core.errors import InputError
from lesionseg.statistics.rank.pairwise_differences import Arms, PairwiseDifferences, sorted_arms
from lesionseg.statistics.rank.values import Given, Values, checked_values

NAMED_STRATA = 5
"""So many strata are named in a note, the rest counted."""

Notes = tuple[str, ...]


@dataclass(frozen=True)
class Patients:
    """Value, arm and stratum of each patient; nothing is missing."""

    values: Values
    treated: NDArray[np.bool_]
    strata: tuple[object, ...]


@dataclass(frozen=True)
class Strata:
    """The strata that have both arms, and what follows from their sizes."""

    arms: tuple[Arms, ...]

    @property
    def weights(self) -> tuple[Fraction, ...]:
        """The weight of each stratum, 1 / (n + 1) with n patients."""
        return tuple(Fraction(1, arms.treatment.size + arms.control.size + 1) for arms in self.arms)

    @cached_property
    def differences(self) -> PairwiseDifferences:
        """All differences within strata with their weights."""
        return PairwiseDifferences(self.arms, self.weights)

    def statistic(self) -> Fraction:
        """Return the weighted sum of U - m n / 2; U counts pairs with the larger value treated, ties half."""
        terms = zip(self.weights, self.arms, strict=True)
        return sum((weight * _excess(arms) for weight, arms in terms), Fraction(0))

    def variance(self) -> Fraction:
        """Return the permutation variance of the statistic."""
        return self._sum_of_variances(
            [(np.concatenate([arms.treatment, arms.control]),) for arms in self.arms]
        )

    def variance_between_differences(self) -> Fraction:
        """Return the variance where no treated value is tied with a control, as between two differences."""
        return self._sum_of_variances([(arms.treatment, arms.control) for arms in self.arms])

    def _sum_of_variances(self, tied_together: Sequence[tuple[Values, ...]]) -> Fraction:
        terms = zip(self.weights, self.arms, tied_together, strict=True)
        return sum((weight**2 * _variance(arms, groups) for weight, arms, groups in terms), Fraction(0))


def _excess(arms: Arms) -> Fraction:
    below = np.searchsorted(arms.control, arms.treatment, side="left").sum()
    up_to = np.searchsorted(arms.control, arms.treatment, side="right").sum()
    return Fraction(int(below + up_to) - arms.pairs, 2)


def _variance(arms: Arms, groups: Sequence[Values]) -> Fraction:
    """Return m n / 12 (N + 1 - sum(t^3 - t) / (N (N - 1))), t being how often a value occurs in a group."""
    occurrences = np.concatenate([np.unique(values, return_counts=True)[1] for values in groups])
    ties = sum(int(times) ** 3 - int(times) for times in occurrences)
    patients = arms.treatment.size + arms.control.size
    return Fraction(arms.pairs, 12) * (patients + 1 - Fraction(ties, patients * (patients - 1)))


def complete_patients(
    values: Given, treated: Sequence[bool] | NDArray[np.bool_], strata: Sequence[object]
) -> tuple[Patients, Notes]:
    """Return the patients with value and stratum, and notes about the others.

    Raises
    ------
    InputError
        Values that are not numbers, or infinite; lists of unequal length.
    """
    numbers = checked_values(values, "values")
    if not numbers.size == len(treated) == len(strata):
        raise InputError(
            "Values, arms and strata do not belong to the same patients",
            expected="three lists of the same length",
            found=f"{numbers.size} values, {len(treated)} arms, {len(strata)} strata",
        )
    measured = ~np.isnan(numbers)
    placed = np.array([not _is_missing(stratum) for stratum in strata], dtype=bool)
    notes: Notes = ()
    if not measured.all():
        notes += (f"{np.sum(~measured)} of {numbers.size} values missing, left out",)
    if not placed[measured].all():
        notes += (f"without a stratum, left out: {np.sum(measured & ~placed)} of {numbers.size} patients",)
    kept = measured & placed
    names = tuple(strata[int(place)] for place in np.flatnonzero(kept))
    return Patients(numbers[kept], _checked_flags(treated)[kept], names), notes


def _checked_flags(treated: Sequence[bool] | NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the arms as flags; neither true nor false is refused, not taken for control."""
    for place, flag in enumerate(treated):
        if flag not in (True, False):
            raise InputError(
                "A patient is neither treated nor control",
                case=f"treated, value {place + 1}",
                expected="true or false",
                found=f"{flag}",
            )
    return np.asarray(treated, dtype=bool)


def _is_missing(stratum: object) -> bool:
    return stratum is None or stratum == "" or (isinstance(stratum, float) and math.isnan(stratum))


def compared_strata(patients: Patients) -> tuple[Strata, Notes]:
    """Return the strata with both arms, in order of first appearance, and a note about the others."""
    places: dict[object, list[int]] = {}
    for place, stratum in enumerate(patients.strata):
        places.setdefault(stratum, []).append(place)
    compared: list[Arms] = []
    one_armed: list[object] = []
    for stratum, members in places.items():
        values, treated = patients.values[members], patients.treated[members]
        if treated.all() or not treated.any():
            one_armed.append(stratum)
        else:
            compared.append(sorted_arms(values[treated], values[~treated]))
    return Strata(tuple(compared)), _one_armed_note(one_armed, patients) if one_armed else ()


def _one_armed_note(one_armed: Sequence[object], patients: Patients) -> Notes:
    named = ", ".join(str(stratum) for stratum in one_armed[:NAMED_STRATA])
    more = f" and {len(one_armed) - NAMED_STRATA} more" if len(one_armed) > NAMED_STRATA else ""
    lost, total = sum(stratum in one_armed for stratum in patients.strata), len(patients.strata)
    return (
        f"strata with one arm only tell nothing and are left out: {named}{more} ({lost} of {total} patients)",
    )
