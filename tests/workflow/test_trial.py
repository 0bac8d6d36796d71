"""A whole trial: everything is checked first, one bad scan stops nothing, and arms come last."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from lesionseg.core.errors import ConfigurationError, InputError, OutputExistsError
from lesionseg.core.provenance import sha256_of_file
from lesionseg.longitudinal import CHANGE_FILES
from lesionseg.workflow.request import CASE_FILES, Watch
from lesionseg.workflow.trial.request import TrialRequest, TrialResult, TrialSettings
from lesionseg.workflow.trial.run import run_trial
from tests.support.ct_series import Series
from tests.workflow.builders import RuleSegmenter
from tests.workflow.trial_builders import (
    ARMS,
    PAGES,
    PLAN,
    good_request,
    hurry,
    visit_rows,
    write_plan,
    write_scan,
    write_table,
    write_trial,
)


@pytest.fixture(autouse=True)
def quick_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("trial") / "dicom"
    write_trial(root)
    return root


@pytest.fixture
def request_for(written: Path, tmp_path: Path) -> TrialRequest:
    return good_request(written, tmp_path)


@dataclass(frozen=True)
class Finished:
    """A run that went well, and what it said on the way."""

    request: TrialRequest
    result: TrialResult
    told: dict[str, tuple[int, int]]
    seen_by_analysis: list[str]

    @property
    def out(self) -> Path:
        return self.result.folder


@pytest.fixture(scope="module")
def finished(written: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Shared by the tests that only look."""
    from lesionseg.statistics.analysis import run as analysis_run

    request = good_request(written, tmp_path_factory.mktemp("finished"))
    told: dict[str, tuple[int, int]] = {}
    seen: list[str] = []
    real = analysis_run.analyze_trial

    def watched(*arguments: object) -> object:
        seen.extend(path.name for path in request.output.iterdir())
        return real(*arguments)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        hurry(patch)
        patch.setattr(analysis_run, "analyze_trial", watched)
        watch = Watch(progress=lambda stage, done, total: told.update({stage: (done, total)}))
        result = run_trial(request, RuleSegmenter(), watch=watch)
    return Finished(request, result, told, seen)


@pytest.fixture
def measured(finished: Finished, request_for: TrialRequest) -> TrialRequest:
    """The same trial again, as the finished run left it, free to be altered."""
    shutil.copytree(finished.out, request_for.output)
    return request_for


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def run(request: TrialRequest, segmenter: RuleSegmenter | None = None, **settings: object) -> TrialResult:
    return run_trial(request, segmenter or RuleSegmenter(), settings=TrialSettings(**settings))  # type: ignore[arg-type]


# --- what comes out -------------------------------------------------------------------------------------


def test_trial_with_arms_leaves_every_file(finished: Finished) -> None:
    assert finished.result.warnings == ()
    assert finished.result.complete
    out = finished.out
    assert sorted(path.name for path in out.iterdir()) == [
        "analysis", "cases", "manifest.json", "patients", "report.html", "report.pdf", "scans.csv", "visits",
    ]  # fmt: skip
    assert sorted(path.name for path in (out / "visits").iterdir()) == sorted(CHANGE_FILES)
    assert sorted(path.stem for path in (out / "patients").iterdir()) == sorted(ARMS)
    for row in table(out / "scans.csv"):
        names = {path.name for path in (out / row["case_folder"]).iterdir()}
        assert names == {*CASE_FILES, "case.html"}
    assert (out / "analysis" / "estimates.csv").is_file()


def test_change_is_made_of_the_measurements(finished: Finished) -> None:
    scans = {row["scan_id"]: row for row in table(finished.out / "scans.csv")}
    rows = {
        (row["USUBJID"], row["AVISIT"]): row
        for row in table(finished.out / "visits" / "adlesion.csv")
        if row["PARAMCD"] == "LESPCT"
    }
    before, after = (float(scans[f"A1_{visit}"]["lesion_proportion_pct"]) for visit in ("baseline", "day-28"))
    assert float(rows["A1", "day 28"]["PCHG"]) == pytest.approx(100 * (after - before) / before, rel=1e-6)
    assert rows["A1", "day 28"]["SCANID"] == "A1_day-28"


def test_nothing_but_analysis_and_report_knows_an_arm(finished: Finished) -> None:
    told = {
        path.relative_to(finished.out).parts[0]
        for path in finished.out.rglob("*")
        if path.is_file() and b"saline" in path.read_bytes()
    }
    assert "analysis" in told
    assert told <= {"analysis", "report.html", "report.pdf"}


def test_arms_are_joined_when_everything_else_is_on_disk(finished: Finished) -> None:
    assert sorted(finished.seen_by_analysis) == ["cases", "manifest.json", "patients", "scans.csv", "visits"]


def test_manifest_has_the_hash_of_everything_that_went_in_and_came_out(finished: Finished) -> None:
    manifest, out = finished.result.manifest, finished.out
    assert json.loads((out / "manifest.json").read_text()) == manifest
    assert manifest["finished"] is True
    assert {name: entry["sha256"] for name, entry in manifest["inputs"].items()} == {
        name: sha256_of_file(path) for name, path in finished.request.tables.items()
    }
    files = {path.relative_to(out).as_posix(): path for path in out.rglob("*") if path.is_file()}
    del files["manifest.json"]
    assert manifest["outputs"] == {name: sha256_of_file(path) for name, path in files.items()}
    assert manifest["counts"] == {"measured": 8, "failed": 0, "not-evaluable": 0}


def test_progress_counts_scans_and_pages(finished: Finished) -> None:
    told = finished.told
    assert (told["scans"], told["pages"], told["patients"]) == ((8, 8), (8, 8), (4, 4))


def test_without_arms_there_is_everything_but_the_comparison(measured: TrialRequest) -> None:
    result = run(replace(measured, arms=None), pdf=False)
    assert result.analysis is None
    assert sorted(path.name for path in measured.output.iterdir()) == [
        "cases", "manifest.json", "patients", "report.html", "scans.csv", "visits",
    ]  # fmt: skip


def test_scans_may_be_found_by_patient_and_date_alone(request_for: TrialRequest, tmp_path: Path) -> None:
    rows = [{"subject": subject, "day_zero": "2020-04-02", "birth_date": "1960-01-01"} for subject in ARMS]
    subjects = write_table(tmp_path / "in" / "subjects.csv", rows)
    run(replace(request_for, visits=None, subjects=subjects, arms=None))
    pairs = {row["scan_id"]: row["visit"] for row in table(request_for.output / "visits" / "pairing.csv")}
    assert (pairs["A1_20200401"], pairs["A1_20200429"]) == ("baseline", "day 28")


# --- when something goes wrong on the way ---------------------------------------------------------------


def test_failed_scan_is_a_row_and_a_reason_in_every_table(tmp_path: Path, request_for: TrialRequest) -> None:
    root = tmp_path / "dicom"
    for subject in ARMS:
        for visit in ("baseline", "day 28"):
            series: Series = write_scan(root, subject, visit)
            if (subject, visit) == ("A1", "day 28"):
                series.paths[6].unlink()
    result = run(replace(request_for, dicom=root))
    assert not result.complete
    (failed,) = [row for row in table(request_for.output / "scans.csv") if row["status"] == "failed"]
    assert (failed["scan_id"], failed["reason"]) == ("A1_day-28", "slices-missing")
    rows = table(request_for.output / "visits" / "adlesion.csv")
    reasons = {row["REASCD"] for row in rows if (row["USUBJID"], row["AVISIT"]) == ("A1", "day 28")}
    assert reasons == {"scan-failed"}
    assert result.manifest["counts"] == {"measured": 7, "failed": 1, "not-evaluable": 0}


def test_page_that_fails_is_told_and_costs_nothing_else(
    measured: TrialRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no ink")

    for name in PAGES:
        monkeypatch.setattr(f"lesionseg.reports.{name}", fail)
    for page in measured.output.glob("cases/*/*/case.html"):
        page.unlink()
    result = run(measured)
    assert result.complete
    assert len(result.warnings) == 8 + 4 + 1
    assert all("no ink" in warning for warning in result.warnings)
    assert (measured.output / "analysis" / "estimates.csv").is_file()
    assert result.manifest["warnings"] == list(result.warnings)


def test_table_that_changes_while_scans_are_measured_is_refused(request_for: TrialRequest) -> None:
    class Meddler(RuleSegmenter):  # somebody edits the plan meanwhile
        def segment(self, volume: object, *, progress: object = None) -> object:  # type: ignore[override]
            write_plan(request_for.plan, PLAN + "alpha: 0.1\n")
            return super().segment(volume, progress=progress)  # type: ignore[arg-type]

    with pytest.raises(InputError, match="has changed since the trial began"):
        run(request_for, Meddler())
    manifest = json.loads((request_for.output / "manifest.json").read_text())
    assert manifest["finished"] is False


# --- again and again ------------------------------------------------------------------------------------


def test_second_run_measures_nothing_and_gives_the_same(measured: TrialRequest, finished: Finished) -> None:
    segmenter = RuleSegmenter()
    second, first = run(measured, segmenter).manifest, finished.result.manifest
    assert segmenter.calls == 0
    assert len(second["times"]["taken_over"]) == 8
    assert first["times"]["taken_over"] == []
    assert {**first, "times": None} == {**second, "times": None}


def test_arms_may_be_closed_again_and_opened_later(measured: TrialRequest) -> None:
    segmenter, blinded = RuleSegmenter(), replace(measured, arms=None)
    scans = (measured.output / "scans.csv").read_bytes()
    run(blinded, segmenter)
    assert not (measured.output / "analysis").exists()
    run(measured, segmenter)
    assert (measured.output / "analysis").is_dir()
    assert (measured.output / "scans.csv").read_bytes() == scans
    assert segmenter.calls == 0


def test_case_of_a_scan_that_is_no_longer_listed_is_left_and_told(measured: TrialRequest) -> None:
    write_table(measured.visits or Path(), visit_rows()[:-1])
    result = run(measured)
    assert result.manifest["cases_of_no_scan"] == ["cases/B2/B2_day-28"]
    assert (measured.output / "cases/B2/B2_day-28/labels.nii.gz").is_file()
    assert [left.path for left in result.left_over] == ["B2/day-28"]


def test_strangers_folder_is_never_taken(request_for: TrialRequest) -> None:
    request_for.output.mkdir()
    (request_for.output / "mine.txt").write_text("keep")
    segmenter = RuleSegmenter()
    with pytest.raises(OutputExistsError):
        run(request_for, segmenter, overwrite=True)
    assert segmenter.calls == 0
    assert [path.name for path in request_for.output.iterdir()] == ["mine.txt"]


def test_results_never_lie_among_the_scans(request_for: TrialRequest) -> None:
    with pytest.raises(ConfigurationError, match="cannot lie in the folder"):
        run(replace(request_for, output=request_for.dicom / "out"))


# --- bad plans and tables -------------------------------------------------------------------------------

Spoil = Callable[[TrialRequest], TrialRequest]


def plan_with(text: str) -> Spoil:
    return lambda request: replace(request, plan=write_plan(request.plan, PLAN + text))


def spoilt(name: str, rows: list[dict[str, object]]) -> Spoil:
    """Give one of the tables these rows."""
    return lambda request: replace(request, **{name: write_table(request.plan.parent / f"{name}.csv", rows)})


def arm_rows(**changes: object) -> list[dict[str, object]]:
    """The arm table with the cells of its first subject changed."""
    rows: list[dict[str, object]] = [{"subject": name, "arm": arm} for name, arm in ARMS.items()]
    rows[0] |= changes
    return rows


def subject_rows(**changes: object) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = [
        {"subject": name, "day_zero": "2020-04-01", "birth_date": "1960-05-06"} for name in ARMS
    ]
    rows[0] |= changes
    return rows


BAD = {
    "unknown key in the plan": (plan_with("allpha: 0.1\n"), ("allpha", "did you mean alpha")),
    "duplicated subject and visit": (
        spoilt("visits", [*visit_rows(), {**visit_rows()[0], "path": "A1/day-28"}]),
        ("row 10, column visit", "stands in row 2 already"),
    ),
    "visit unknown to the plan": (
        spoilt("visits", [{**visit_rows()[0], "visit": "day 10"}, *visit_rows()[1:]]),
        ("row 2, column visit", "no visit day 10"),
    ),
    "row that matches nothing": (
        spoilt("visits", [*visit_rows()[:-1], {"subject": "B2", "visit": "day 28", "path": "B2/day-29"}]),
        ("row 9, column path", "there is no B2/day-29"),
    ),
    "Excel date": (
        spoilt("visits", [{**row, "date": "43922"} for row in visit_rows()]),
        ("row 2, column date", "Excel's count of days", "2020-04-01"),
    ),
    "American date": (spoilt("subjects", subject_rows(day_zero="4/1/2020")), ("row 2, column day_zero",)),
    "date before birth": (
        spoilt("subjects", subject_rows(birth_date="2020-04-10", day_zero="2020-04-10")),
        ("row 2, column date", "lies before the birth of A1 on 2020-04-10"),
    ),
    "date before birth in the arm table": (
        spoilt("arms", arm_rows(birth_date="2020-04-10")),
        ("row 2, column birth_date", "was born on 2020-04-10"),
    ),
    "scanned, but not in the table of subjects": (
        spoilt("subjects", subject_rows()[1:]),
        ("row 2, column subject", "stands not in subjects.csv"),
    ),
    "arm missing": (spoilt("arms", arm_rows(arm="")), ("row 2, column arm", "the cell is empty")),
    "arm unknown": (spoilt("arms", arm_rows(arm="cell")), ("row 2, column arm", "cells, saline")),
    "subject in arms but not scanned": (
        spoilt("arms", [*arm_rows(), {"subject": "C1", "arm": "cells"}]),
        ("row 6, column subject", "subject C1 has no scan"),
    ),
    "subject scanned but not in arms": (
        spoilt("arms", arm_rows()[1:]),
        ("row 2, column subject", "subject A1 has scans, but stands not in arms.csv"),
    ),
    "subject twice in arms": (spoilt("arms", [*arm_rows(), arm_rows()[0]]), ("row 6",)),
    "decimal comma": (
        spoilt(
            "endpoints", [{"subject": "A1", "visit": "baseline", "parameter": "SIXMWT", "value": '"401,5"'}]
        ),
        ("row 2, column value", "decimal comma", "401.5"),
    ),
    "stranger among the events": (
        spoilt("adverse_events", [{"subject": "Z9", "term": "fever"}]),
        ("row 2, column subject", "Z9"),
    ),
    "parameter that no table has": (
        plan_with("responders: [{name: far, parameter: SIXMWT, visit: day 28, at_least: 10}]\n"),
        ("responders[0].parameter", "SIXMWT"),
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_told_with_row_and_column_before_anything_is_written(
    name: str, request_for: TrialRequest
) -> None:
    spoil, words = BAD[name]
    segmenter = RuleSegmenter()
    with pytest.raises(InputError) as caught:
        run(spoil(request_for), segmenter)
    for word in words:
        assert word in str(caught.value)
    assert segmenter.calls == 0
    assert not request_for.output.exists()


def test_byte_order_mark_and_semicolons_are_no_fault(measured: TrialRequest) -> None:
    for path in (measured.visits, measured.arms):
        assert path is not None
        path.write_text("\ufeff" + path.read_text().replace(",", ";"), encoding="utf-8")
    assert run(measured).complete


def test_subject_never_scanned_is_kept_where_the_subjects_are_listed(
    measured: TrialRequest, tmp_path: Path
) -> None:
    rows = [*subject_rows(), {"subject": "C1", "day_zero": "2020-04-01"}]
    subjects = write_table(tmp_path / "in" / "subjects.csv", rows)
    arms = write_table(tmp_path / "in" / "arms.csv", [*arm_rows(), {"subject": "C1", "arm": "cells"}])
    run(replace(measured, subjects=subjects, arms=arms))
    content = json.loads((measured.output / "analysis" / "analysis.json").read_text())
    assert "C1" in {patient["subject"] for patient in content["patients"]}


def test_tables_for_the_comparison_need_arms(request_for: TrialRequest, tmp_path: Path) -> None:
    events = write_table(tmp_path / "in" / "events.csv", [{"subject": "A1", "term": "fever"}])
    with pytest.raises(ConfigurationError, match="between arms"):
        run(replace(request_for, arms=None, adverse_events=events))


def test_trial_without_any_visit_to_find_is_refused(request_for: TrialRequest) -> None:
    with pytest.raises(ConfigurationError, match="no scan can be given its visit"):
        run(replace(request_for, visits=None))
