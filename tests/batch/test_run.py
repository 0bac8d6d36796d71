"""What a batch does: once, again, after a stop, with faults."""

from __future__ import annotations

import csv
import errno
import json
import shutil
import threading
import weakref
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet
import pytest

from lesionseg.batch.events import BatchEvent, Happening, Tally
from lesionseg.batch.folder import own_folder
from lesionseg.batch.request import BatchSettings
from lesionseg.batch.summary import TEXT_COLUMNS
from lesionseg.core.errors import (
    ConfigurationError,
    DeviceError,
    OutputError,
    OutputExistsError,
    SegmentationError,
)
from lesionseg.workflow.case import read_scan, segment_case
from lesionseg.workflow.export.request import ExportSettings
from lesionseg.workflow.request import CASE_FILES, CaseRequest, CaseSettings
from tests.batch.builders import (
    WatchedSegmenter,
    batch,
    damage,
    fingerprint,
    name,
    record_of,
    states,
    times_done,
    without_times,
    write_scan,
)
from tests.workflow.builders import RuleSegmenter

A, B, C, D = (name(f"P00{number}") for number in range(1, 5))


def rows(out: Path) -> dict[str, dict[str, str]]:
    with (out / "summary.csv").open(encoding="utf-8", newline="") as stream:
        return {row["case"]: row for row in csv.DictReader(stream)}


def test_every_study_is_a_case_with_the_files_of_segment(four_scans: Path, out: Path, tmp_path: Path) -> None:
    result = batch(four_scans, out)
    assert states(result) == dict.fromkeys([A, B, C, D], "done")
    assert result.complete
    segment_case(CaseRequest(four_scans / "P002", tmp_path / "alone", label=B), RuleSegmenter())
    for file in CASE_FILES:
        alone, together = tmp_path / "alone" / file, out / "cases" / B / file
        if file != "manifest.json":
            assert together.read_bytes() == alone.read_bytes(), file
    assert without_times(together.parent / "manifest.json") == without_times(tmp_path / "alone/manifest.json")
    listed = {"cases", "ledger.sqlite", "summary.csv", "summary.parquet", "index.html", "manifest.json"}
    assert {path.name for path in out.iterdir()} == listed


def test_summary_has_the_measurements_typed_in_parquet(four_scans: Path, out: Path) -> None:
    batch(four_scans, out)
    table = pyarrow.parquet.read_table(out / "summary.parquet")
    written = rows(out)
    assert table.column_names == list(written[A])
    assert float(written[A]["lung_ml"]) > 1000
    assert table["lung_ml"].to_pylist() == [float(written[case]["lung_ml"]) for case in (A, B, C, D)]
    numbers = [field.name for field in table.schema if str(field.type) == "double"]
    assert set(numbers) == set(table.column_names) - set(TEXT_COLUMNS)


def test_done_work_is_not_repeated(four_scans: Path, out: Path) -> None:
    batch(four_scans, out)
    before, segmenter = fingerprint(out), RuleSegmenter()
    result = batch(four_scans, out, segmenter)
    assert segmenter.calls == 0
    assert result.manifest["times"]["taken_over"] == [A, B, C, D]
    assert fingerprint(out) == before
    assert set(times_done(out).values()) == {1}


def test_only_a_changed_input_is_measured_again(scans: Path, out: Path) -> None:
    batch(scans, out)
    before = fingerprint(out)
    shutil.rmtree(scans / "P002")
    write_scan(scans, "P002", kernel="B80f")
    segmenter = RuleSegmenter()
    result = batch(scans, out, segmenter)
    assert segmenter.calls == 1
    assert times_done(out) == {A: 1, B: 2, C: 1}
    changed = {place for place, content in fingerprint(out).items() if content != before[place]}
    assert {place for place in changed if place.startswith("cases/")} <= {
        f"cases/{B}/{file}" for file in CASE_FILES
    }
    assert result.manifest["times"]["taken_over"] == [A, C]


def test_another_model_or_setting_measures_everything_again(scans: Path, out: Path) -> None:
    batch(scans, out)
    changed = BatchSettings(CaseSettings(minimum_lung_ml=50))
    for segmenter, settings in (
        (RuleSegmenter(bundle_name="rule 2"), BatchSettings()),
        (RuleSegmenter(bundle_name="rule 2"), changed),
        (RuleSegmenter(bundle_name="rule 2"), replace(changed, pages=True)),
    ):
        batch(scans, out, segmenter, settings)
        assert segmenter.calls == 3
    assert set(times_done(out).values()) == {4}


def test_how_fast_and_wherefrom_is_no_other_setting(scans: Path, out: Path) -> None:
    batch(scans, out)
    segmenter = RuleSegmenter()
    moved = scans.rename(scans.parent / "moved")
    batch(moved, out, segmenter, BatchSettings(readers=2, scans_in_memory=5))
    assert segmenter.calls == 0


def test_a_broken_scan_is_a_row_with_code_and_sentence(scans: Path, out: Path) -> None:
    damage(write_scan(scans, "P004"))
    result = batch(scans, out)
    assert states(result) == {A: "done", B: "done", C: "done", D: "failed"}
    assert not result.complete
    row = rows(out)[D]
    assert row["reason"]
    assert "P004" in row["reason_text"]
    assert row["lung_ml"] == row["case_folder"] == ""
    page = (out / "index.html").read_text(encoding="utf-8")
    assert page.index(D) < page.index(A)


def test_a_failed_scan_is_tried_again_and_its_outdated_result_goes(scans: Path, out: Path) -> None:
    batch(scans, out)
    good = fingerprint(out)
    whole = {path: path.read_bytes() for path in (scans / "P002").iterdir()}
    path = sorted(whole)[5]
    path.write_bytes(whole[path][:-600])
    assert states(batch(scans, out))[B] == "failed"
    assert not (out / "cases" / B).exists()
    path.write_bytes(whole[path])
    segmenter = RuleSegmenter()
    assert batch(scans, out, segmenter).complete
    assert segmenter.calls == 1
    assert fingerprint(out) == good


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SegmentationError("no sense"), "segmentation"),
        (MemoryError("4 GiB"), "out-of-memory"),
        (ValueError("odd"), "fault"),
    ],
)
def test_a_scan_the_network_fails_on_stops_no_other(
    scans: Path, out: Path, error: Exception, code: str
) -> None:
    result = batch(scans, out, WatchedSegmenter(errors={1: error}))
    assert sorted(states(result).values()) == ["done", "done", "failed"]
    assert record_of(result, B).reason == code


def test_a_network_that_cannot_run_ends_the_batch(scans: Path, out: Path) -> None:
    with pytest.raises(DeviceError, match="gone"):
        batch(scans, out, WatchedSegmenter(errors={1: DeviceError("the device is gone")}))
    segmenter = RuleSegmenter()
    assert batch(scans, out, segmenter).complete
    assert segmenter.calls == 2
    assert set(times_done(out).values()) == {1}


def test_device_without_memory_for_one_scan_stops_no_other(scans: Path, out: Path) -> None:
    class OutOfMemoryError(RuntimeError):
        """As torch calls it."""

    error = DeviceError("the device cannot run the network")
    error.__cause__ = OutOfMemoryError("CUDA")
    result = batch(scans, out, WatchedSegmenter(errors={0: error}))
    assert record_of(result, A).reason == "out-of-memory"
    assert [record.state for record in result.records] == ["failed", "done", "done"]


def test_full_disk_ends_the_batch_and_loses_nothing(
    scans: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lesionseg.workflow import case

    undisturbed = out.with_name("undisturbed")
    batch(scans, undisturbed)
    real, calls = case.write_label_map, []

    def full(*arguments: object) -> None:
        calls.append(arguments)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr("lesionseg.workflow.case.write_label_map", full)
        with pytest.raises(OutputError) as caught:
            batch(scans, out)
    assert "No space" in caught.value.found
    done = [case for case, times in times_done(out).items() if times]
    assert done == [A]
    assert {path.name for path in (out / "cases").iterdir()} == {A}
    segmenter = RuleSegmenter()
    assert batch(scans, out, segmenter).complete
    assert segmenter.calls == 2
    assert fingerprint(out) == fingerprint(undisturbed)


def test_output_that_cannot_be_written_is_refused_before_any_work(
    scans: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lesionseg.batch.folder.os.access", lambda *_: False)
    segmenter = RuleSegmenter()
    with pytest.raises(OutputError, match="could not be written"):
        batch(scans, out, segmenter)
    assert segmenter.calls == 0
    assert list(out.iterdir()) == []


def test_somebody_elses_folder_is_left_alone(scans: Path, out: Path) -> None:
    out.mkdir()
    (out / "mine.txt").write_text("keep")
    with pytest.raises(OutputExistsError, match="not an earlier batch"):
        batch(scans, out)
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


def test_a_second_batch_on_the_same_folder_is_refused(scans: Path, out: Path) -> None:
    with own_folder(out), pytest.raises(OutputError, match="another batch is at work"):
        batch(scans, out)
    assert batch(scans, out).complete


def test_corrected_labels_are_never_written_over(scans: Path, out: Path) -> None:
    batch(scans, out)
    labels = out / "cases" / B / "labels.nii.gz"
    labels.write_bytes(b"corrected")
    result = batch(scans, out, RuleSegmenter(bundle_name="rule 2"))
    assert states(result) == {A: "done", B: "failed", C: "done"}
    assert record_of(result, B).reason == "output-exists"
    assert labels.read_bytes() == b"corrected"
    (out / "cases" / B).rename(out.parent / "mine")
    assert batch(scans, out, RuleSegmenter(bundle_name="rule 2")).complete


def test_results_among_the_scans_are_refused(scans: Path) -> None:
    with pytest.raises(ConfigurationError, match="searched for scans"):
        batch(scans, scans / "out")


def test_stop_finishes_what_is_segmented_and_the_next_run_goes_on(four_scans: Path, out: Path) -> None:
    batch(four_scans, out.with_name("undisturbed"))
    stop, segmenter = threading.Event(), WatchedSegmenter(hold=threading.Event())

    def watch(event: BatchEvent, tally: Tally) -> None:
        if event.stage == "segment" and tally.done == 0:
            stop.set()
        if event.kind is Happening.STOPPING:
            segmenter.hold.set()

    result = batch(four_scans, out, segmenter, observer=watch, stop=stop)
    assert result.stopped
    assert segmenter.calls == 1
    assert sorted(states(result).values()) == ["done", "pending", "pending", "pending"]
    assert result.manifest["finished"] is False
    assert "Run the same command again" in (out / "index.html").read_text(encoding="utf-8")
    again = RuleSegmenter()
    assert batch(four_scans, out, again).complete
    assert again.calls == 3
    assert fingerprint(out) == fingerprint(out.with_name("undisturbed"))


def test_no_more_scans_are_in_memory_than_allowed(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        write_scan(tmp_path / "scans", f"P{number}")
    alive: list[weakref.ref[object]] = []
    most: list[int] = []

    def read(*arguments: object, **options: object) -> object:
        found = read_scan(*arguments, **options)
        alive.append(weakref.ref(found.scan.volume))
        most.append(sum(volume() is not None for volume in alive))
        return found

    monkeypatch.setattr("lesionseg.batch.stages.read_scan", read)
    segmenter = RuleSegmenter()
    batch(tmp_path / "scans", out, segmenter, BatchSettings(readers=2, scans_in_memory=2))
    assert segmenter.calls == len(most) == 5
    assert max(most) == 2
    assert not any(volume() for volume in alive)


def test_exports_and_pages_stand_in_the_case_folder(four_scans: Path, out: Path) -> None:
    from lesionseg.volume.files import write_volume
    from tests.support.ct_series import chest_volume

    write_volume(chest_volume((14, 36, 36), (17.0, 9.5, 9.5)), out.parent / "scan.nii.gz")
    settings = BatchSettings(export=ExportSettings(("slicer", "sr")), pages=True)
    result = batch([four_scans / "P001", out.parent / "scan.nii.gz"], out, settings=settings)
    exported = {path.name for path in (out / "cases" / A / "export").iterdir()}
    assert exported == {"labels.seg.nrrd", "sr.dcm", "export.json"}
    assert (out / "cases" / A / "case.html").is_file()
    assert record_of(result, A).warnings == ()
    alone = record_of(result, "scan.nii.gz")
    assert alone.state == "done"
    assert "sr left out" in alone.warnings[0]
    assert f'href="cases/{A}/case.html"' in (out / "index.html").read_text(encoding="utf-8")
    segmenter = RuleSegmenter()
    batch([four_scans / "P001", out.parent / "scan.nii.gz"], out, segmenter, settings)
    assert segmenter.calls == 0


def test_further_inputs_join_and_names_stay(scans: Path, out: Path) -> None:
    batch(scans / "P002", out)
    again = RuleSegmenter()
    result = batch(scans, out, again)
    assert again.calls == 2
    assert list(states(result)) == [A, B, C]
    alone = batch(scans / "P003", out)
    assert list(states(alone)) == [A, B, C]
    assert [case["in_inputs"] for case in alone.manifest["cases"]] == [False, False, True]
    shutil.rmtree(out / "cases" / A)
    batch(scans / "P003", out)
    assert rows(out)[A]["case_folder"] == ""
    assert rows(out)[B]["case_folder"] == f"cases/{B}"


def test_manifest_says_what_ran_and_what_was_left(scans: Path, out: Path) -> None:
    (scans / "labels.nii.gz").write_bytes(b"")
    manifest = batch(scans, out).manifest
    assert manifest == json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["counts"] == {"pending": 0, "running": 0, "done": 3, "failed": 0}
    assert [left["what"] for left in manifest["left_over"]] == ["volume file"]
    assert manifest["finished"] is True
