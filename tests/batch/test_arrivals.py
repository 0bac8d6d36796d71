"""Studies that lie elsewhere: fetched one by one when their turn comes, and not again once they are done."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lesionseg.batch.events import BatchEvent, Happening, Tally
from lesionseg.batch.request import BatchRequest, BatchResult, BatchSettings
from lesionseg.batch.run import BatchWatch, run_batch
from lesionseg.core.errors import LesionSegError, OutputError, PacsConnectionError, PacsContentError
from tests.batch.builders import DATE, WatchedSegmenter, batch, damage, name, record_of, states, write_scan
from tests.workflow.builders import RuleSegmenter

A, B, C, D = (name(f"P00{number}") for number in range(1, 5))


@dataclass
class Elsewhere:
    """One study in another folder."""

    origin: Path
    study_uid: str
    stays: bool = False
    version: str = "1"
    fetches: int = 0
    error: LesionSegError | None = None
    silent: LesionSegError | None = None
    """Raised when it is asked what it holds."""
    before: list[Any] = field(default_factory=list)
    study_date: str = DATE

    @property
    def patient_id(self) -> str:
        return self.origin.name

    @property
    def place(self) -> str:
        return f"archive, study {self.study_uid}"

    def content(self) -> str:
        if self.silent is not None:
            raise self.silent
        return self.version

    def fetch(self, folder: Path) -> str:
        self.fetches += 1
        for call in self.before:
            call(folder)
        if self.error is not None:
            raise self.error
        shutil.copytree(self.origin, folder / "series", dirs_exist_ok=True)
        return self.version


@dataclass
class Asked:
    found: tuple[Elsewhere, ...]
    name: str = "query.yaml"

    def as_dict(self) -> dict[str, Any]:
        return {"file": self.name}

    def studies(self) -> tuple[Elsewhere, ...]:
        return self.found


@pytest.fixture
def away(tmp_path: Path) -> Asked:
    """Three studies that a test may change."""
    series = [write_scan(tmp_path / "away", f"P00{number}") for number in (1, 2, 3)]
    return Asked(tuple(Elsewhere(one.folder, one.settings.study_uid) for one in series))


def fetch_all(
    asked: Asked,
    out: Path,
    segmenter: RuleSegmenter | None = None,
    *,
    inputs: Iterable[Path] = (),
    settings: BatchSettings | None = None,
    **watch: Any,
) -> BatchResult:
    request = BatchRequest(tuple(inputs), out, (asked,))
    return run_batch(request, segmenter or RuleSegmenter(), settings=settings, watch=BatchWatch(**watch))


def test_studies_are_fetched_measured_and_let_go_of(away: Asked, out: Path) -> None:
    result = fetch_all(away, out)
    assert states(result) == {A: "done", B: "done", C: "done"}
    assert not (out / "pulled").exists()
    facts = record_of(result, A).facts
    assert facts["path"] == away.found[0].place
    assert facts["series_uid"]
    assert result.manifest["queries"] == [{"file": "query.yaml"}]


def test_no_more_studies_lie_here_than_scans_may_be_in_memory(away: Asked, out: Path) -> None:
    lying: list[int] = []
    for study in away.found:
        study.before.append(
            lambda folder: lying.append(len(list(folder.parent.glob("*"))) if folder.parent.is_dir() else 0)
        )
    fetch_all(away, out, settings=BatchSettings(scans_in_memory=1))
    assert lying == [0, 0, 0]


def test_what_is_done_is_neither_fetched_nor_measured_again(away: Asked, out: Path) -> None:
    before = record_of(fetch_all(away, out), A)
    segmenter = RuleSegmenter()
    result = fetch_all(away, out, segmenter)
    assert segmenter.calls == 0
    assert [study.fetches for study in away.found] == [1, 1, 1]
    assert result.manifest["times"]["taken_over"] == [A, B, C]
    assert record_of(result, A) == before


@pytest.mark.parametrize("change", ["content", "model"])
def test_what_changed_there_or_here_is_fetched_and_measured_again(
    away: Asked, out: Path, change: str
) -> None:
    fetch_all(away, out)
    segmenter = RuleSegmenter(bundle_name="other" if change == "model" else RuleSegmenter().bundle_name)
    away.found[1].version = "2" if change == "content" else "1"
    assert fetch_all(away, out, segmenter).complete
    wanted = [1, 2, 1] if change == "content" else [2, 2, 2]
    assert [study.fetches for study in away.found] == wanted
    assert segmenter.calls == sum(wanted) - 3
    again = RuleSegmenter(bundle_name=segmenter.bundle_name)
    assert fetch_all(away, out, again).complete
    assert again.calls == 0


def test_a_study_that_cannot_be_fetched_is_a_row_and_is_tried_again(away: Asked, out: Path) -> None:
    away.found[1].error = PacsContentError("an object is damaged", case=away.found[1].place)
    result = fetch_all(away, out)
    assert states(result) == {A: "done", B: "failed", C: "done"}
    assert record_of(result, B).reason == "pacs-content"
    assert away.found[1].study_uid in record_of(result, B).reason_text
    away.found[1].error = None
    segmenter = RuleSegmenter()
    assert fetch_all(away, out, segmenter).complete
    assert segmenter.calls == 1


def test_a_fetched_scan_that_cannot_be_measured_is_a_row_and_is_let_go_of(
    away: Asked, out: Path, tmp_path: Path
) -> None:
    series = write_scan(tmp_path / "away", "P004")
    damage(series)
    away.found += (Elsewhere(series.folder, series.settings.study_uid),)
    empty = tmp_path / "away" / "P005"
    empty.mkdir()
    away.found += (Elsewhere(empty, "1.2.5"),)
    result = fetch_all(away, out)
    assert states(result) == {A: "done", B: "done", C: "done", D: "failed", name("P005"): "failed"}
    assert record_of(result, name("P005")).reason_text
    assert not (out / "pulled").exists()


def test_done_work_is_kept_while_the_archive_does_not_answer(away: Asked, out: Path) -> None:
    fetch_all(away, out)
    away.found[0].silent = PacsConnectionError("the archive cannot be reached")
    segmenter = RuleSegmenter()
    assert fetch_all(away, out, segmenter).complete
    assert segmenter.calls == 0


def test_files_stay_where_that_is_asked(away: Asked, out: Path) -> None:
    for study in away.found:
        study.stays = True
    fetch_all(away, out)
    assert {path.name for path in (out / "pulled").iterdir()} == {A, B, C}


def test_what_a_killed_process_left_of_a_done_study_goes(away: Asked, out: Path) -> None:
    fetch_all(away, out)
    (out / "pulled" / A / "series").mkdir(parents=True)
    fetch_all(away, out)
    assert not (out / "pulled").exists()


def test_a_study_in_a_folder_and_in_an_archive_is_one_case(away: Asked, out: Path) -> None:
    result = fetch_all(away, out, inputs=[away.found[0].origin])
    assert list(states(result)) == [A, B, C]
    assert away.found[0].fetches == 0
    assert "found before" in result.manifest["left_over"][0]["reason"]


def test_a_full_disk_ends_the_batch_and_the_next_run_goes_on(away: Asked, out: Path) -> None:
    away.found[1].error = OutputError("the disk is full", case=str(out))
    with pytest.raises(OutputError, match="full"):
        fetch_all(away, out)
    away.found[1].error = None
    assert fetch_all(away, out).complete
    assert away.found[0].fetches + away.found[2].fetches <= 3


def test_a_stop_leaves_what_is_fetched_for_the_next_run(away: Asked, out: Path) -> None:
    stop, segmenter = threading.Event(), WatchedSegmenter(hold=threading.Event())

    def watch(event: BatchEvent, tally: Tally) -> None:
        if event.case_id == B and event.stage == "read" and event.seconds is not None:
            stop.set()
        if event.kind is Happening.STOPPING:
            segmenter.hold.set()

    result = fetch_all(away, out, segmenter, observer=watch, stop=stop)
    assert result.stopped
    assert states(result)[B] == "pending"
    assert (out / "pulled" / B / "series").is_dir()
    assert fetch_all(away, out).complete


def test_the_stage_of_fetching_is_told_of_studies_that_are_fetched(
    away: Asked, out: Path, scans: Path
) -> None:
    told: list[tuple[str, str]] = []
    shutil.rmtree(scans / "P002")
    shutil.rmtree(scans / "P003")
    write_scan(scans, "P009")
    fetch_all(away, out, inputs=[scans], observer=lambda event, _: told.append((event.case_id, event.stage)))
    assert {case for case, stage in told if stage == "fetch"} == {B, C}


def test_results_are_those_of_the_same_studies_on_disk(away: Asked, out: Path, tmp_path: Path) -> None:
    fetched = fetch_all(away, out)
    on_disk = batch(tmp_path / "away", tmp_path / "on disk")
    for one, other in zip(fetched.records, on_disk.records, strict=True):
        assert one.key == other.key
        assert one.timeless_outputs == other.timeless_outputs


def test_what_a_killed_fetch_left_half_written_is_swept_away(away: Asked, out: Path) -> None:
    for study in away.found:
        study.stays = True
    fetch_all(away, out)
    (out / "pulled" / A / ".lesionseg-half").mkdir()
    fetch_all(away, out)
    assert {path.name for path in (out / "pulled" / A).iterdir()} == {"series"}
