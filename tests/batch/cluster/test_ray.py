"""Real Ray: nodes on loopback, one of them killed; workers that die; a stop. Equal as `test_kill.py` judges.

The rule that stands in for a network draws no pictures in its workers; the batch with a network does.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lesionseg import load_volume
from lesionseg.batch.ledger import Ledger
from lesionseg.batch.records import State
from lesionseg.batch.request import LEDGER
from tests.batch.builders import damage, fingerprint, name, times_done, write_scan, write_scans
from tests.batch.killing import KillableBatch

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
PATIENCE_SECONDS = 400.0


@dataclass
class ClusterBatch(KillableBatch):
    """A driver as a process; without an address the engine is the local one."""

    address: str | None = None
    rule: dict[str, Any] = field(default_factory=dict)

    def start(self) -> None:
        self.control.mkdir(exist_ok=True)
        settings = self.control / "settings.json"
        content = {
            "scans": str(self.scans),
            "out": str(self.out),
            "address": self.address,
            "bundle": str(self.bundle) if self.bundle else None,
            "rule": {**self.rule, "control": str(self.control)},
        }
        settings.write_text(json.dumps(content))
        self.events = []
        command = [sys.executable, "-m", "tests.batch.cluster.driver", str(settings)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()

    def wait_for(self, event: str, count: int = 1, patience_seconds: float = PATIENCE_SECONDS) -> None:
        super().wait_for(event, count, patience_seconds)

    def end(self) -> int:
        return self.process.wait(PATIENCE_SECONDS)

    def told(self, event: str) -> list[dict[str, Any]]:
        return [said for said in self.events if said["event"] == event]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Three nodes with one core each; tells nobody, and has no dashboard."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 100 * 2**20}
    found = Cluster(initialize_head=True, head_node_args=node)
    for _ in range(2):
        found.add_node(**node)
    yield found
    found.shutdown()


def pair(tmp_path: Path, scans: Path, cluster: Any, **changes: Any) -> tuple[ClusterBatch, ClusterBatch]:
    """Return an undisturbed local batch, and one on the cluster."""
    local = ClusterBatch(scans, tmp_path / "local", tmp_path / "control local", **changes)
    remote = ClusterBatch(scans, tmp_path / "out", tmp_path / "control", address=cluster.address, **changes)
    return local, remote


def assert_same(one: ClusterBatch, other: ClusterBatch, count: int) -> None:
    found = fingerprint(one.out)
    assert found == fingerprint(other.out)
    assert len([place for place in found if place.endswith("labels.nii.gz")]) == count
    assert list(times_done(one.out).values()) == [1] * count
    assert not list(one.out.rglob(".lesionseg-*"))


def test_a_node_killed_in_mid_run_costs_no_case_and_no_byte(tmp_path: Path, cluster: Any) -> None:
    from tests.segmentation.conftest import write_tiny_bundle

    bundle = write_tiny_bundle(tmp_path / "tiny").folder
    write_scans(tmp_path / "scans", 12)
    local, remote = pair(tmp_path, tmp_path / "scans", cluster, bundle=bundle)
    remote.start()
    remote.wait_for("done")
    cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
    assert remote.end() == 0, remote.events[-3:]
    lost = remote.told("retried")
    assert {said["reason"] for said in lost} == {"worker-lost"}
    assert len(remote.told("done")) == 12
    local.run()
    assert_same(remote, local, 12)


def test_workers_that_die_and_scans_that_fail(tmp_path: Path, cluster: Any) -> None:
    scans = tmp_path / "scans"
    write_scans(scans, 6)
    damage(write_scan(scans, "P007"))
    uid = {patient: load_volume(scans / patient).name for patient in ("P002", "P004", "P005")}
    rule = {"seconds": 0.2, "deaths": {uid["P002"]: 1, uid["P004"]: 99}, "fails": uid["P005"]}
    _, remote = pair(tmp_path, scans, cluster, rule=rule)
    remote.start()
    assert remote.end() == 0, remote.events[-3:]
    with Ledger(remote.out / LEDGER) as ledger:
        found = {record.case_id: (record.state.value, record.reason) for record in ledger.records()}
    assert {case for case, (state, _) in found.items() if state == "done"} == {
        name(patient) for patient in ("P001", "P002", "P003", "P006")
    }
    assert found[name("P004")] == ("failed", "worker-lost")
    assert found[name("P005")] == ("failed", "fault")
    assert found[name("P007")][0] == "failed"
    assert max(times_done(remote.out).values()) == 1
    assert not list(remote.out.rglob(".lesionseg-*"))


def test_ctrl_c_finishes_what_is_segmented_and_the_rest_goes_on_later(tmp_path: Path, cluster: Any) -> None:
    write_scans(tmp_path / "scans", 12)
    _, remote = pair(tmp_path, tmp_path / "scans", cluster, rule={"seconds": 1.0})
    remote.start()
    remote.wait_for("done")
    remote.process.send_signal(signal.SIGINT)
    assert remote.end() == 130
    assert len(remote.told("stopping")) == 1
    with Ledger(remote.out / LEDGER) as ledger:
        states = [record.state for record in ledger.records()]
    assert set(states) == {State.DONE, State.PENDING}
    remote.rule = {}
    remote.run()
    assert list(times_done(remote.out).values()) == [1] * 12


@pytest.fixture
def short() -> Iterator[Path]:
    """Ray's folder: the names of its sockets may not be longer than a hundred letters."""
    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def test_a_cluster_of_its_own_is_heard_nowhere_else_and_ends_with_a_second_ctrl_c(
    tmp_path: Path, short: Path
) -> None:
    from lesionseg.cli.run import INTERRUPTED

    write_scans(tmp_path / "scans", 4)
    command = [
        sys.executable,
        "-m",
        "lesionseg",
        "batch",
        str(tmp_path / "scans"),
        "-o",
        str(tmp_path / "out"),
    ]
    options = ["--engine", "ray", "--device", "cpu", "--threads", "1", "--log-json"]
    environment = {**os.environ, "RAY_TMPDIR": str(short)}
    heard: set[str] = set()
    with subprocess.Popen(
        [*command, *options], stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        for line in process.stderr or ():
            said = json.loads(line) if line.startswith("{") else {}
            heard |= _listening_with(str(short))
            if said.get("event") in ("stage", "stopping"):
                process.send_signal(signal.SIGINT)
        assert process.wait(120) == INTERRUPTED
    with Ledger(tmp_path / "out" / LEDGER) as ledger:
        assert State.DONE not in [record.state for record in ledger.records()]
    for _ in range(300):
        if not _processes_with(str(short)):
            break
        time.sleep(0.1)
    assert not _processes_with(str(short))
    assert {address.removeprefix("::ffff:") for address in heard} == {"127.0.0.1"}


def _listening_with(text: str) -> set[str]:
    """Addresses on which processes listen whose command lines name a folder."""
    import psutil

    numbers = {process.pid for process in psutil.process_iter() if text in " ".join(_words(process))}
    found = psutil.net_connections("tcp")
    return {each.laddr.ip for each in found if each.status == psutil.CONN_LISTEN and each.pid in numbers}


def _words(process: Any) -> list[str]:
    import psutil

    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _processes_with(text: str) -> list[str]:
    """Command lines that name a folder."""
    import psutil

    lines = [" ".join(_words(process)) for process in psutil.process_iter()]
    return [line for line in lines if text in line]
