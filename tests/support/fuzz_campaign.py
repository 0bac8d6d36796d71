"""Damaged DICOM files by the thousand, read in watched processes; every outcome is counted."""

from __future__ import annotations

import json
import os
import pickle
import queue
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.mutation import FuzzSource

_ROOT = Path(__file__).parents[2]
_STARTUP_SECONDS = 120.0
_LOG_CHARACTERS = 2000


@dataclass(frozen=True)
class Campaign:
    """How many files, from which seed, under which limits.

    `growth_mib` is how far one file may push the process's peak memory.
    """

    count: int
    seed: int = 0
    timeout_seconds: float = 10.0
    memory_mib: int = 3072
    growth_mib: int = 512


@dataclass
class Tally:
    """Outcomes counted, and the files that should not have ended so."""

    load: Counter[str] = field(default_factory=Counter)
    check: Counter[str] = field(default_factory=Counter)
    failures: list[dict[str, object]] = field(default_factory=list)
    slowest_seconds: float = 0.0
    largest_growth_mib: int = 0

    @property
    def total(self) -> int:
        return sum(self.load.values())


def run_campaign(
    sources: list[FuzzSource], campaign: Campaign, progress: Callable[[Tally], None] = lambda _: None
) -> Tally:
    """Read every damaged file once; a process that dies or hangs is replaced by the next."""
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="lesionseg-fuzz-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "sources").write_bytes(pickle.dumps(sources))
        first = 0
        while first < campaign.count:
            first = _run_worker(folder, first, campaign, tally, progress)
    return tally


def _run_worker(
    folder: Path, first: int, campaign: Campaign, tally: Tally, progress: Callable[[Tally], None]
) -> int:
    """Watch one process; returns the number to go on with."""
    log = folder / f"stderr{first}.txt"
    worker = _start(folder, first, campaign, log)
    lines: queue.Queue[str | None] = queue.Queue()
    assert worker.stdout is not None
    threading.Thread(target=_pump, args=(worker.stdout, lines), daemon=True).start()
    begun: dict[str, object] | None = None
    try:
        while True:
            wait = _STARTUP_SECONDS if begun is None else campaign.timeout_seconds
            try:
                line = lines.get(timeout=wait)
            except queue.Empty:
                return _lost(tally, begun, "hang", log)
            if line is None:
                code = worker.wait(timeout=30)
                return campaign.count if code == 0 else _lost(tally, begun, f"crash {code}", log)
            message = json.loads(line)
            if "begin" in message:
                begun = message
            else:
                _count(tally, begun or {}, message, campaign)
                progress(tally)
    finally:
        worker.kill()
        worker.wait()


def _start(folder: Path, first: int, campaign: Campaign, log: Path) -> subprocess.Popen[str]:
    numbers = [campaign.seed, first, campaign.count, campaign.memory_mib]
    command = [
        sys.executable,
        "-m",
        "tests.support.fuzz_worker",
        str(folder / "sources"),
        str(folder / f"w{first}"),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*command, *map(str, numbers)],
        stdout=subprocess.PIPE,
        stderr=log.open("w"),
        text=True,
        cwd=_ROOT,
        env=environment,
    )


def _pump(stream: object, lines: queue.Queue[str | None]) -> None:
    for line in stream:  # type: ignore[attr-defined]
        lines.put(line)
    lines.put(None)


def _lost(tally: Tally, begun: dict[str, object] | None, how: str, log: Path) -> int:
    said = log.read_text(errors="replace")[-_LOG_CHARACTERS:]
    if begun is None:
        raise RuntimeError(f"the worker did not start: {how}\n{said}")
    tally.load[how] += 1
    tally.failures.append({**begun, "load": how, "stderr": said})
    return int(str(begun["begin"])) + 1


def _count(tally: Tally, begun: dict[str, object], message: dict[str, object], campaign: Campaign) -> None:
    load, check = str(message["load"]), str(message["check"])
    seconds, grown = float(str(message["seconds"])), int(str(message["grown_mib"]))
    if seconds > campaign.timeout_seconds:
        load = "hang"
    elif grown > campaign.growth_mib:
        load = "memory"
    tally.load[load] += 1
    tally.check[check] += 1
    tally.slowest_seconds = max(tally.slowest_seconds, seconds)
    tally.largest_growth_mib = max(tally.largest_growth_mib, grown)
    if load.startswith(("untyped", "hang", "memory")) or check.startswith(("untyped", "memory")):
        tally.failures.append({**begun, **message, "load": load})
