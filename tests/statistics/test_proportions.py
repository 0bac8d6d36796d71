import pytest
from hypothesis import given
from hypothesis import strategies as st

from lesionseg.core.errors import ConfigurationError, InputError
from lesionseg.statistics.proportions import fisher, newcombe_interval, risk_difference
from tests.statistics.model_goldens import golden, relative

TABLES = golden("proportions")
SIDES = {"two_sided": "two-sided", "less": "less", "greater": "greater"}


def cells(case):
    treated, control = case["treated_yes"], case["control_yes"]
    return treated, case["treated_n"] - treated, control, case["control_n"] - control


def arms(case):
    return case["treated_yes"], case["treated_n"], case["control_yes"], case["control_n"]


@pytest.mark.parametrize("case", TABLES)
def test_difference_and_interval_are_those_of_r(case):
    found = risk_difference(*arms(case), alpha=case["alpha"])
    assert found.effect == pytest.approx(100 * case["difference"], abs=1e-11)
    assert (found.low, found.high) == pytest.approx([100 * end for end in case["newcombe"]], abs=1e-9)


@pytest.mark.parametrize("case", TABLES)
def test_p_values_are_those_of_fisher_test(case):
    for name, alternative in SIDES.items():
        expected = case["fisher"][name]["default"]["p"]
        assert relative(fisher(*cells(case), alternative=alternative).p_value, expected) < 1e-9
        assert risk_difference(*arms(case), alternative=alternative).p_value == pytest.approx(expected)


@pytest.mark.parametrize("case", TABLES)
def test_odds_ratio_and_its_interval_are_those_of_fisher_test(case):
    for name, alternative in SIDES.items():
        found = fisher(*cells(case), alpha=case["alpha"], alternative=alternative)
        expected = case["fisher"][name]["sharp"]
        if found.odds_ratio is None and found.low is None and found.high is None:
            assert expected["odds_ratio"] in {None, 0}  # R's odds ratio of a table with an empty margin is 0
            continue
        low, high = expected["interval"]
        ours = (found.odds_ratio, found.low, found.high)
        theirs = (
            expected["odds_ratio"],
            None if alternative == "less" else low,
            None if alternative == "greater" else high,
        )
        for one, other in zip(ours, theirs, strict=True):
            assert (one is None) == (other is None)
            assert one is None or one == pytest.approx(other, rel=1e-6, abs=1e-9)


def test_newcombes_own_examples():
    """Table II of Newcombe 1998, method 10: 56/70 - 48/80 and 9/10 - 3/10."""
    assert newcombe_interval((56, 70), (48, 80), 1.959964) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert newcombe_interval((9, 10), (3, 10), 1.959964) == pytest.approx((0.1705, 0.8090), abs=5e-5)
    assert newcombe_interval((10, 10), (0, 10), 1.959964) == pytest.approx((0.6075, 1.0), abs=5e-5)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))
def test_swapping_the_arms_turns_the_sign(a, b, c, d):
    one = risk_difference(a, a + b, c, c + d)
    other = risk_difference(c, c + d, a, a + b)
    if one.effect is None:
        assert other.effect is None
        return
    assert one.effect == pytest.approx(-other.effect)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    assert one.p_value == pytest.approx(other.p_value)
    assert -100 <= one.low <= one.effect <= one.high <= 100


def test_one_sided_interval_is_open():
    found = risk_difference(3, 20, 9, 20, alternative="less")
    assert found.low is None
    assert found.high == pytest.approx(risk_difference(3, 20, 9, 20, alpha=0.1).high)
    assert found.p_value < risk_difference(3, 20, 9, 20).p_value


def test_event_that_nobody_had_has_p_one_and_an_interval_with_a_width():
    found = risk_difference(0, 30, 0, 20)
    assert (found.effect, found.p_value) == (0, 1)
    assert found.low < 0 < found.high


@pytest.mark.parametrize("counts", [(0, 0, 3, 10), (3, 10, 0, 0), (0, 0, 0, 0)])
def test_arm_without_subjects_gives_no_figures(counts):
    found = risk_difference(*counts)
    assert (found.effect, found.low, found.high, found.p_value) == (None, None, None, None)
    assert "no subject" in found.notes[0]


def test_infinite_odds_ratio_is_none():
    found = fisher(5, 0, 0, 5)
    assert found.odds_ratio is None
    assert found.high is None
    assert found.low > 1
    assert found.p_value == pytest.approx(2 / 252)


def test_empty_table_has_p_one():
    assert fisher(0, 0, 0, 0) == (None, None, None, 1.0)


@pytest.mark.parametrize("counts", [(-1, 10, 2, 10), (11, 10, 2, 10), (1, 10, 12, 10)])
def test_impossible_counts_are_refused(counts):
    with pytest.raises(InputError, match="negative"):
        risk_difference(*counts)


def test_unknown_alternative_is_refused():
    with pytest.raises(ConfigurationError):
        fisher(1, 2, 3, 4, alternative="both")
