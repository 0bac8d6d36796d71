import pytest

from lesionseg.statistics.adverse_events import ANY_EVENT, adverse_events
from lesionseg.statistics.proportions import risk_difference

ARMS = {f"t{i}": True for i in range(10)} | {f"c{i}": False for i in range(5)}


def test_subjects_are_counted_once_and_events_each_time():
    found = adverse_events([("t1", "headache"), ("t1", "headache"), ("c2", "headache")], ARMS)
    row = found.rows[1]
    assert (row.treatment_subjects, row.control_subjects) == (1, 1)
    assert (row.treatment_events, row.control_events) == (2, 1)
    assert row.comparison == risk_difference(1, 10, 1, 5)


def test_any_event_comes_first_then_the_most_frequent():
    events = [("t1", "rash"), ("t2", "fever"), ("c1", "fever"), ("t1", "fever"), ("c1", "cough")]
    rows = adverse_events(events, ARMS).rows
    assert [row.term for row in rows] == [ANY_EVENT, "fever", "cough", "rash"]
    assert (rows[0].treatment_subjects, rows[0].control_subjects, rows[0].treatment_events) == (2, 1, 3)


def test_terms_that_differ_in_capitals_or_spaces_are_one():
    rows = adverse_events([("t1", "Chest  pain"), ("t2", " chest pain ")], ARMS).rows
    assert [row.term for row in rows] == [ANY_EVENT, "Chest pain"]
    assert rows[1].treatment_subjects == 2


def test_subjects_outside_the_population_are_named_and_not_counted():
    found = adverse_events([("x9", "fever"), ("t1", "fever"), ("x1", "rash")], ARMS)
    assert found.subjects_without_arm == ("x1", "x9")
    assert [row.term for row in found.rows] == [ANY_EVENT, "fever"]
    assert found.rows[1].treatment_subjects == 1


def test_no_event_at_all_leaves_the_row_of_any_event():
    (row,) = adverse_events([], ARMS).rows
    assert (row.term, row.treatment_subjects, row.comparison.p_value) == (ANY_EVENT, 0, 1.0)


def test_arm_without_subjects_has_no_p_value():
    (row, _) = adverse_events([("t1", "fever")], {"t1": True}).rows
    assert row.comparison.p_value is None
    assert row.comparison.notes


@pytest.mark.parametrize(("alpha", "wider"), [(0.01, True), (0.2, False)])
def test_alpha_sets_the_width_of_the_interval(alpha, wider):
    events = [("t1", "fever"), ("c1", "fever"), ("c2", "fever")]
    usual = adverse_events(events, ARMS).rows[0].comparison
    other = adverse_events(events, ARMS, alpha=alpha).rows[0].comparison
    assert (other.high - other.low > usual.high - usual.low) == wider
