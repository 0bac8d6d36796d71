"""Studies of a query on a cluster: the process that directs the workers fetches them."""

from __future__ import annotations

from pathlib import Path

from lesionseg.batch.cluster import ClusterSettings, RayEngine
from lesionseg.batch.request import BatchRequest, BatchResult
from lesionseg.batch.run import run_batch
from lesionseg.core.errors import PacsContentError
from tests.batch.builders import batch, name, record_of, states, times_done
from tests.batch.cluster.fakes import FakeRay
from tests.batch.cluster.test_engine import death
from tests.batch.test_arrivals import Asked, away
from tests.workflow.builders import RuleSegmenter

__all__ = ["away"]

A, B, C = (name(f"P00{number}") for number in (1, 2, 3))


def on_cluster(asked: Asked, out: Path) -> BatchResult:
    engine = RayEngine(ClusterSettings(patience_seconds=5.0))
    return run_batch(BatchRequest((), out, (asked,)), RuleSegmenter(), engine=engine)


def test_fetched_studies_are_measured_by_workers_and_let_go_of(
    ray: FakeRay, away: Asked, out: Path, tmp_path: Path
) -> None:
    result = on_cluster(away, out)
    assert states(result) == {A: "done", B: "done", C: "done"}
    assert not (out / "pulled").exists()
    on_disk = batch(tmp_path / "away", tmp_path / "on disk")
    assert [one.key for one in result.records] == [one.key for one in on_disk.records]
    again = on_cluster(away, out)
    assert again.manifest["times"]["taken_over"] == [A, B, C]
    assert [study.fetches for study in away.found] == [1, 1, 1]


def test_a_study_whose_worker_is_lost_is_there_for_its_next_try(ray: FakeRay, away: Asked, out: Path) -> None:
    ray.kills = death("segment", B)
    away.found[2].error = PacsContentError("an object is damaged", case=away.found[2].place)
    result = on_cluster(away, out)
    assert states(result) == {A: "done", B: "done", C: "failed"}
    assert record_of(result, C).reason == "pacs-content"
    assert times_done(out)[B] == 1
