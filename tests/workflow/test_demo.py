from __future__ import annotations

import csv
from pathlib import Path

import pytest

from lesionseg.core.errors import LesionSegError, OutputExistsError
from lesionseg.phantoms import ChestSettings
from lesionseg.volume import CTVolume, LabelMap
from lesionseg.workflow.demo.comparison import (
    Quantities,
    ScanComparison,
    patient_changes,
    volume_errors,
)
from lesionseg.workflow.demo.phantoms import ALLOCATION, ARMS, BASELINE, DAY_28, PATIENTS, demo_scans
from lesionseg.workflow.demo.run import DEMO_FILES, DemoResult, DemoSettings, run_demo
from lesionseg.workflow.request import Watch
from lesionseg.workflow.trial.request import TRIAL_FILES
from tests.workflow.builders import RuleSegmenter
from tests.workflow.trial_builders import hurry

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
        hurry(patch)
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


def test_folder_holds_scans_tables_the_trial_and_a_page_about_them(finished: DemoResult) -> None:
    assert sorted(path.name for path in finished.folder.iterdir()) == sorted(DEMO_FILES)
    trial = finished.folder / "trial"
    assert sorted(path.name for path in trial.iterdir()) == sorted(TRIAL_FILES)
    assert (trial / "cases" / "P01" / "P01_day-28" / "case.html").is_file()
    assert len(list((finished.folder / "dicom" / "P01-baseline").iterdir())) == COARSE.shape[0]
    page = (finished.folder / "README.md").read_text(encoding="utf-8")
    assert "synthetic" in page
    assert "rule 1" in page


def test_truth_stands_beside_what_was_measured(finished: DemoResult) -> None:
    rows = table(finished.folder / "truth.csv")
    assert [(row["subject"], row["visit"]) for row in rows] == [
        ("P01", BASELINE), ("P01", DAY_28), ("P02", BASELINE), ("P02", DAY_28),
    ]  # fmt: skip
    for row in rows:
        assert float(row["true_lesion_ml"]) == pytest.approx(float(row["measured_lesion_ml"]), rel=1e-4)


def test_with_perfect_labels_the_trial_finds_the_true_difference(finished: DemoResult) -> None:
    analysis = finished.trial.analysis
    assert analysis is not None
    assert analysis.estimates[0].estimate.effect == pytest.approx(finished.true_effect, rel=1e-4)
    assert finished.true_effect is not None
    assert finished.true_effect < 0


def test_arms_stand_in_their_table_the_plan_the_analysis_and_the_report_only(finished: DemoResult) -> None:
    told = {
        path.relative_to(finished.folder).as_posix()
        for path in finished.folder.rglob("*")
        if path.is_file() and b"placebo" in path.read_bytes()
    }
    allowed = ("arms.csv", "plan.yaml", "trial/analysis/", "trial/report.")
    assert "arms.csv" in told
    assert [name for name in told if not name.startswith(allowed)] == []


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
    told: list[tuple[str, int, int]] = []
    watch = Watch(progress=lambda stage, done, total: told.append((stage, done, total)))
    segmenter = RuleSegmenter(error=LesionSegError("no"))
    with pytest.raises(LesionSegError, match="could not be measured"):
        run_demo(tmp_path / "out", segmenter, settings=SETTINGS, watch=watch)
    assert list(tmp_path.iterdir()) == []
    assert (told[0], told[4], told[5]) == (("demo", 0, 4), ("demo", 4, 4), ("scans", 0, 4))


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
