"""The van Elteren test against the stored answers of coin, and of wilcox.test to a single stratum."""

from __future__ import annotations

import numpy as np
import pytest

from lesionseg.statistics.rank.pairwise_differences import differences, sorted_arms
from tests.statistics.rank_goldens import difference, golden, our_van_elteren, van_elteren_answers

AGREEMENT = 1e-6
SINGLE = golden("van_elteren")["single"]


def test_p_agrees_with_coin():
    assert len(van_elteren_answers()) >= 50
    assert max(difference(ours, case, "p") for case, ours in van_elteren_answers()) <= AGREEMENT


def test_tables_include_strata_with_one_arm_and_tied_ones():
    notes = [" ".join(ours.notes) for _, ours in van_elteren_answers()]
    assert sum("one arm only" in note for note in notes) >= 8
    assert {case["alternative"] for case, _ in van_elteren_answers()} == {"two.sided", "less", "greater"}


def test_ranking_over_the_strata_is_another_test():
    # coin::wilcox_test(y ~ arm | block) is not van Elteren's: these tables would show a mix-up.
    answers = van_elteren_answers()
    assert max(difference(ours, {"p": case["wilcox_test"]}, "p") for case, ours in answers) > 0.1


@pytest.mark.parametrize("figure", ["p", "low", "high"])
def test_single_stratum_agrees_with_wilcox_test_without_continuity_correction(figure):
    assert max(difference(our_van_elteren(case), case, figure) for case in SINGLE) <= AGREEMENT


def test_shift_of_a_single_stratum_is_the_middle_of_what_wilcox_test_takes_a_point_of():
    for case in SINGLE:
        values, treated = np.array(case["values"]), np.array(case["treated"], dtype=bool)
        ordered = differences(sorted_arms(values[treated], values[~treated]))
        first, last = ordered.first_reaching(ordered.total / 2), ordered.first_beyond(ordered.total / 2)
        assert our_van_elteren(case).effect == (first + last) / 2
        assert first - AGREEMENT <= case["estimate"] <= last + AGREEMENT
