"""Every scan is a case of its own: one that fails stops nothing, one that is there already is taken over."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lesionseg.core.errors import DeviceError, OutputError, SegmentationError
from lesionseg.volumetry import COLUMNS
from lesionseg.workflow.request import CaseSettings, SegmenterSettings, Watch
from lesionseg.workflow.scan_list.matching import list_scans
from lesionseg.workflow.scan_list.scan_list import ListedScan
from lesionseg.workflow.trial.cases import run_cases
from lesionseg.workflow.trial.request import ScanOutcome, TrialSettings
from lesionseg.workflow.trial.scans import measured_cells, scan_rows
from tests.support.ct_series import Series
from tests.workflow.builders import RuleSegmenter
from tests.workflow.trial_builders import SHAPE, write_scan


@pytest.fixture(autouse=True)
def quick_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """The picture has tests of its own and takes a second."""

    def draw(*arguments: object, **_: object) -> None:
        next(part for part in arguments if isinstance(part, Path)).write_bytes(b"picture")

    monkeypatch.setattr("lesionseg.reports.overview.draw_overview", draw)


@pytest.fixture
def written(tmp_path: Path) -> tuple[Series, Series]:
    return write_scan(tmp_path / "dicom", "A1", "baseline"), write_scan(tmp_path / "dicom", "B1", "baseline")


@pytest.fixture
def scans(written: tuple[Series, Series], tmp_path: Path) -> tuple[ListedScan, ...]:
    return list_scans(tmp_path / "dicom", None).scans


def run(
    scans: tuple[ListedScan, ...],
    tmp_path: Path,
    segmenter: RuleSegmenter | None = None,
    **settings: object,
) -> tuple[ScanOutcome, ...]:
    return run_cases(
        scans,
        segmenter or RuleSegmenter(),
        tmp_path / "out" / "cases",
        settings=TrialSettings(**settings),  # type: ignore[arg-type]
        watch=Watch(),
    )


def test_every_scan_has_a_folder_under_its_subject(scans: tuple[ListedScan, ...], tmp_path: Path) -> None:
    outcomes = run(scans, tmp_path)
    assert [outcome.status for outcome in outcomes] == ["measured", "measured"]
    for outcome in outcomes:
        folder = tmp_path / "out" / "cases" / outcome.scan.subject / outcome.scan.scan_id
        assert outcome.folder == folder
        manifest = json.loads((folder / "manifest.json").read_text())
        assert manifest["source"]["series"]["patient_id"] == outcome.scan.subject
        assert len(manifest["input"]["files"]) == SHAPE[0]
        assert measured_cells(folder)["input"] == outcome.scan.scan_id


def test_failing_scan_is_told_and_the_next_one_goes_on(
    written: tuple[Series, Series], tmp_path: Path
) -> None:
    written[0].paths[6].unlink()
    outcomes = run(list_scans(tmp_path / "dicom", None).scans, tmp_path)
    assert [outcome.status for outcome in outcomes] == ["failed", "measured"]
    assert outcomes[0].reason == "slices-missing"
    assert "missing" in outcomes[0].reason_text
    assert not (tmp_path / "out" / "cases" / "A1").exists()


def test_scan_without_lung_is_not_evaluable(scans: tuple[ListedScan, ...], tmp_path: Path) -> None:
    settings = CaseSettings(minimum_lung_ml=1e6)
    (outcome, _) = run(scans, tmp_path, case=settings)
    assert (outcome.status, outcome.reason) == ("not-evaluable", "not-a-chest")


def test_fault_of_our_own_is_that_scans_fault(scans: tuple[ListedScan, ...], tmp_path: Path) -> None:
    (outcome, _) = run(scans, tmp_path, RuleSegmenter(error=ZeroDivisionError("oh")))
    assert (outcome.status, outcome.reason) == ("failed", "fault")
    assert outcome.reason_text == "ZeroDivisionError: oh"
    (outcome, _) = run(scans, tmp_path, RuleSegmenter(error=SegmentationError("no")))
    assert (outcome.status, outcome.reason) == ("failed", "segmentation")


@pytest.mark.parametrize("error", [DeviceError("no GPU"), OutputError("disk full")])
def test_what_would_fail_every_scan_stops_the_run(
    error: Exception, scans: tuple[ListedScan, ...], tmp_path: Path
) -> None:
    segmenter = RuleSegmenter(error=error)
    with pytest.raises(type(error)):
        run(scans, tmp_path, segmenter)
    assert segmenter.calls == 1


# --- what an earlier run has measured -------------------------------------------------------------------


def test_second_run_takes_everything_over(scans: tuple[ListedScan, ...], tmp_path: Path) -> None:
    first = run(scans, tmp_path)
    rows = scan_rows(first, tmp_path / "out")
    segmenter = RuleSegmenter()
    second = run(scans, tmp_path, segmenter)
    assert segmenter.calls == 0
    assert [outcome.reused for outcome in (*first, *second)] == [False, False, True, True]
    assert scan_rows(second, tmp_path / "out") == rows


def test_run_that_was_cut_short_goes_on_with_the_rest(scans: tuple[ListedScan, ...], tmp_path: Path) -> None:
    run(scans[:1], tmp_path)
    segmenter = RuleSegmenter()
    run(scans, tmp_path, segmenter)
    assert segmenter.calls == 1


def test_other_pixels_settings_bundle_or_overwrite_are_measured_anew(
    scans: tuple[ListedScan, ...], written: tuple[Series, Series], tmp_path: Path
) -> None:
    def calls(segmenter: RuleSegmenter, **settings: object) -> int:
        run(scans, tmp_path, segmenter, **settings)
        return segmenter.calls

    assert calls(RuleSegmenter()) == 2
    assert calls(RuleSegmenter(), overwrite=True) == 2
    assert calls(RuleSegmenter(bundle_name="rule 2")) == 2
    assert calls(RuleSegmenter(bundle_name="rule 2"), case=CaseSettings(minimum_lung_ml=1.0)) == 2
    flips = CaseSettings(segmenter=SegmenterSettings(flips=True))
    assert calls(RuleSegmenter(), case=flips) == 2
    threads = replace(flips, segmenter=replace(flips.segmenter, threads=3))
    assert calls(RuleSegmenter(), case=threads) == 0  # as many threads as one likes
    content = bytearray(written[0].paths[0].read_bytes())
    content[-1] ^= 1
    written[0].paths[0].write_bytes(bytes(content))
    assert calls(RuleSegmenter(), case=flips) == 1


def test_labels_that_somebody_corrected_are_not_written_over(
    scans: tuple[ListedScan, ...], tmp_path: Path
) -> None:
    folder = run(scans, tmp_path)[0].folder
    assert folder is not None
    (folder / "labels.nii.gz").write_bytes(b"corrected")
    outcome, other = run(scans, tmp_path, case=CaseSettings(minimum_lung_ml=1.0))
    assert (outcome.status, outcome.reason) == ("failed", "output-exists")
    assert other.status == "measured"
    assert (folder / "labels.nii.gz").read_bytes() == b"corrected"


def test_strangers_files_in_a_case_folder_stay(scans: tuple[ListedScan, ...], tmp_path: Path) -> None:
    folder = tmp_path / "out" / "cases" / "A1" / scans[0].scan_id
    folder.mkdir(parents=True)
    (folder / "mine.txt").write_text("keep")
    outcome, _ = run(scans, tmp_path)
    assert (outcome.status, outcome.reason) == ("failed", "output-exists")
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


def test_case_that_no_longer_holds_is_taken_away(
    scans: tuple[ListedScan, ...], written: tuple[Series, Series], tmp_path: Path
) -> None:
    folder = run(scans, tmp_path)[0].folder
    assert folder is not None
    written[0].paths[6].unlink()
    outcome, _ = run(list_scans(tmp_path / "dicom", None).scans, tmp_path)
    assert outcome.status == "failed"
    assert not folder.exists()


# --- scans.csv ------------------------------------------------------------------------------------------


def test_row_of_a_measured_scan_has_its_facts_and_figures(
    scans: tuple[ListedScan, ...], tmp_path: Path
) -> None:
    outcome = run(scans, tmp_path)[0]
    row = scan_rows([outcome], tmp_path / "out")[0]
    assert outcome.folder is not None
    cells = measured_cells(outcome.folder)
    assert row["lesion_proportion_pct"] == cells["lesion_proportion_pct"] != ""
    assert (row["subject"], row["scan_id"], row["study_date"]) == ("A1", "A1_20200401", "2020-04-01")
    assert (row["status"], row["reason"], row["contrast"]) == ("measured", "", "N")
    assert (row["kernel"], row["manufacturer"]) == ("PHANTOM", "lesionseg phantom")
    assert row["flags"].split() == [part.split("=")[0] for part in cells["flags"].split("; ")]
    assert (tmp_path / "out" / row["case_folder"] / "labels.nii.gz").is_file()
    assert set(COLUMNS) - set(row) == {"case"}


def test_row_of_a_failed_scan_has_its_reason_and_empty_figures(
    written: tuple[Series, Series], tmp_path: Path
) -> None:
    written[0].paths[6].unlink()
    failed, measured = scan_rows(run(list_scans(tmp_path / "dicom", None).scans, tmp_path), tmp_path / "out")
    assert list(failed) == list(measured)
    assert (failed["status"], failed["reason"]) == ("failed", "slices-missing")
    assert failed["lesion_ml"] == failed["flags"] == failed["case_folder"] == ""
