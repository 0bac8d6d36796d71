from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lesionseg.core.errors import InputNotFoundError, TableError
from lesionseg.longitudinal import Subject, read_scans, read_subjects
from tests.longitudinal.builders import DAY_ZERO, SCHEDULE, on, scan_row, write_subjects, write_table


def refused(path: Path, subjects=None) -> str:
    with pytest.raises(TableError) as caught:
        read_scans(path, SCHEDULE, subjects)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_scans_and_their_figures_are_read(tmp_path: Path) -> None:
    rows = [scan_row("A", "A1", 0), scan_row("A", "A2", 28, status="failed", reason="x", reason_text="Y.")]
    table = read_scans(write_table(tmp_path / "scans.csv", rows), SCHEDULE)
    first, second = table.scans
    assert (first.subject, first.scan_id, first.study_date, first.row) == ("A", "A1", DAY_ZERO, 2)
    assert (second.status, second.reason, second.reason_text, second.row) == ("failed", "x", "Y.", 3)
    np.testing.assert_array_equal(table.numbers["lung_ml"], [5000, np.nan])
    assert table.texts["kernel"] == ["B30f", "B30f"]


def test_optional_columns_may_be_absent(tmp_path: Path) -> None:
    path = tmp_path / "scans.csv"
    path.write_text("subject,scan_id,status,lesion_ml\nA,A1,measured,12.5\n")
    table = read_scans(path, SCHEDULE)
    assert table.numbers["lesion_ml"].tolist() == [12.5]
    assert np.isnan(table.numbers["lung_ml"]).all()
    assert {"lung_ml", "kernel", "study_date"} <= table.absent
    assert "lesion_ml" not in table.absent


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiters_byte_order_mark_and_blank_rows_are_understood(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "scans.csv"
    lines = [["subject", "scan_id", "status", "lung_ml"], ["A", "A1", "measured", "4000.5"], ["", "", "", ""]]
    path.write_text("\ufeff" + "\n".join(delimiter.join(line) for line in lines) + "\n\n", encoding="utf-8")
    table = read_scans(path, SCHEDULE)
    assert (len(table.scans), table.numbers["lung_ml"].tolist()) == (1, [4000.5])


def test_every_fault_is_told_with_its_row_and_column(tmp_path: Path) -> None:
    rows = [
        scan_row("A", "A1", 0, right_lung_ml="2500,5"),
        {**scan_row("A", "A2", 10), "study_date": "43922"},
        {**scan_row("A", "A3", 28), "status": "fine"},
        scan_row("", "A1", 90),
    ]
    words = refused(write_table(tmp_path / "scans.csv", rows))
    for part in (
        "row 2, column right_lung_ml: 2500,5 has a decimal comma",
        "row 3, column study_date: 43922 is Excel's count of days",
        "row 4, column status: fine is not allowed here",
        "row 5, column subject: the cell is empty",
        "row 5, column scan_id: A1 stands in row 2 already",
    ):
        assert part in words


@pytest.mark.parametrize("text", ["nan", "inf", "1e999", "12 ml"])
def test_what_is_no_finite_number_is_refused(tmp_path: Path, text: str) -> None:
    words = refused(write_table(tmp_path / "scans.csv", [scan_row("A", "A1", 0, lung_mean_hu=text)]))
    assert "row 2, column lung_mean_hu" in words


def test_a_scan_before_birth_is_refused_with_its_row(tmp_path: Path) -> None:
    path = write_table(tmp_path / "scans.csv", [scan_row("A", "A1", 0), scan_row("A", "A2", 10)])
    words = refused(path, {"A": Subject("A", DAY_ZERO, birth_date=on(5))})
    assert (
        "row 2, column study_date: the scan of 2020-04-01 lies before the birth of A on 2020-04-06" in words
    )
    assert "row 3" not in words


def test_visits_that_the_plan_lacks_and_visits_given_twice_are_refused_with_their_rows(
    tmp_path: Path,
) -> None:
    rows = [
        scan_row("A", "A1", 27, visit_given="day 28"),
        scan_row("A", "A2", 28, visit_given="day 28"),
        scan_row("A", "A3", 29, visit_given="day28"),
        scan_row("A", "A4", 29, visit_given="unscheduled"),
        scan_row("A", "A5", 30, visit_given="unscheduled"),
    ]
    words = refused(write_table(tmp_path / "scans.csv", rows))
    assert "row 3, column subject, visit_given: A, day 28 stands in row 2 already" in words
    assert "row 4, column visit_given: the plan has no visit day28" in words
    assert "row 5" not in words
    assert "row 6" not in words


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("subject,status\nA,measured\n", "column scan_id: this column is missing"),
        ("subject,scan_id,status,status\nA,A1,measured,failed\n", "column status: the name stands twice"),
        ("subject,scan_id,status\n", "no rows"),
        ("", "this column is missing"),
        ("subject,scan_id,status\nA,A1\n", "row 2: the row has 2 cells, the header 3"),
        ('subject,scan_id,status\nA,"A1,measured\n', "cannot be read"),
    ],
)
def test_tables_that_are_none_are_refused(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "scans.csv"
    path.write_text(content)
    assert words in refused(path)


def test_other_encodings_and_absent_tables_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "scans.csv"
    path.write_bytes("subject,scan_id,status\nJosé,A1,measured\n".encode("latin-1"))
    assert "CSV UTF-8" in refused(path)
    with pytest.raises(InputNotFoundError):
        read_scans(tmp_path / "none.csv", SCHEDULE)


def test_subjects_are_read_with_their_dates(tmp_path: Path) -> None:
    table = read_subjects(write_subjects(tmp_path / "subjects.csv", "A", "B", birth_date="1950-05-01"))
    assert list(table.subjects) == ["A", "B"]
    assert table.subjects["A"].day_of(on(28)) == 28
    assert table.subjects["B"].birth_date.year == 1950


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("subject,day_zero,arm\nA,2020-04-01,cells\n", "column arm: there is no such column"),
        ("subject,day_zero\nA,2020-04-01\nA,2020-04-02\n", "stands in row 2 already"),
        ("subject,day_zero,birth_date\nA,1949-04-01,1950-01-01\n", "row 2, column day_zero: day zero 1949"),
        ("subject,day_zero\nA,01.04.2020\n", "row 2, column day_zero"),
    ],
)
def test_faults_of_the_subjects_are_told(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "subjects.csv"
    path.write_text(content)
    with pytest.raises(TableError) as caught:
        read_subjects(path)
    assert words in str(caught.value)
