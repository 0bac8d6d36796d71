"""``lesionseg batch --engine``: its options, with a stand-in for Ray."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.batch.builders import name, write_scans
from tests.batch.cluster.fakes import FakeRay
from tests.cli.conftest import Cli

pytestmark = pytest.mark.usefixtures("rule", "quick_picture")


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    write_scans(tmp_path / "scans", 2)
    return tmp_path / "scans"


def test_ray_says_what_the_local_engine_says(
    cli: Cli, scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = FakeRay(cpus=(4,))
    monkeypatch.setattr("lesionseg.batch.cluster.engine.ray_session", ray.session)
    options = ("--engine", "ray", "--cpus-per-worker", "2", "--workers", "1")
    done = cli("batch", scans, "-o", tmp_path / "out", *options, "--json", "--log-json")
    assert done.code == 0, done.err
    assert ray.hired == 1
    assert done.json["counts"]["done"] == 2
    told = [json.loads(line) for line in done.err.splitlines() if line.startswith("{")]
    assert [event["event"] for event in told][-1] == "finished"
    assert {event["case"] for event in told if event["event"] == "done"} == {name("P001"), name("P002")}
    stages = [event["stage"] for event in told if event.get("case") == name("P001") and "stage" in event]
    assert stages == [stage for stage in ("read", "segment", "measure", "write") for _ in range(2)]


def test_without_the_extra_the_remedy_is_named(
    cli: Cli, scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lesionseg.batch.cluster.extra.find_spec", lambda name: None)
    done = cli("batch", scans, "-o", tmp_path / "out", "--engine", "ray", "--json")
    assert done.code == 1
    assert done.json["error"]["code"] == "feature-missing"
    assert "lesionseg[cluster]" in done.json["error"]["remedy"]
    assert not (tmp_path / "out").exists()


def test_options_of_ray_need_ray(cli: Cli, scans: Path, tmp_path: Path) -> None:
    done = cli("batch", scans, "-o", tmp_path / "out", "--ray-address", "head:6379")
    assert done.code == 2
    assert "--engine ray" in done.err
