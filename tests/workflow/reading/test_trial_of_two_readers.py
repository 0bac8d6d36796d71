"""Three scans, two readers, one disagreement, an adjudicator, final values, change."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from lesionseg.core.audit import AuditKey, read_log, verify_log
from lesionseg.core.errors import AuditError, PlanError, ReadingError, TableError
from lesionseg.longitudinal import ChangeRequest, make_changes
from lesionseg.readings.reading import Role
from lesionseg.volumetry.agreement import icc_agreement
from lesionseg.workflow.reading.add import add_reading
from lesionseg.workflow.reading.agree import AgreeRequest, compare_all
from lesionseg.workflow.reading.finalize import FinalizeRequest, finalize
from lesionseg.workflow.reading.store import load_readings
from lesionseg.workflow.reading.withdraw import withdraw_reading
from lesionseg.workflow.trial.request import TrialRequest
from lesionseg.workflow.trial.run import run_trial
from tests.workflow.builders import RuleSegmenter
from tests.workflow.reading.builders import WATCH, add_voxels, model_labels, request, save
from tests.workflow.trial_builders import PLAN, hurry, visit_rows, write_plan, write_scan, write_table

KEY = AuditKey(b"a secret of thirty-two bytes ....")
RULE = "readings: {largest_difference: 1.0}\n"
A_BASELINE, A_DAY_28, B_BASELINE = SCANS = ("A1_baseline", "A1_day-28", "B1_baseline")
FEW, MANY, CHIEFS = 10, 120, 60
"""Voxels of lesion that the second reader adds, within the limit and beyond it; and the adjudicator."""


@dataclass(frozen=True)
class Trial:
    folder: Path
    plan: Path
    readings: Path

    @property
    def scans(self) -> Path:
        return self.folder / "scans.csv"

    def case(self, scan_id: str) -> Path:
        return self.folder / {row["scan_id"]: row for row in rows_of(self.scans)}[scan_id]["case_folder"]

    def add(self, scan: str, reader: str, voxels: int, **more: object) -> str:
        case = self.case(scan)
        labels = add_voxels(model_labels(case).labels, voxels, 2)
        mask = save(model_labels(case), labels, self.readings.parent / "masks" / f"{scan}-{reader}.nii.gz")
        result = add_reading(request(case, mask, self.readings, reader, **more), watch=WATCH)
        return result.reading.reading_id

    def final_request(self, output: Path, **more: object) -> FinalizeRequest:
        return FinalizeRequest(self.scans, self.readings, self.plan, output, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trial as the model measured it."""
    place = tmp_path_factory.mktemp("trial")
    for subject, visit in (("A1", "baseline"), ("A1", "day 28"), ("B1", "baseline")):
        write_scan(place / "dicom", subject, visit)
    visits = [row for row in visit_rows(("A1", "B1")) if (row["subject"], row["visit"]) != ("B1", "day 28")]
    asked = TrialRequest(
        place / "dicom", write_plan(place / "plan.yaml"), place / "out",
        visits=write_table(place / "visits.csv", visits),
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        hurry(patch)
        run_trial(asked, RuleSegmenter())
    return place


@pytest.fixture
def trial(measured: Path, tmp_path: Path) -> Trial:
    return Trial(measured / "out", write_plan(tmp_path / "plan.yaml", PLAN + RULE), tmp_path / "readings")


@pytest.fixture
def read_trial(trial: Trial) -> Trial:
    """Both readers have read all three scans, and differ in one."""
    for scan_id in SCANS:
        trial.add(scan_id, "Ono", 0)
        trial.add(scan_id, "Ruiz", MANY if scan_id == A_DAY_28 else FEW)
    return trial


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def by_scan(path: Path) -> dict[str, dict[str, str]]:
    return {row["scan_id"]: row for row in rows_of(path)}


def voxel_pct(trial: Trial, scan_id: str) -> float:
    """What one voxel is of the lung, in %."""
    return 100 / int((model_labels(trial.case(scan_id)).labels > 0).sum())


def test_from_two_readers_over_an_adjudicator_to_change(read_trial: Trial, tmp_path: Path) -> None:
    trial = read_trial
    model = by_scan(trial.scans)
    with pytest.raises(ReadingError, match=f"{A_DAY_28}: .*adjudicator's reading is missing"):
        finalize(trial.final_request(tmp_path / "early"), watch=WATCH)
    assert not (tmp_path / "early").exists()
    chief = trial.add(A_DAY_28, "Chief", CHIEFS, role=Role.ADJUDICATOR)

    result = finalize(trial.final_request(tmp_path / "final"), watch=WATCH)
    final = by_scan(tmp_path / "final" / "scans.csv")
    expected_pct = {}
    for scan_id in SCANS:
        added = CHIEFS if scan_id == A_DAY_28 else FEW / 2
        before_pct = float(model[scan_id]["lesion_proportion_pct"])
        expected_pct[scan_id] = before_pct + added * voxel_pct(trial, scan_id)
        assert float(final[scan_id]["lesion_proportion_pct"]) == pytest.approx(expected_pct[scan_id])
        assert final[scan_id]["solid_ml"] == model[scan_id]["solid_ml"]
        assert (final[scan_id]["status"], final[scan_id]["kernel"]) == ("measured", model[scan_id]["kernel"])
        assert final[scan_id]["lesion_proportion_low_pct"] == ""  # the model's interval is not the readers'
    assert [final[scan_id]["value_origin"] for scan_id in SCANS] == [
        "readers-average", "adjudicator", "readers-average",
    ]  # fmt: skip
    assert final[A_BASELINE]["readers"] == "Ono; Ruiz"
    assert (final[A_DAY_28]["readers"], final[A_DAY_28]["reading_ids"]) == ("Chief", chief)
    assert result.manifest["counts"] == {"adjudicator": 1, "readers-average": 2}

    made = make_changes(ChangeRequest(tmp_path / "final" / "scans.csv", trial.plan, tmp_path / "visits"))
    analysis = rows_of(made.folder / "adlesion.csv")
    (row,) = [
        row for row in analysis
        if (row["USUBJID"], row["PARAMCD"], row["AVISIT"]) == ("A1", "LESPCT", "day 28")
    ]  # fmt: skip
    assert float(row["CHG"]) == pytest.approx(expected_pct[A_DAY_28] - expected_pct[A_BASELINE])
    assert row["AVALORIG"] == "adjudicator"
    results = {row["TRREFID"]: (row["TREVAL"], row["TREVALID"]) for row in rows_of(made.folder / "tr.csv")}
    both = ("READER", "Ono; Ruiz")
    assert results == {A_BASELINE: both, A_DAY_28: ("ADJUDICATOR", "Chief"), B_BASELINE: both}


def test_how_every_value_came_about_is_written_beside_it(read_trial: Trial, tmp_path: Path) -> None:
    read_trial.add(A_DAY_28, "Chief", CHIEFS, role=Role.ADJUDICATOR)
    finalize(read_trial.final_request(tmp_path / "final"), watch=WATCH)
    decided = by_scan(tmp_path / "final" / "final_values.csv")
    model = by_scan(read_trial.scans)
    row = decided[A_DAY_28]
    step = voxel_pct(read_trial, A_DAY_28)
    assert (row["reader_1"], row["reader_2"], row["adjudicator"], row["agree"]) == (
        "Ono",
        "Ruiz",
        "Chief",
        "N",
    )
    assert (
        float(row["model_value"]) == float(row["value_1"]) == float(model[A_DAY_28]["lesion_proportion_pct"])
    )
    assert float(row["difference"]) == pytest.approx(-MANY * step)
    assert float(row["value"]) == float(row["adjudicator_value"])
    assert "Chief has decided" in row["why"]
    assert decided[B_BASELINE]["agree"] == "Y"
    records = read_log(read_trial.readings / "audit.jsonl")
    assert [record.kind for record in records] == ["opened", *["reading-added"] * 7, "readings-finalized"]
    manifest = json.loads((tmp_path / "final" / "finalize.json").read_text())
    assert records[-1].facts["outputs"] == manifest["outputs"]
    assert manifest["inputs"]["audit_sha256"] == records[-2].sha256


def test_unread_scans_keep_what_the_model_measured(trial: Trial, tmp_path: Path) -> None:
    trial.add(A_BASELINE, "Ono", FEW)
    trial.add(A_BASELINE, "Ruiz", FEW)
    finalize(trial.final_request(tmp_path / "final"), watch=WATCH)
    model, final = by_scan(trial.scans), by_scan(tmp_path / "final" / "scans.csv")
    for scan_id in (A_DAY_28, B_BASELINE):
        assert {name: final[scan_id][name] for name in model[scan_id]} == model[scan_id]
        assert (final[scan_id]["value_origin"], final[scan_id]["readers"]) == ("model", "")
    assert final[A_BASELINE]["value_origin"] == "readers-average"
    write_plan(trial.plan, PLAN + "readings: {largest_difference: 1, unread: refuse}\n")
    with pytest.raises(ReadingError, match="2 of 3 scans have no final value") as refused:
        finalize(trial.final_request(tmp_path / "again"), watch=WATCH)
    assert B_BASELINE in str(refused.value)


def test_a_scan_that_failed_gets_the_readers_values(trial: Trial, tmp_path: Path) -> None:
    kept = ("subject", "scan_id", "study_date", "series_uid", "visit_given")
    failed = {"status": "failed", "reason": "segmentation", "reason_text": "no network"}
    rows = rows_of(trial.scans)
    for row in rows:
        if row["scan_id"] == A_BASELINE:
            row.update({**dict.fromkeys(row, ""), **{name: row[name] for name in kept}, **failed})
    scans = write_table(tmp_path / "scans.csv", rows)
    write_plan(trial.plan, PLAN + "readings: {readers: 1}\n")
    expected = by_scan(trial.scans)[A_BASELINE]
    case = trial.case(A_BASELINE)
    source = Path(json.loads((case / "manifest.json").read_text())["input"]["path"])
    mask = save(model_labels(case), model_labels(case).labels, tmp_path / "drawn.nii.gz")
    series_uid = expected["series_uid"]
    drawn = request(source, mask, trial.readings, scan_id=A_BASELINE, series_uid=series_uid)
    add_reading(drawn, watch=WATCH)
    finalize(replace(trial.final_request(tmp_path / "final"), scans=scans), watch=WATCH)
    row = by_scan(tmp_path / "final" / "scans.csv")[A_BASELINE]
    assert (row["status"], row["reason"], row["value_origin"]) == ("measured", "", "reader")
    for name in ("lesion_ml", "lung_ml", "kernel", "slice_spacing_mm", "contrast", "manufacturer"):
        assert row[name] == expected[name], name


def test_agreement_of_two_readers_over_all_scans(read_trial: Trial, tmp_path: Path) -> None:
    result = compare_all(
        AgreeRequest(read_trial.readings, tmp_path / "agreement", read_trial.plan), watch=WATCH
    )
    (pair,) = result.pairs
    assert pair.readers == ("Ono", "Ruiz")
    rows = [
        row
        for row in rows_of(tmp_path / "agreement" / "scans_of_two_readers.csv")
        if row["region"] == "lesion"
    ]
    assert [(row["scan_id"], row["agree"]) for row in rows] == list(zip(SCANS, "YNY", strict=True))
    lesions = {scan_id: int((model_labels(read_trial.case(scan_id)).labels >= 2).sum()) for scan_id in SCANS}
    for row in rows:
        added = MANY if row["scan_id"] == A_DAY_28 else FEW
        drawn = lesions[row["scan_id"]]
        assert float(row["dice"]) == pytest.approx(2 * drawn / (2 * drawn + added))
    differences_pct = [
        -voxel_pct(read_trial, scan_id) * (MANY if scan_id == A_DAY_28 else FEW) for scan_id in SCANS
    ]
    summary = rows_of(tmp_path / "agreement" / "summary.csv")
    found = {row["statistic"]: row for row in summary if row["measure"] == "LESPCT"}
    assert float(found["bias"]["value"]) == pytest.approx(np.mean(differences_pct))
    spread = 1.959963984540054 * np.std(differences_pct, ddof=1)
    assert float(found["lower_limit"]["value"]) == pytest.approx(np.mean(differences_pct) - spread)
    values = [(float(row["value_1"]), float(row["value_2"])) for row in rows]
    expected = icc_agreement(*zip(*values, strict=True))
    assert float(found["icc_agreement"]["value"]) == expected.value
    assert {"icc_agreement", "concordance", "bias"} <= {
        row["statistic"] for row in summary if (row["region"], row["measure"]) == ("lesion", "volume_ml")
    }
    assert read_log(read_trial.readings / "audit.jsonl")[-1].kind == "readers-compared"


def test_agreement_needs_two_readers(trial: Trial, tmp_path: Path) -> None:
    trial.add(A_BASELINE, "Ono", 0)
    trial.add(B_BASELINE, "Ruiz", 0)
    with pytest.raises(ReadingError, match="two readers"):
        compare_all(AgreeRequest(trial.readings, tmp_path / "agreement"), watch=WATCH)
    assert not (tmp_path / "agreement").exists()


def test_readings_that_do_not_belong_to_the_table_are_refused(trial: Trial, tmp_path: Path) -> None:
    write_plan(trial.plan, PLAN + "readings: {readers: 1}\n")
    stranger = trial.add(A_BASELINE, "Ono", 0, scan_id="Z9")
    with pytest.raises(ReadingError, match="no scan of this name"):
        finalize(trial.final_request(tmp_path / "final"), watch=WATCH)
    withdraw_reading(trial.readings, stranger, by="Ono", why="wrong name", watch=WATCH)
    trial.add(B_BASELINE, "Ono", 0)
    rows = rows_of(trial.scans)
    for row in rows:  # as if somebody had mixed two rows up
        row["scan_id"] = {A_BASELINE: B_BASELINE, B_BASELINE: A_BASELINE}.get(row["scan_id"], row["scan_id"])
    mixed = write_table(tmp_path / "mixed.csv", rows)
    with pytest.raises(ReadingError, match="another scan than the one of this name"):
        finalize(replace(trial.final_request(tmp_path / "final"), scans=mixed), watch=WATCH)


def test_arms_final_values_and_plans_without_a_rule_are_refused(read_trial: Trial, tmp_path: Path) -> None:
    read_trial.add(A_DAY_28, "Chief", CHIEFS, role=Role.ADJUDICATOR)
    for column, words in (("arm", "without the treatment arm"), ("value_origin", "final values already")):
        rows = [{**row, column: "model"} for row in rows_of(read_trial.scans)]
        scans = write_table(tmp_path / f"{column}.csv", rows)
        with pytest.raises(TableError, match=words):
            finalize(replace(read_trial.final_request(tmp_path / "final"), scans=scans), watch=WATCH)
    write_plan(read_trial.plan)
    with pytest.raises(PlanError, match="does not say how"):
        finalize(read_trial.final_request(tmp_path / "final"), watch=WATCH)
    assert not (tmp_path / "final").exists()


def test_a_keyed_log_is_kept_with_its_key_all_the_way(trial: Trial, tmp_path: Path) -> None:
    write_plan(trial.plan, PLAN + "readings: {readers: 1}\n")
    reading_id = trial.add(A_BASELINE, "Ono", FEW, key=KEY)
    with pytest.raises(AuditError, match="key"):
        trial.add(B_BASELINE, "Ono", FEW)
    assert len(list(trial.readings.glob("*/*/reading.json"))) == 1
    with pytest.raises(AuditError, match="key"):
        finalize(trial.final_request(tmp_path / "final"), watch=WATCH)
    assert not (tmp_path / "final").exists()
    finalize(trial.final_request(tmp_path / "final", key=KEY), watch=WATCH)
    withdraw_reading(trial.readings, reading_id, by="Ono", why="wrong", key=KEY, watch=WATCH)
    assert verify_log(trial.readings / "audit.jsonl", key=KEY).key_checked
    assert load_readings(trial.readings, key=KEY).current == ()
