import pytest
from hypothesis import given
from hypothesis import strategies as st

from lesionseg.core.errors import ConfigurationError
from lesionseg.statistics.multiplicity import fixed_sequence, holm

P_VALUES = st.lists(st.floats(0, 1), max_size=6)


def test_holm_is_p_adjust():
    """R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))


def test_holm_with_ties_and_ones_is_p_adjust():
    """R: p.adjust(c(0.02, 0.02, 0.9, 1), "holm")."""
    assert holm([0.02, 0.02, 0.9, 1.0]) == pytest.approx((0.08, 0.08, 1.0, 1.0))


@given(P_VALUES)
def test_holm_rejects_what_stepping_down_rejects(p_values):
    adjusted = holm(p_values)
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    rejected = True
    for rank, index in enumerate(order):
        rejected = rejected and p_values[index] * (len(order) - rank) <= 0.05
        assert (adjusted[index] <= 0.05) == rejected


@given(P_VALUES)
def test_fixed_sequence_rejects_until_the_first_failure(p_values):
    adjusted = fixed_sequence(p_values)
    for index, value in enumerate(adjusted):
        assert (value <= 0.05) == all(p <= 0.05 for p in p_values[: index + 1])


def test_untested_endpoint_keeps_its_place_in_holms_family():
    assert holm([0.02, None, 0.03]) == (pytest.approx(0.06), None, pytest.approx(0.06))


def test_untested_endpoint_closes_the_gate():
    assert fixed_sequence([0.01, None, 0.001]) == (0.01, None, 1.0)


def test_no_endpoint_gives_nothing():
    assert holm([]) == fixed_sequence([]) == ()


@pytest.mark.parametrize("rule", [holm, fixed_sequence])
def test_impossible_p_value_is_refused(rule):
    with pytest.raises(ConfigurationError):
        rule([0.2, float("nan")])
