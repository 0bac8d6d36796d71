"""A folder of many patients and visits becomes a list of scans; what does not fit is told with its row."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from lesionseg.core.errors import AmbiguousSeriesError, NoCTSeriesError, TableError
from lesionseg.volume.files import write_volume
from lesionseg.workflow.scan_list.matching import list_scans
from lesionseg.workflow.scan_list.scan_list import ListedScan, ScanList
from lesionseg.workflow.scan_list.table import read_visits
from tests.support.ct_series import Series, chest_volume, save, write_series
from tests.workflow.trial_builders import (
    SHAPE,
    SPACING_MM,
    header,
    tiny_plan,
    visit_rows,
    write_scan,
    write_table,
    write_trial,
)

SUBJECTS = ("A1", "B1")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Series]:
    return write_trial(tmp_path_factory.mktemp("trial") / "dicom", SUBJECTS)


@pytest.fixture
def root(written: dict[tuple[str, str], Series]) -> Path:
    """Shared by the tests that only read."""
    return written["A1", "baseline"].folder.parent.parent


def listed(root: Path, *rows: dict[str, object]) -> ScanList:
    table = write_table(root.parent / "visits.csv", rows)
    return list_scans(root, read_visits(table, tiny_plan()))


def faults_of(root: Path, *rows: dict[str, object]) -> tuple[str, ...]:
    with pytest.raises(TableError) as caught:
        listed(root, *rows)
    return caught.value.faults


def by_id(scans: ScanList) -> dict[str, ListedScan]:
    return {scan.scan_id: scan for scan in scans.scans}


# --- without a table ------------------------------------------------------------------------------------


def test_without_a_table_every_study_is_a_scan_of_its_patient(root: Path) -> None:
    scans = list_scans(root, None)
    assert list(by_id(scans)) == ["A1_20200401", "A1_20200429", "B1_20200401", "B1_20200429"]
    assert [scan.study_date for scan in scans.scans[:2]] == [date(2020, 4, 1), date(2020, 4, 29)]
    assert scans.subjects == SUBJECTS
    assert (scans.left_over, scans.notes) == ((), ())


def test_each_scan_holds_the_files_of_its_own_series_only(
    root: Path, written: dict[tuple[str, str], Series]
) -> None:
    scan = by_id(list_scans(root, None))["B1_20200429"]
    series = written["B1", "day 28"]
    assert sorted(scan.source.files) == sorted(series.paths)
    assert (scan.source.series_uid, scan.source.study_uid) == (
        series.settings.series_uid, series.settings.study_uid,
    )  # fmt: skip
    assert scan.path == "B1/day-28"


def test_files_of_all_patients_in_one_folder_are_told_apart(tmp_path: Path) -> None:
    for number, (subject, visit) in enumerate((("A1", "baseline"), ("B1", "baseline"), ("A1", "day 28"))):
        series = write_scan(tmp_path / "apart", subject, visit)
        for dataset in series.datasets():
            save(dataset, tmp_path / "flat" / f"{number}-{dataset.InstanceNumber}.dcm")
    scans = list_scans(tmp_path / "flat", None)
    assert list(by_id(scans)) == ["A1_20200401", "A1_20200429", "B1_20200401"]
    assert {len(scan.source.files) for scan in scans.scans} == {SHAPE[0]}
    assert {scan.path for scan in scans.scans} == {"."}


def test_scan_without_patient_id_is_left_over_and_said_so(tmp_path: Path) -> None:
    write_scan(tmp_path / "dicom", "A1", "baseline")
    nobody = write_scan(tmp_path / "apart", "B1", "baseline")
    for number, dataset in enumerate(nobody.datasets()):
        dataset.PatientID = ""
        save(dataset, tmp_path / "dicom" / "nobody" / f"{number}.dcm")
    scans = list_scans(tmp_path / "dicom", None)
    assert list(by_id(scans)) == ["A1_20200401"]
    (left,) = scans.left_over
    assert (left.path, left.series_uid) == ("nobody", nobody.settings.series_uid)
    assert "no patient ID" in left.reason


def test_folder_without_any_scan_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(NoCTSeriesError):
        list_scans(tmp_path, None)


# --- with a table ---------------------------------------------------------------------------------------


def test_rows_name_scans_by_series_study_or_path(root: Path, written: dict[tuple[str, str], Series]) -> None:
    series, study = (written["A1", visit].settings for visit in ("baseline", "day 28"))
    scans = by_id(
        listed(
            root,
            {"subject": "X", "visit": "baseline", "series_uid": series.series_uid},
            {"subject": "X", "visit": "day 28", "study_uid": study.study_uid},
            {"subject": "Y", "visit": "unscheduled", "path": "B1/baseline"},
        )
    )
    assert {name: scan.path for name, scan in scans.items()} == {
        "X_baseline": "A1/baseline", "X_day-28": "A1/day-28", "Y_unscheduled": "B1/baseline",
    }  # fmt: skip
    assert scans["X_baseline"].source.asked_series == series.series_uid
    assert scans["X_day-28"].source.asked_series is None
    assert [scan.row for scan in scans.values()] == [2, 3, 4]


def test_scan_that_no_row_names_is_left_over(root: Path, written: dict[tuple[str, str], Series]) -> None:
    scans = listed(root, *visit_rows(SUBJECTS)[:-1])
    (left,) = scans.left_over
    assert left.path == "B1/day-28"
    assert left.series_uid == written["B1", "day 28"].settings.series_uid
    assert (left.patient_id, left.study_date) == ("B1", "20200429")


def test_every_row_that_leads_nowhere_is_told_with_its_number(root: Path) -> None:
    faults = faults_of(
        root,
        {"subject": "A1", "path": "A1/baseline"},
        {"subject": "A1", "path": "A1/day-90"},
        {"subject": "B1", "series_uid": "1.2.3"},
        {"subject": "B1", "study_uid": "1.2.4"},
        {"subject": "B1", "path": "B1"},
    )
    assert [fault.split(":")[0] for fault in faults] == [
        "row 3, column path", "row 4, column series_uid", "row 5, column study_uid", "row 6, column path",
    ]  # fmt: skip
    assert "2 studies" in faults[-1]


def test_series_that_two_rows_lead_to_is_told_with_both(
    root: Path, written: dict[tuple[str, str], Series]
) -> None:
    study_uid = written["A1", "baseline"].settings.study_uid
    (fault,) = faults_of(
        root, {"subject": "A1", "path": "A1/baseline"}, {"subject": "B1", "study_uid": study_uid}
    )
    assert fault.startswith("row 3, column study_uid: this is the scan of row 2 already")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            [{"subject": "A1", "path": "x", "series_uid": "1.2"}],
            "row 2: the row names its scan by series_uid and path",
        ),
        (
            [{"subject": "A1", "date": "2020-04-01", "path": ""}],
            "row 2: the row names its scan by none of them",
        ),
        (
            [{"subject": "A1", "visit": "day 10", "path": "x"}],
            "row 2, column visit: the plan has no visit day 10",
        ),
        (
            [{"subject": "A1", "path": "x", "date": "43922"}],
            "row 2, column date: 43922 is Excel's count of days",
        ),
        ([{"subject": "", "path": "x"}], "row 2, column subject: the cell is empty"),
        ([{"subject": "A1", "arm": "cells", "path": "x"}], "row 1, column arm: there is no such column"),
        (
            [{"subject": "A1", "visit": "baseline", "path": p} for p in ("x", "y")],
            "row 3, column visit: baseline of subject A1 stands in row 2 already",
        ),
    ],
)
def test_bad_rows_are_told_with_row_and_column(
    rows: list[dict[str, object]], words: str, tmp_path: Path
) -> None:
    with pytest.raises(TableError) as caught:
        read_visits(write_table(tmp_path / "visits.csv", rows), tiny_plan())
    assert caught.value.faults[0].startswith(words)


def test_two_scans_of_a_subject_may_both_be_unscheduled(root: Path) -> None:
    rows = [
        {"subject": "A1", "visit": "Unscheduled", "path": f"A1/{visit}"} for visit in ("baseline", "day-28")
    ]
    assert list(by_id(listed(root, *rows))) == ["A1_unscheduled", "A1_unscheduled_2"]


def test_date_of_the_table_goes_before_the_files_and_the_difference_is_noted(root: Path) -> None:
    scans = listed(root, {"subject": "A1", "path": "A1/baseline", "date": "2020-04-03"})
    assert scans.scans[0].study_date == date(2020, 4, 3)
    assert any("row 2" in note and "2020-04-01" in note for note in scans.notes)


def test_mixed_up_patients_are_noted(root: Path) -> None:
    scans = listed(
        root,
        {"subject": "A1", "visit": "baseline", "path": "A1/baseline"},
        {"subject": "A1", "visit": "day 28", "path": "B1/day-28"},
        {"subject": "B1", "visit": "baseline", "path": "B1/baseline"},
    )
    assert "the scans of subject A1 carry 2 patient IDs: A1, B1" in scans.notes
    assert "scans with the patient ID B1 are listed under 2 subjects: A1, B1" in scans.notes


# --- volume files ---------------------------------------------------------------------------------------


def test_volume_files_are_scans_where_a_row_says_so(tmp_path: Path) -> None:
    root = tmp_path / "dicom"
    root.mkdir()
    for name in ("one.nii.gz", "two.nii.gz"):
        write_volume(chest_volume((8, 16, 16)), root / name)
    scans = listed(root, {"subject": "A1", "date": "2020-04-01", "path": "one.nii.gz"})
    (scan,) = scans.scans
    assert (scan.scan_id, scan.path, scan.source.found) == ("A1_20200401", "one.nii.gz", None)
    assert [(left.what, left.path) for left in scans.left_over] == [("volume file", "two.nii.gz")]
    (fault,) = faults_of(root, {"subject": "A1", "path": "one.nii.gz"})
    assert "carries no date" in fault


# --- studies that are not one good series ---------------------------------------------------------------


def second_series(root: Path, **changes: object) -> Series:
    """Another series of A1's baseline study."""
    settings = header("A1", "baseline", series_number=2, **changes)
    return write_series(root / "A1" / "more", chest_volume(SHAPE, SPACING_MM, seed=9), settings)


def test_better_series_of_a_study_is_taken_and_the_other_is_not_left_over(tmp_path: Path) -> None:
    better = write_scan(tmp_path, "A1", "baseline", kernel="STANDARD")
    second_series(tmp_path, kernel="B70f")
    scans = list_scans(tmp_path, None)
    assert scans.scans[0].source.series_uid == better.settings.series_uid
    assert scans.left_over == ()


def test_tie_is_the_error_of_that_scan_alone(tmp_path: Path) -> None:
    for subject in SUBJECTS:
        write_scan(tmp_path, subject, "baseline")
    second_series(tmp_path)
    scans = by_id(list_scans(tmp_path, None))
    assert isinstance(scans["A1_20200401"].source.error, AmbiguousSeriesError)
    assert scans["A1_20200401"].source.files == ()
    assert scans["B1_20200401"].source.error is None


def test_series_of_two_patients_is_never_divided(tmp_path: Path) -> None:
    series = write_scan(tmp_path / "apart", "A1", "baseline")
    for number, dataset in enumerate(series.datasets()):
        dataset.PatientID = "B1" if number < 6 else "A1"
        save(dataset, tmp_path / "dicom" / f"{number}.dcm")
    for scan in list_scans(tmp_path / "dicom", None).scans:
        assert scan.source.found is not None
        assert len(scan.source.found.slices) == SHAPE[0]


def test_damaged_file_counts_against_its_neighbours_and_nobody_else(tmp_path: Path) -> None:
    root = tmp_path / "dicom"
    damaged = write_scan(root, "A1", "baseline").paths[3]
    write_scan(root, "B1", "baseline")
    damaged.write_bytes(damaged.read_bytes()[:200])
    (root / "odd").mkdir()
    (root / "odd" / "alone.dcm").write_bytes(damaged.read_bytes())
    scans = list_scans(root, None)
    held = {name: scan.source.found for name, scan in by_id(scans).items()}
    assert [file.path for file in held["A1_20200401"].unreadable] == [damaged]
    assert held["B1_20200401"].unreadable == ()
    assert [(left.what, left.path) for left in scans.left_over] == [("file", "odd/alone.dcm")]


# --- names ----------------------------------------------------------------------------------------------


def test_names_are_file_names_and_the_same_on_every_run(root: Path) -> None:
    rows = (
        {"subject": "Ä/1", "visit": "baseline", "path": "A1/baseline"},
        {"subject": "Ä\\1", "visit": "baseline", "path": "A1/day-28"},
        {"subject": "a", "path": "B1/baseline"},
        {"subject": "A", "path": "B1/day-28", "date": "2020-04-01"},
    )
    first, again = by_id(listed(root, *rows)), by_id(listed(root, *reversed(rows)))
    assert list(first) == list(again)
    assert len({name.lower() for name in first}) == 4
    assert all(name.isascii() and "/" not in name and "\\" not in name for name in first)
