"""The rank-sum test against the stored answers of R's wilcox.test."""

from __future__ import annotations

import pytest

from lesionseg.core.errors import InputError
from tests.statistics.rank_goldens import (
    FIGURES,
    difference,
    golden,
    has_answer,
    our_rank_sum,
    rank_sum_answers,
)

AGREEMENT = 1e-6
DEFAULT_ROOT_TOLERANCE = 1e-4  # R's; its answers are only that near to its own equation's solution

CASES = golden("rank_sum")["cases"]
KINDS = sorted({case["kind"] for case in CASES})
EDGES = {case["name"]: case for case in golden("rank_sum_edges")["cases"]}

WITHOUT_AN_ANSWER_IN_R = {  # name: effect, interval
    "one against one, tied": (0.0, (None, None)),
    "all values the same": (0.0, (None, None)),
    "all values the same, less": (0.0, (None, None)),
    "both arms constant": (-3.0, (None, None)),
    "both arms constant, greater": (-3.0, (None, None)),
    "both arms constant, decimals": (-109.93, (None, None)),
    "constant but for one, decimals": (-1.014, (-1.014, 0.486)),
    "empty treatment": (None, (None, None)),
    "empty control": (None, (None, None)),
    "treatment all missing": (None, (None, None)),
}
REFUSED = {"infinite", "values at the end of floating point"}
ANSWERED_OTHERWISE = {"one against one", "differences below the tolerance of the root", "large values"}
AGREED = sorted(set(EDGES) - set(WITHOUT_AN_ANSWER_IN_R) - REFUSED - ANSWERED_OTHERWISE)


@pytest.mark.parametrize("kind", KINDS)
def test_every_figure_agrees_with_r(kind):
    for place, (case, ours) in enumerate(rank_sum_answers()):
        if case["kind"] == kind:
            assert ours.exact == case["r"]["exact"]
            off = {figure: difference(ours, case["r"], figure) for figure in FIGURES}
            assert max(off.values()) <= AGREEMENT, (place, off)


def test_the_tables_cover_what_a_trial_can_bring():
    answered = [case for case in CASES if has_answer(case)]
    assert len(answered) >= 500
    assert sum(case["r"]["exact"] for case in answered) >= 100
    assert {case["alternative"] for case in answered} == {"two.sided", "less", "greater"}
    assert len({case["level"] for case in answered}) >= 5
    assert sum(None in case["x"] or None in case["y"] for case in answered) >= 50
    assert sum(len(set(case["x"])) == 1 or len(set(case["y"])) == 1 for case in answered) >= 20
    sizes = [len(case[arm]) for case in answered for arm in "xy"]
    assert min(sizes) <= 3
    assert max(sizes) >= 195


def test_default_tolerance_of_r_moves_its_answers_by_no_more_than_that_tolerance():
    for case, ours in rank_sum_answers():
        if case["loose"]:
            assert all(
                difference(ours, case["loose"], figure) <= DEFAULT_ROOT_TOLERANCE
                for figure in ("low", "high", "estimate")
            )


def test_random_table_without_an_answer_in_r_is_two_constant_arms():
    unanswered = [case for case in CASES if not has_answer(case)]
    assert all(len(set(case["x"]) - {None}) == len(set(case["y"]) - {None}) == 1 for case in unanswered)


@pytest.mark.parametrize("name", AGREED)
def test_edge_agrees_with_r(name):
    ours, theirs = our_rank_sum(EDGES[name]), EDGES[name]["r"]
    assert ours.exact == theirs["exact"]
    assert max(difference(ours, theirs, figure) for figure in FIGURES) <= AGREEMENT


@pytest.mark.parametrize("name", WITHOUT_AN_ANSWER_IN_R)
def test_edge_that_is_an_error_in_r_has_the_listed_answer(name):
    assert "error" in EDGES[name]["r"]
    ours = our_rank_sum(EDGES[name])
    effect, interval = WITHOUT_AN_ANSWER_IN_R[name]
    assert ours.effect == (effect if effect is None else pytest.approx(effect, abs=1e-12))
    assert (ours.low, ours.high) == pytest.approx(interval, abs=1e-12)
    assert ours.notes


@pytest.mark.parametrize(
    "name", [name for name in WITHOUT_AN_ANSWER_IN_R if EDGES[name]["p_alone"] is not None]
)
def test_p_is_that_of_r_without_an_interval_where_the_interval_is_an_error(name):
    assert our_rank_sum(EDGES[name]).p_value == pytest.approx(EDGES[name]["p_alone"], abs=AGREEMENT)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_value_that_cannot_be_subtracted_is_refused_with_its_place(name):
    with pytest.raises(InputError, match=r"treatment, value \d"):
        our_rank_sum(EDGES[name])


def test_one_against_one_has_no_interval_where_r_gives_one_of_no_confidence():
    assert EDGES["one against one"]["r"]["achieved"] == 0
    ours = our_rank_sum(EDGES["one against one"])
    assert (ours.effect, ours.low, ours.high, ours.p_value) == (2.0, None, None, 1.0)


@pytest.mark.parametrize(
    ("name", "unit"), [("differences below the tolerance of the root", 1e-15), ("large values", 1e12)]
)
def test_interval_does_not_depend_on_the_unit(name, unit):
    ours, theirs = our_rank_sum(EDGES[name]), EDGES[name]["r"]
    assert (ours.low, ours.high) == pytest.approx((-6 * unit, 3 * unit), rel=1e-12)
    assert ours.effect == pytest.approx(0, abs=1e-12 * unit)
    assert ours.p_value == theirs["p"]
