"""`scripts/slurm/submit.py`, by submitit's local executor and by a real SLURM where there is one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lesionseg.batch.ledger import Ledger
from lesionseg.batch.records import State
from tests.batch.builders import damage, times_done, write_scan
from tests.scripts.cluster_scans import rows, same_figures, write_bundle, write_chests
from tests.scripts.slurm_node import absent, one_node

pytest.importorskip("submitit", reason="submitit is not installed")


@pytest.fixture(scope="module")
def script(repository: Path) -> Path:
    return repository / "scripts" / "slurm" / "submit.py"


@pytest.fixture
def submit_module(script: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    monkeypatch.syspath_prepend(str(script.parent))
    import submit

    yield submit
    sys.modules.pop("submit", None)


def submit(
    script: Path, *words: object, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(script), *map(str, words)]
    environment = {**(environment or os.environ), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_shard_gets_its_share_its_threads_and_what_follows_the_dashes(
    submit_module: object, tmp_path: Path
) -> None:
    words = ["scans", "-o", str(tmp_path / "out"), "--shards", "4", "--cpus", "3", "--", "--pages"]
    settings = submit_module._arguments(words)
    given = submit_module._batch_words(settings, 2)
    assert given[:3] == ("batch", str(Path("scans").resolve()), "-o")
    assert given[given.index("--shard") + 1] == "2/4"
    assert given[given.index("--threads") + 1] == "3"
    assert given[-1] == "--pages"
    assert settings.logs == tmp_path / "out-slurm"


def test_a_warning_stops_the_verb_and_puts_the_same_one_in_line(
    submit_module: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As submitit does it: in a signal handler, while the verb is waited for."""
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    verb, again = submit_module.Verb(("batch", "x")), []

    def warned(number: int, frame: object) -> None:
        again.append(verb.checkpoint())
        raise InterruptedError

    before = signal.signal(signal.SIGUSR1, warned)
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGUSR1))
    timer.start()
    try:
        with pytest.raises(InterruptedError):
            verb()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert verb.process.wait(10) == -signal.SIGTERM
    assert again[0].function == submit_module.Verb(("batch", "x"))


def test_a_verb_that_fails_is_a_failed_job(submit_module: object) -> None:
    assert submit_module.Verb(("--version",))() == 0
    with pytest.raises(RuntimeError, match="ended with 1"):
        submit_module.Verb(("batch-merge", "/nowhere"))()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_shards_on_this_machine_give_what_an_undivided_batch_gives(script: Path, tmp_path: Path) -> None:
    scans, out, whole = tmp_path / "scans", tmp_path / "out", tmp_path / "whole"
    write_chests(scans, 3)
    how = ("--model", write_bundle(tmp_path / "bundle"), "--device", "cpu", "--runtime", "torch")
    done = submit(script, scans, "-o", out, "--shards", 2, "--cpus", 1, "--cluster", "local", "--", *how)
    assert done.returncode == 0, done.stderr
    assert "3 of 3 scans done in 2 shards" in done.stdout
    undivided = ["batch", scans, "-o", whole, *how]
    subprocess.run([sys.executable, "-m", "lesionseg", *map(str, undivided)], check=True)
    assert same_figures(out, whole)
    assert float(rows(out)[0]["lesion_ml"]) > 0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    if reason := absent():
        pytest.skip(f"no SLURM: {reason}")
    with one_node(tmp_path_factory.mktemp("slurm") / "node") as environment:
        yield environment


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_array_of_slurm_goes_on_where_it_was_broken_off(
    script: Path, tmp_path: Path, cluster: dict[str, str]
) -> None:
    scans, out = tmp_path / "scans", tmp_path / "out"
    write_chests(scans, 4)
    damage(write_scan(scans, "P005"))
    how = ("--model", write_bundle(tmp_path / "bundle"), "--device", "cpu", "--runtime", "torch")
    words = (scans, "-o", out, "--shards", 2, "--cpus", 1, "--memory-gb", 1, "--partition", "work")
    first = submit(script, *words, "--", *how, environment=cluster)
    assert first.returncode == 0, first.stderr
    wait_until(lambda: done_so_far(out) >= 1)
    subprocess.run(["scancel", "--user=root"], env=cluster, check=True)
    wait_until(lambda: not queue(cluster))
    again = submit(script, *words, "--wait", "--", *how, environment=cluster)
    assert again.returncode == 3, again.stderr + again.stdout
    assert "4 of 5 scans done in 2 shards" in again.stdout
    counted = [times_done(shard) for shard in sorted((out / "shards").iterdir())]
    assert sorted(times for shard in counted for times in shard.values()) == [0, 1, 1, 1, 1]
    assert [row["case"] for row in rows(out) if row["state"] == "failed"] == ["P005_20200401"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_slurms_warning_puts_a_shard_in_line_again(
    script: Path, tmp_path: Path, cluster: dict[str, str]
) -> None:
    scans, out = tmp_path / "scans", tmp_path / "out"
    write_chests(scans, 4)
    how = ("--model", write_bundle(tmp_path / "bundle"), "--device", "cpu", "--runtime", "torch")
    words = (scans, "-o", out, "--shards", 1, "--cpus", 1, "--memory-gb", 1)
    started = submit(script, *words, "--", *how, environment=cluster)
    job = started.stdout.split("submitted as ")[1].split(";")[0]
    wait_until(lambda: done_so_far(out) >= 1)
    subprocess.run(["scancel", "--signal=USR2", job], env=cluster, check=True)
    wait_until(lambda: (out / "manifest.json").is_file(), seconds=300)
    logs = "".join(path.read_text() for path in (tmp_path / "out-slurm").rglob("*.out"))
    log = logs + "".join(path.read_text() for path in (tmp_path / "out-slurm").rglob("*.err"))
    assert "Requeued job" in log
    assert {row["state"] for row in rows(out)} == {"done"}
    assert set(times_done(out / "shards" / "1-of-1").values()) == {1}


def done_so_far(out: Path) -> int:
    ledgers = list(out.glob("shards/*/ledger.sqlite"))
    count = 0
    for path in ledgers:
        with Ledger(path) as ledger:
            count += sum(record.state is State.DONE for record in ledger.records())
    return count


def queue(environment: dict[str, str]) -> str:
    return subprocess.run(
        ["squeue", "-h"], env=environment, capture_output=True, text=True, check=True
    ).stdout


def wait_until(holds: object, seconds: float = 240) -> None:
    last = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < last, "waited in vain"
        time.sleep(0.3)
