"""The engine's own decisions, with a stand-in for Ray: `test_ray.py` has the real one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lesionseg.batch.cluster import ClusterSettings, RayEngine
from lesionseg.batch.events import BatchEvent, Happening, Tally
from lesionseg.batch.ledger import Ledger
from lesionseg.batch.request import LEDGER, BatchRequest, BatchResult, BatchSettings
from lesionseg.batch.run import BatchWatch, run_batch
from lesionseg.core.errors import (
    ClusterError,
    DeviceError,
    MissingFeatureError,
    OutputError,
    SegmentationError,
)
from lesionseg.segmentation import Progress, Segmenter
from lesionseg.volume import CTVolume, LabelMap
from tests.batch.builders import batch, damage, fingerprint, name, record_of, states, times_done, write_scan
from tests.batch.cluster.fakes import FakeRay
from tests.workflow.builders import RuleSegmenter

A, B, C, D = (name(f"P00{number}") for number in range(1, 5))


def on_cluster(
    scans: Path,
    out: Path,
    segmenter: Segmenter | None = None,
    *,
    cluster: ClusterSettings | None = None,
    settings: BatchSettings | None = None,
    **watch: Any,
) -> BatchResult:
    return run_batch(
        BatchRequest((scans,), out),
        segmenter or RuleSegmenter(),
        settings=settings,
        watch=BatchWatch(**watch),
        engine=RayEngine(cluster or ClusterSettings(patience_seconds=5.0)),
    )


def death(step: str, case: str, times: int = 1) -> Callable[[int, str, str], bool]:
    """The worker dies that does this step for this case, so often."""
    left = [times]

    def kills(number: int, asked_step: str, asked_case: str) -> bool:
        hit = (asked_step, asked_case) == (step, case) and left[0] > 0
        left[0] -= hit
        return hit

    return kills


def assert_undisturbed(four_scans: Path, out: Path) -> None:
    """As a local batch leaves it, every case done once, nothing left behind."""
    batch(four_scans, out.with_name("local"))
    assert fingerprint(out) == fingerprint(out.with_name("local"))
    assert times_done(out) == dict.fromkeys((A, B, C, D), 1)
    assert not list(out.rglob(".lesionseg-*"))


def test_gives_the_files_of_a_local_batch(ray: FakeRay, four_scans: Path, out: Path) -> None:
    assert on_cluster(four_scans, out).complete
    assert ray.hired == 2
    assert_undisturbed(four_scans, out)


def test_done_work_is_taken_over_from_either_engine(ray: FakeRay, four_scans: Path, out: Path) -> None:
    batch(four_scans, out)
    segmenter = RuleSegmenter()
    on_cluster(four_scans, out, segmenter)
    assert segmenter.calls == 0
    batch(four_scans, out, segmenter)
    assert segmenter.calls == 0
    assert_undisturbed(four_scans, out)


@pytest.mark.parametrize("step", ["read", "segment", "measure", "write"])
def test_a_lost_worker_costs_a_try_and_no_case(ray: FakeRay, four_scans: Path, out: Path, step: str) -> None:
    ray.kills = death(step, B)
    told: list[BatchEvent] = []
    assert on_cluster(four_scans, out, observer=lambda event, tally: told.append(event)).complete
    assert ray.hired == 3
    retried = [event for event in told if event.kind is Happening.RETRIED]
    assert B in {event.case_id for event in retried}
    assert {event.reason for event in retried} == {"worker-lost"}
    assert "the worker died" in next(event.text for event in retried if event.case_id == B)
    assert_undisturbed(four_scans, out)


def test_a_scan_that_kills_every_worker_fails_alone(ray: FakeRay, four_scans: Path, out: Path) -> None:
    ray.kills = death("segment", B, times=99)
    result = on_cluster(four_scans, out)
    assert states(result) == {A: "done", B: "failed", C: "done", D: "done"}
    record = record_of(result, B)
    assert record.reason == "worker-lost"
    assert "the worker died" in record.reason_text
    assert sum(step == "segment" and case == B for _, step, case in ray.calls) == 3
    assert not list(out.rglob(".lesionseg-*"))


def test_tries_are_told_by_the_ledger(ray: FakeRay, four_scans: Path, out: Path) -> None:
    ray.kills = death("measure", C)
    on_cluster(four_scans, out)
    with Ledger(out / LEDGER) as ledger:
        lines = [(line.state.value, line.reason) for line in ledger.history() if line.case_id == C]
    assert [state for state, _ in lines] == ["running", "pending", "running", "done"]
    assert "lost" in lines[1][1]


def test_a_failing_scan_has_the_row_of_a_local_batch(ray: FakeRay, scans: Path, out: Path) -> None:
    damage(write_scan(scans, "P004"))
    result, local = on_cluster(scans, out), batch(scans, out.with_name("local"))
    assert record_of(result, D) == record_of(local, D)
    assert fingerprint(out) == fingerprint(out.with_name("local"))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SegmentationError("no sense"), "segmentation"),
        (MemoryError(), "out-of-memory"),
        (ValueError(), "fault"),
    ],
)
def test_a_scan_the_network_fails_on_stops_no_other(
    ray: FakeRay, scans: Path, out: Path, error: Exception, code: str
) -> None:
    result = on_cluster(scans, out, FailingSegmenter(errors={2: error}))
    assert sorted(states(result).values()) == ["done", "done", "failed"]
    assert [record.reason for record in result.records if record.reason] == [code]


def test_a_device_that_gives_out_costs_a_worker(ray: FakeRay, four_scans: Path, out: Path) -> None:
    segmenter = FailingSegmenter(errors={1: DeviceError("the device is gone")})
    assert on_cluster(four_scans, out, segmenter).complete
    assert ray.hired == 3
    assert_undisturbed(four_scans, out)


def test_a_full_disk_ends_the_batch(
    ray: FakeRay, scans: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lesionseg.workflow.case.write_label_map", full)
    with pytest.raises(OutputError, match="No space left"):
        on_cluster(scans, out)
    monkeypatch.undo()


def test_workers_that_never_come_end_the_batch(ray: FakeRay, scans: Path, out: Path) -> None:
    ray.room = 0
    with pytest.raises(ClusterError, match="no worker left"):
        on_cluster(scans, out, cluster=ClusterSettings(patience_seconds=0.3))
    assert list(times_done(out).values()) == [0, 0, 0]


def test_a_worker_that_has_no_room_is_not_waited_for(ray: FakeRay, four_scans: Path, out: Path) -> None:
    ray.kills, ray.room = death("read", A), 2  # the third one, who would come after the lost one, never does
    assert on_cluster(four_scans, out).complete
    assert ray.hired == 3
    assert_undisturbed(four_scans, out)


def test_workers_that_die_at_once_end_the_batch(ray: FakeRay, scans: Path, out: Path) -> None:
    ray.kills = lambda number, step, case: step == "prepare"
    with pytest.raises(ClusterError, match="could not be started"):
        on_cluster(scans, out)


def test_a_machine_without_the_scans_is_refused_before_any_work(
    ray: FakeRay, scans: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ClusterError("does not see the scans", case="/scans", expected="node 2", remedy="Mount it")

    monkeypatch.setattr("lesionseg.batch.cluster.worker.refuse_unseen", refuse)
    with pytest.raises(ClusterError, match="does not see the scans"):
        on_cluster(scans, out)
    assert {step for _, step, _ in ray.calls} == {"prepare"}
    assert list(times_done(out).values()) == [0, 0, 0]
    assert not list(out.rglob(".lesionseg-*"))


def test_files_that_are_not_those_the_worker_wrote_are_not_taken(
    ray: FakeRay, four_scans: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lesionseg.batch.cluster import stages

    real, calls = stages.hashes_of, []

    def stale_once(folder: Path) -> dict[str, str]:
        calls.append(folder)
        return {} if len(calls) == 1 else real(folder)

    monkeypatch.setattr(stages, "hashes_of", stale_once)
    assert on_cluster(four_scans, out).complete
    assert_undisturbed(four_scans, out)


def test_somebodys_corrections_are_not_written_over(ray: FakeRay, scans: Path, out: Path) -> None:
    on_cluster(scans, out)
    labels = out / "cases" / A / "labels.nii.gz"
    labels.write_bytes(b"corrected")
    assert record_of(on_cluster(scans, out), A).reason == "output-exists"
    assert labels.read_bytes() == b"corrected"


def test_a_stop_finishes_what_is_segmented_and_puts_the_rest_back(
    ray: FakeRay, four_scans: Path, out: Path
) -> None:
    stop, segmenter = threading.Event(), FailingSegmenter(hold=threading.Event())
    told: list[Happening] = []

    def watch(event: BatchEvent, tally: Tally) -> None:
        told.append(event.kind)
        if event.stage == "segment":
            stop.set()
        if event.kind is Happening.STOPPING:
            segmenter.hold.set()

    result = on_cluster(four_scans, out, segmenter, observer=watch, stop=stop)
    assert result.stopped
    found = sorted(states(result).values())
    assert set(found) == {"done", "pending"}
    assert Happening.STOPPING in told
    assert on_cluster(four_scans, out).complete
    assert_undisturbed(four_scans, out)


def test_without_the_extra_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lesionseg.batch.cluster.extra.find_spec", lambda name: None)
    with pytest.raises(MissingFeatureError, match=r"pip install 'lesionseg\[cluster\]'"):
        RayEngine()


@dataclass
class FailingSegmenter(RuleSegmenter):
    """Fails on the scans so numbered, or waits."""

    errors: dict[int, Exception] = field(default_factory=dict)
    hold: threading.Event | None = None
    begun: int = 0
    lock: Any = field(default_factory=threading.Lock)

    def segment(self, volume: CTVolume, *, progress: Progress | None = None) -> LabelMap:
        with self.lock:
            self.begun += 1
            number = self.begun
        if self.hold is not None:
            self.hold.wait(30)
        if error := self.errors.get(number):
            raise error
        return super().segment(volume, progress=progress)
