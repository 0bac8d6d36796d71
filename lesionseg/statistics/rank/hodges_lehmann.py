"""The Hodges-Lehmann shift between two arms."""

from __future__ import annotations

from lesionseg.statistics.rank.pairwise_differences import differences, sorted_arms
from lesionseg.statistics.rank.values import Given, present


def hodges_lehmann(treatment: Given, control: Given) -> float | None:
    """Return the median of all pairwise treatment - control differences; None where an arm is empty.

    It is not the difference of the medians. Of an even number of differences it is the mean of the middle
    two. Takes memory in proportion to the values, not to the pairs. NaN is a missing value and left out.

    Raises
    ------
    InputError
        Not numbers, or an infinite one.

    Notes
    -----
    Source: Hodges & Lehmann, Ann Math Stat 1963;34:598-611.
    """
    treated, _ = present(treatment, "treatment")
    controls, _ = present(control, "control")
    if not treated.size or not controls.size:
        return None
    return differences(sorted_arms(treated, controls)).median()
