from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lesionseg.core.plan import LESION_PARAMETERS, read_plan
from lesionseg.longitudinal import Changes, Subject, changes, pair_visits, read_scans, visit_grid
from lesionseg.longitudinal.change_words import MEANINGS
from lesionseg.longitudinal.figures import CODES
from tests.longitudinal.builders import DAY_ZERO, figures, scan_row, write_plan, write_table

VISITS = ("baseline", "day 10", "day 28", "day 90")


def made_of(folder: Path, rows: list[dict[str, Any]], *further_subjects: str) -> Changes:
    plan = read_plan(write_plan(folder / "plan.yaml"))
    table = read_scans(write_table(folder / "scans.csv", rows), plan.schedule)
    subjects = {row["subject"]: Subject(row["subject"], DAY_ZERO) for row in rows}
    return changes(
        table, visit_grid(pair_visits(table.scans, plan.schedule, subjects), plan, further_subjects)
    )


class At:
    """The figures of one subject, visit and parameter."""

    def __init__(self, made: Changes, visit: str, code: str, subject: str = "A") -> None:
        where = (made.grid.subjects.index(subject), VISITS.index(visit), CODES.index(code))
        self.value, self.change, self.change_pct = (
            None if np.isnan(cube[where]) else float(cube[where])
            for cube in (made.value, made.change, made.change_pct)
        )
        self.low, self.high = float(made.low[where]), float(made.high[where])
        self.reason, self.sentence = made.reason[where], made.sentence[where]


def test_change_is_follow_up_minus_baseline_and_that_in_percent_of_it(tmp_path: Path) -> None:
    made = made_of(
        tmp_path, [scan_row("A", "A1", 0), scan_row("A", "A2", 28, lesion_ml=600.0, solid_ml=50.0)]
    )
    lesion, solid = At(made, "day 28", "LESPCT"), At(made, "day 28", "SOLPCT")
    assert (lesion.value, lesion.change, lesion.change_pct) == pytest.approx((12, -8, -40))
    assert (solid.value, solid.change, solid.change_pct) == pytest.approx((1, -3, -75))
    assert (lesion.low, lesion.high) == pytest.approx((11, 13))
    assert lesion.reason == ""


def test_every_parameter_is_there_with_its_own_figure(tmp_path: Path) -> None:
    row = scan_row("A", "A1", 0, right_lesion_proportion_pct=31.0, left_solid_proportion_pct=7.0)
    row |= {"right_non_solid_ml": 500.0, "right_lung_ml": 2000.0, "dense_lesion_proportion_pct": 3.5}
    made = made_of(tmp_path, [row])
    expected = {
        "LESPCT": 20, "SOLPCT": 4, "NSLPCT": 16, "LESPCTR": 31, "SOLPCTR": 4, "NSLPCTR": 25,
        "LESPCTL": 20, "SOLPCTL": 7, "NSLPCTL": 16, "LESML": 1000, "SOLML": 200, "NSLML": 800,
        "LUNGML": 5000, "LESPCTA": 20, "SOLPCTA": 4, "DENPCT": 3.5,
    }  # fmt: skip
    assert set(expected) == set(LESION_PARAMETERS)
    for code, value in expected.items():
        assert At(made, "baseline", code).value == pytest.approx(value), code


def test_the_baseline_has_no_change_and_needs_no_reason(tmp_path: Path) -> None:
    at = At(made_of(tmp_path, [scan_row("A", "A1", 0)]), "baseline", "LESPCT")
    assert (at.value, at.change, at.change_pct, at.reason) == (20, None, None, "")


def test_a_baseline_of_zero_has_an_absolute_change_only(tmp_path: Path) -> None:
    rows = [scan_row("A", "A1", 0, lesion_ml=0.0, solid_ml=0.0), scan_row("A", "A2", 28)]
    at = At(made_of(tmp_path, rows), "day 28", "LESPCT")
    assert (at.value, at.change, at.change_pct, at.reason) == (20, 20, None, "zero-baseline")
    assert "absolute one stands" in at.sentence


def test_a_missing_visit_is_told_with_its_window(tmp_path: Path) -> None:
    at = At(made_of(tmp_path, [scan_row("A", "A1", 0)]), "day 28", "LESPCT")
    assert (at.value, at.change, at.reason) == (None, None, "no-scan")
    assert at.sentence == "No scan belongs to day 28 (days 21 to 35)."


@pytest.mark.parametrize(("status", "code"), [("failed", "scan-failed"), ("not-evaluable", "not-evaluable")])
def test_a_scan_without_figures_is_told_with_its_reason(tmp_path: Path, status: str, code: str) -> None:
    rows = [scan_row("A", "A1", 0), scan_row("A", "A2", 28, status=status, reason_text="Motion.")]
    at = At(made_of(tmp_path, rows), "day 28", "SOLML")
    assert (at.value, at.change, at.reason) == (None, None, code)
    assert "A2" in at.sentence
    assert "Motion." in at.sentence


@pytest.mark.parametrize("code", sorted(LESION_PARAMETERS))
def test_a_missing_baseline_leaves_values_and_says_why_there_is_no_change(tmp_path: Path, code: str) -> None:
    rows = [scan_row("A", "A1", 0, status="failed", reason="slices-missing"), scan_row("A", "A2", 28)]
    at = At(made_of(tmp_path, rows), "day 28", code)
    assert (at.value is None) == (code in ("LESPCTA", "SOLPCTA"))
    assert (at.change, at.change_pct, at.reason) == (None, None, "no-baseline")
    assert at.sentence == "There is no baseline value: the scan A1 could not be measured: slices-missing."


def test_a_figure_that_the_measurements_lack_is_told_with_their_reason(tmp_path: Path) -> None:
    row = scan_row("A", "A2", 28, left_lesion_proportion_pct="", missing="left_lesion_proportion_pct=no-lung")
    made = made_of(tmp_path, [scan_row("A", "A1", 0), row])
    at = At(made, "day 28", "LESPCTL")
    assert (at.value, at.reason) == (None, "figure-missing")
    assert at.sentence == "The measurements of A2 give no left_lesion_proportion_pct: no-lung."
    assert At(made, "day 28", "LESPCTR").reason == ""


def test_a_ratio_over_an_absent_lung_is_a_missing_figure(tmp_path: Path) -> None:
    row = scan_row("A", "A2", 28, left_lung_ml=0.0, left_non_solid_ml=0.0)
    at = At(made_of(tmp_path, [scan_row("A", "A1", 0), row]), "day 28", "NSLPCTL")
    assert (at.reason, at.sentence) == ("figure-missing", "The measurements of A2 have a left_lung_ml of 0.")


def test_an_absent_column_is_told_as_such(tmp_path: Path) -> None:
    rows = [scan_row("A", "A1", 0)]
    del rows[0]["dense_lesion_proportion_pct"]
    at = At(made_of(tmp_path, rows), "baseline", "DENPCT")
    assert at.reason == "figure-missing"
    assert at.sentence == "The table of scans has no column dense_lesion_proportion_pct."


def test_the_adjusted_proportion_stands_beside_the_raw_one(tmp_path: Path) -> None:
    rows = [
        scan_row("A", "A1", 0),
        scan_row("A", "A2", 28, lung_ml=4000.0, lesion_ml=500.0, solid_ml=100.0, lesion_mean_hu=-300.0),
    ]
    made = made_of(tmp_path, rows)
    raw, adjusted = At(made, "day 28", "LESPCT"), At(made, "day 28", "LESPCTA")
    assert raw.value == pytest.approx(12.5)
    # 4000 ml at -700 HU hold 2800 ml of gas, the lesion 150 ml; they share the 1000 ml up to the baseline.
    assert adjusted.value == pytest.approx(100 * (500 + 1000 * 150 / 2800) / 5000)
    assert adjusted.change == pytest.approx(adjusted.value - 20)
    assert At(made, "day 28", "SOLPCTA").value == pytest.approx(2)


@pytest.mark.parametrize(
    ("cells", "code", "words"),
    [
        ({"lung_mean_hu": ""}, "figure-missing", "A2 give no lung_mean_hu"),
        ({"lung_mean_hu": 20.0}, "not-adjustable", "gas in the lung"),
    ],
)
def test_what_cannot_be_adjusted_is_told(tmp_path: Path, cells, code: str, words: str) -> None:
    at = At(
        made_of(tmp_path, [scan_row("A", "A1", 0), scan_row("A", "A2", 28, **cells)]), "day 28", "LESPCTA"
    )
    assert (at.value, at.reason) == (None, code)
    assert words in at.sentence


def test_subjects_without_any_scan_are_there(tmp_path: Path) -> None:
    made = made_of(tmp_path, [scan_row("B", "B1", 0)], "A")
    assert made.grid.subjects == ("A", "B")
    assert {At(made, visit, "LESPCT").reason for visit in VISITS} == {"no-scan"}


DAYS = st.sampled_from([None, -3, 0, 9, 12, 28, 30, 90, 200])
SCANS = st.lists(
    st.tuples(
        st.sampled_from("AB"), DAYS, st.sampled_from(["measured", "measured", "failed", "not-evaluable"]),
        st.sampled_from([0.0, 300.0, 1000.0]), st.sets(st.sampled_from(sorted(figures())), max_size=3),
    ),
    min_size=1, max_size=8,
)  # fmt: skip


@given(SCANS)
def test_nothing_is_missing_without_a_reason_and_no_reason_stands_beside_a_whole_row(
    tmp_path_factory: pytest.TempPathFactory, scans
) -> None:
    rows = [
        scan_row(subject, f"s{number}", day, status=status, lesion_ml=lesion_ml, solid_ml=lesion_ml / 4)
        | (dict.fromkeys(absent, "") if status == "measured" else {})
        for number, (subject, day, status, lesion_ml, absent) in enumerate(scans)
    ]
    made = made_of(tmp_path_factory.mktemp("any"), rows)
    baseline = np.zeros(made.value.shape, bool)
    baseline[:, 0, :] = True
    lacking = np.isnan(made.value) | (~baseline & (np.isnan(made.change) | np.isnan(made.change_pct)))
    assert ((made.reason != "") == lacking).all()
    assert ((made.sentence != "") == lacking).all()
    assert set(made.reason[lacking]) <= set(MEANINGS)
    assert not np.isinf(made.change_pct).any()
