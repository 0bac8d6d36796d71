"""A batch is killed with SIGKILL, or asked to stop; what comes of it is what an undisturbed one gives.

Two folders are equal when they hold the same files with the same bytes, but for the ledger, which tells what
happened, and the key ``times`` of manifests.
"""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from lesionseg.batch.ledger import Ledger
from lesionseg.batch.records import State
from lesionseg.batch.request import LEDGER
from tests.batch.builders import fingerprint, times_done, write_scans
from tests.batch.killing import KillableBatch


def killable(tmp_path: Path, scans: Path, out: str, **changes: object) -> KillableBatch:
    return KillableBatch(scans, tmp_path / out, tmp_path / f"control {out}", **changes)  # type: ignore[arg-type]


def assert_same(one: KillableBatch, other: KillableBatch, count: int) -> None:
    found, wanted = fingerprint(one.out), fingerprint(other.out)
    assert found == wanted
    assert len([place for place in found if place.endswith("labels.nii.gz")]) == count
    assert list(times_done(one.out).values()) == [1] * count
    assert not list(one.out.rglob(".lesionseg-*"))


def test_killed_between_two_scans_goes_on_to_the_same_bytes(four_scans: Path, tmp_path: Path) -> None:
    undisturbed, batch = (killable(tmp_path, four_scans, name) for name in ("whole", "out"))
    undisturbed.run()
    batch.seconds = 0.5
    batch.start()
    batch.wait_for("done")
    batch.kill()
    assert 1 <= sum(times_done(batch.out).values()) < 4
    batch.run()
    assert_same(batch, undisturbed, 4)


@pytest.mark.slow
def test_ctrl_c_finishes_what_is_segmented(four_scans: Path, tmp_path: Path) -> None:
    batch = killable(tmp_path, four_scans, "out", seconds=0.5)
    batch.start()
    batch.wait_for("stage", 2)
    batch.process.send_signal(signal.SIGINT)
    assert batch.end() == 130
    with Ledger(batch.out / LEDGER) as ledger:
        states = [record.state for record in ledger.records()]
    assert State.RUNNING not in states
    assert State.PENDING in states
    batch.run()
    assert list(times_done(batch.out).values()) == [1] * 4


@pytest.mark.slow
def test_second_ctrl_c_stops_now_and_nothing_is_lost(four_scans: Path, tmp_path: Path) -> None:
    undisturbed, batch = (killable(tmp_path, four_scans, name) for name in ("whole", "out"))
    undisturbed.run()
    batch.seconds = 60.0
    batch.start()
    batch.wait_for("stage", 2)
    batch.process.send_signal(signal.SIGINT)
    batch.wait_for("stopping")
    batch.process.send_signal(signal.SIGINT)
    assert batch.process.wait(20) != 0
    batch.seconds = 0.0
    batch.run()
    assert_same(batch, undisturbed, 4)


@pytest.mark.slow
def test_a_scan_that_kills_the_process_comes_last_the_next_time(four_scans: Path, tmp_path: Path) -> None:
    batch = killable(tmp_path, four_scans, "out", seconds=30.0)
    batch.start()
    batch.wait_for("stage", 2)
    batch.kill()
    batch.seconds = 0.0
    batch.run()
    order = [said["case"] for said in batch.events if said["event"] == "done"]
    assert order[-1].startswith("P00")
    with Ledger(batch.out / LEDGER) as ledger:
        first = ledger.history()[0].case_id
    assert order.index(first) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_random_moments(tmp_path: Path, seed: int) -> None:
    write_scans(tmp_path / "scans", 12)
    undisturbed, batch = (killable(tmp_path, tmp_path / "scans", name) for name in ("whole", "out"))
    undisturbed.run()
    batch.seconds = 0.05
    batch.kill_at_random(6, random.Random(seed), 0.6)
    batch.run()
    assert_same(batch, undisturbed, 12)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_killed_with_a_network_and_pictures(tmp_path: Path) -> None:
    from tests.segmentation.conftest import write_tiny_bundle

    bundle = write_tiny_bundle(tmp_path / "tiny").folder
    write_scans(tmp_path / "scans", 4)
    scans, changes = tmp_path / "scans", {"bundle": bundle, "pictures": True}
    undisturbed, batch = (killable(tmp_path, scans, name, **changes) for name in ("whole", "out"))
    undisturbed.run()
    batch.kill_at_random(3, random.Random(3), 6.0)
    batch.run()
    assert_same(batch, undisturbed, 4)
