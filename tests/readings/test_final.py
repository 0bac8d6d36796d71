from __future__ import annotations

import pytest

from lesionseg.core.errors import ReadingError
from lesionseg.core.plan import Readings
from lesionseg.longitudinal import ValueOrigin
from lesionseg.readings.average import average_cells
from lesionseg.readings.final import FinalValue, Unresolved, final_value
from lesionseg.readings.reading import current_readings, parameter_value
from tests.readings.reading_builders import adjudication, cells, reading

TWO = Readings(largest_difference=2.0)  # percentage points; 1 point is 10 ml here
AVERAGE = Readings(largest_difference=2.0, rule="average")
ONE = Readings(readers=1)


def final(plan: Readings, *readings: object) -> FinalValue:
    found = final_value("A1", readings, plan)  # type: ignore[arg-type]
    assert isinstance(found, FinalValue), found
    return found


def problem(plan: Readings, *readings: object) -> str:
    found = final_value("A1", readings, plan)  # type: ignore[arg-type]
    assert isinstance(found, Unresolved), found
    return found.problem


def test_readers_who_agree_give_their_mean() -> None:
    found = final(TWO, reading("Ruiz", 110), reading("Ono", 100))
    assert found.origin is ValueOrigin.READERS_AVERAGE
    assert [each.reader for each in found.readings] == ["Ono", "Ruiz"]
    assert found.compared is not None
    assert found.compared.difference == pytest.approx(-1.0)
    assert "they agree" in found.why


@pytest.mark.parametrize(("other_ml", "agree"), [(120, True), (80, True), (120.01, False), (79.9, False)])
def test_the_limit_itself_is_agreement(other_ml: float, agree: bool) -> None:
    found = final(TWO, reading("Ono", 100), reading("Ruiz", other_ml), adjudication(105))
    assert found.compared is not None
    assert found.compared.agree is agree
    assert found.origin is (ValueOrigin.READERS_AVERAGE if agree else ValueOrigin.ADJUDICATOR)


def test_a_difference_that_only_rounding_makes_larger_is_agreement() -> None:
    first, second = reading("Ono", 0.1 * 1000 + 0.2 * 1000), reading("Ruiz", 280)
    assert final(TWO, first, second).compared.agree  # type: ignore[union-attr]


def test_the_adjudicator_decides_where_readers_differ() -> None:
    readers = reading("Ono", 100), reading("Ruiz", 200)
    assert "the adjudicator's reading is missing" in problem(TWO, *readers)
    found = final(TWO, *readers, adjudication(150))
    assert (found.origin, found.readings) == (ValueOrigin.ADJUDICATOR, (adjudication(150),))
    assert "Chief has decided" in found.why


def test_an_adjudicator_who_was_not_needed_changes_nothing() -> None:
    found = final(TWO, reading("Ono", 100), reading("Ruiz", 101), adjudication(500))
    assert found.origin is ValueOrigin.READERS_AVERAGE
    assert found.adjudicator == adjudication(500)


def test_by_the_other_rule_the_mean_stands_where_they_differ_too() -> None:
    found = final(AVERAGE, reading("Ono", 100), reading("Ruiz", 200))
    assert found.origin is ValueOrigin.READERS_AVERAGE
    assert "they differ, and the rule is their mean" in found.why


def test_one_reader_is_final_where_the_plan_asks_for_one() -> None:
    assert final(ONE, reading("Ono", 100)).origin is ValueOrigin.READER
    assert "asks for 1 reader, and there are 2: Ono, Ruiz" in problem(
        ONE, reading("Ono", 100), reading("Ruiz", 100)
    )


def test_what_is_missing_or_too_much_is_told() -> None:
    assert "asks for 2 readers, and there are 1: Ono" in problem(TWO, reading("Ono", 100))
    three = [reading(name, 100) for name in ("Ono", "Ruiz", "Weber")]
    assert "there are 3" in problem(TWO, *three)
    assert "none of a reader" in problem(TWO, adjudication(100))
    assert "2 adjudicators" in problem(TWO, *three[:2], adjudication(1), adjudication(2, "Boss"))


def test_unread_scans_keep_the_model_s_values_or_are_a_fault() -> None:
    assert final(TWO).origin is ValueOrigin.MODEL
    assert "nobody has read it" in problem(Readings(largest_difference=2, unread="refuse"))


def test_a_value_that_only_one_reader_has_is_disagreement() -> None:
    without = reading("Ruiz", 100, cells=cells(100, lesion_proportion_pct=""))
    assert "only one has a value" in problem(TWO, reading("Ono", 100), without)
    neither = final(TWO, reading("Ono", 100, cells=without.cells), without)
    assert neither.origin is ValueOrigin.READERS_AVERAGE


def test_figures_are_averaged_and_counts_are_not() -> None:
    first = reading("Ono", 100, cells=cells(100, lesion_component_count="3", flags="low-lung-volume=warning"))
    second = reading(
        "Ruiz", 120, cells=cells(120, lesion_component_count="4", flags="low-lung-volume=warning")
    )
    mean = average_cells(first, second)
    assert float(mean["lesion_ml"]) == 110
    assert float(mean["lesion_proportion_pct"]) == pytest.approx(11.0)
    assert mean["lesion_component_count"] == ""
    assert "lesion_component_count=readers-averaged" in mean["missing"]
    assert mean["flags"] == "low-lung-volume=warning"


def test_a_mean_needs_both() -> None:
    untold = cells(100, solid_ml=0, missing="solid_ml=solid-not-told") | {"solid_ml": ""}
    mean = average_cells(reading("Ono", 100), reading("Ruiz", 100, cells=untold))
    assert mean["solid_ml"] == ""
    assert "solid_ml=solid-not-told" in mean["missing"]


def test_parameters_are_those_of_the_analysis() -> None:
    row = cells(120, solid_ml=20)
    assert parameter_value(row, "LESPCT") == pytest.approx(12)
    assert parameter_value(row, "NSLPCT") == pytest.approx(10)
    assert parameter_value(row, "LESML") == 120
    assert parameter_value({}, "LESML") is None
    assert parameter_value(cells(0, solid_ml=0) | {"lung_ml": "0"}, "NSLPCT") is None


def test_a_superseded_reading_does_not_stand() -> None:
    first = reading("Ono", 100)
    second = reading("Ono", 110, supersedes=first.reading_id)
    assert current_readings([first, second]) == (second,)
    with pytest.raises(ReadingError, match="two readings of one scan"):
        current_readings([first, reading("ono", 120)])
