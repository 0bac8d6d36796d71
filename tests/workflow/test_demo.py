from __future__ import annotations

import csv
from pathlib import Path

import pytest

from lesionseg.core.errors import LesionSegError, OutputExistsError
from lesionseg.phantoms import ChestSettings
from lesionseg.volume import CTVolume, LabelMap
from lesionseg.workflow.demo import DEMO_FILES, DemoResult, DemoSettings, run_demo
from lesionseg.workflow.demo_comparison import (
    PatientChange,
    Quantities,
    ScanComparison,
    patient_changes,
    summarise_arms,
    volume_errors,
)
from lesionseg.workflow.demo_trial import ALLOCATION, ARMS, BASELINE, DAY_28, PATIENTS, demo_scans
from lesionseg.workflow.request import CASE_FILES, Watch
from tests.workflow.builders import RuleSegmenter

COARSE = ChestSettings(shape=(20, 60, 60), spacing_mm=(15.0, 6.4, 6.4), fine_slice_mm=15.0)
SETTINGS = DemoSettings(patients=PATIENTS[:2], scanner=COARSE)


class TruthSegmenter(RuleSegmenter):
    """Knows the phantoms; tells them apart by their voxels."""

    def __init__(self) -> None:
        super().__init__()
        self.known = list(demo_scans(SETTINGS.patients, COARSE))

    def segment(self, volume: CTVolume, *, progress: object = None) -> LabelMap:
        for scan in self.known:
            if (scan.phantom.volume.hu == volume.hu).all():
                self.calls += 1
                return LabelMap(scan.phantom.labels.labels, volume.geometry)
        raise AssertionError("the volume read from DICOM is none of the phantoms")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> DemoResult:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "lesionseg.reports.overview.draw_overview",
            lambda *arguments, **_: next(p for p in arguments if isinstance(p, Path)).write_bytes(b"picture"),
        )
        return run_demo(tmp_path_factory.mktemp("demo") / "out", TruthSegmenter(), settings=SETTINGS)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_perfect_labels_give_the_true_volumes_through_dicom_and_back(finished: DemoResult) -> None:
    assert len(finished.scans) == 4
    for scan in finished.scans:
        for name in ("lung_ml", "lesion_ml", "solid_ml"):
            assert getattr(scan.measured, name) == pytest.approx(getattr(scan.true, name), rel=1e-5)
    for change in finished.changes:
        assert change.measured_change_pct == pytest.approx(change.true_change_pct, rel=1e-4)


def test_lesions_are_as_large_as_the_trial_asked_for(finished: DemoResult) -> None:
    for scan in finished.scans:
        wanted = next(patient for patient in PATIENTS if patient.patient_id == scan.patient_id)
        assert scan.true.lesion_pct == pytest.approx(wanted.lesion_pct[scan.visit], abs=0.05)


def test_folder_holds_scans_results_tables_and_a_page_about_them(finished: DemoResult) -> None:
    assert sorted(path.name for path in finished.folder.iterdir()) == sorted(DEMO_FILES)
    case = finished.folder / "results" / "P01-day-28"
    assert sorted(path.name for path in case.iterdir()) == sorted(CASE_FILES)
    assert len(list((finished.folder / "dicom" / "P01-baseline").iterdir())) == COARSE.shape[0]
    true, measured = table(finished.folder / "truth.csv"), table(finished.folder / "results.csv")
    assert [list(row) for row in true] == [list(row) for row in measured]
    assert [(row["patient_id"], row["visit"]) for row in true] == [
        ("P01", BASELINE), ("P01", DAY_28), ("P02", BASELINE), ("P02", DAY_28),
    ]  # fmt: skip
    page = (finished.folder / "README.md").read_text(encoding="utf-8")
    assert "synthetic" in page
    assert "rule 1" in page


def test_nothing_written_before_the_comparison_names_an_arm(finished: DemoResult) -> None:
    for path in finished.folder.rglob("*"):
        if path.is_file() and path.name != "arms.csv":
            content = path.read_bytes()
            assert not any(arm.encode() in content for arm in ("placebo",)), path
    assert [row["arm"] for row in table(finished.folder / "arms.csv")] == list(ARMS)


def test_second_demo_needs_overwrite_and_a_strangers_folder_is_never_taken(
    tmp_path: Path, finished: DemoResult
) -> None:
    with pytest.raises(OutputExistsError):
        run_demo(finished.folder, RuleSegmenter(), settings=SETTINGS)
    study = tmp_path / "study"
    (study / "dicom").mkdir(parents=True)
    with pytest.raises(OutputExistsError):
        run_demo(study, RuleSegmenter(), settings=SETTINGS, overwrite=True)
    assert (study / "dicom").is_dir()


def test_demo_that_does_not_finish_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(LesionSegError):
        run_demo(tmp_path / "out", RuleSegmenter(error=LesionSegError("no")), settings=SETTINGS)
    assert list(tmp_path.iterdir()) == []


def test_progress_counts_scans(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    watch = Watch(progress=lambda stage, done, total: told.append((stage, done, total)))
    with pytest.raises(LesionSegError):
        run_demo(tmp_path / "o", RuleSegmenter(error=LesionSegError("no")), settings=SETTINGS, watch=watch)
    assert told[0] == ("demo", 0, 4)


def test_every_patient_has_an_arm_and_the_arms_are_equal_in_size() -> None:
    assert {patient.patient_id for patient in PATIENTS} == set(ALLOCATION)
    assert [list(ALLOCATION.values()).count(arm) for arm in ARMS] == [3, 3]


def test_visits_of_one_patient_show_one_body() -> None:
    before, after = list(demo_scans(PATIENTS[:1], COARSE))
    assert before.phantom.habitus == after.phantom.habitus
    assert (before.phantom.labels.lung == after.phantom.labels.lung).all()
    assert (after.phantom.labels.lesion <= before.phantom.labels.lesion).all()
    assert (before.phantom.volume.hu != after.phantom.volume.hu).any()


def test_changes_are_follow_up_minus_baseline() -> None:
    scans = [
        ScanComparison("a", BASELINE, Quantities(1000, 200, 50), Quantities(1000, 100, 0)),
        ScanComparison("a", DAY_28, Quantities(2000, 100, 10), Quantities(1000, 150, 0)),
        ScanComparison("b", BASELINE, Quantities(1000, 0, 0), Quantities(1000, 10, 0)),
        ScanComparison("b", DAY_28, Quantities(1000, 10, 0), Quantities(1000, 0, 0)),
    ]
    a, b = patient_changes(scans)
    assert (a.true_change_points, a.true_change_pct) == (pytest.approx(-15), pytest.approx(-75))
    assert (a.measured_change_points, a.measured_change_pct) == (pytest.approx(5), pytest.approx(50))
    assert b.true_change_pct is None  # nothing at baseline, so no relative change
    assert b.measured_change_pct == pytest.approx(-100)


def test_errors_are_relative_to_each_scans_truth() -> None:
    scans = [
        ScanComparison("a", BASELINE, Quantities(1000, 100, 1), Quantities(1100, 50, 1)),
        ScanComparison("a", DAY_28, Quantities(2000, 10, 1), Quantities(2000, 11, 1)),
        ScanComparison("b", BASELINE, Quantities(1000, 10, 1), Quantities(990, 12, 1)),
    ]
    errors = volume_errors(scans, "lesion_ml")
    assert errors.median_pct == pytest.approx(20)
    assert errors.worst_pct == pytest.approx(50)


def test_arms_are_described_by_their_means_without_the_missing() -> None:
    changes = [
        PatientChange("a", -10, -8, -50, -40),
        PatientChange("b", 2, 4, None, 10),
        PatientChange("c", 1, 1, 5, 5),
    ]
    first, second = summarise_arms(changes, {"a": "x", "b": "x", "c": "y"})
    assert (first.arm, first.patients) == ("x", 2)
    assert first.true_mean_change_points == pytest.approx(-4)
    assert (first.true_mean_change_pct, first.measured_mean_change_pct) == (-50, pytest.approx(-15))
    assert second.measured_mean_change_pct == 5
