"""Throughput of a batch on Ray with one and with two workers of one core, against the local engine.

.venv/bin/python -m scripts.bench.ray_scaling --scans 24 --json scaling.json

All runs measure the same phantom scans, one run after the other, with the network of the shipped bundle
unless options after -- say otherwise. Throughput is counted from the first scan done to the last, so that
neither Ray's start nor that of the network is in it. To hold a worker to its one core it has one scan in
memory at a time; overlapped runs have three, and decode and draw beside the network on whatever core is free,
as the local engine does. The outputs of all runs are compared too.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from scripts.bench.batch_scans import BatchProcess, fingerprint, write_scans

ONE_CORE = ("--device", "cpu", "--threads", "1")
RAY = (*ONE_CORE, "--engine", "ray", "--cpus-per-worker", "1")
ALONE = ("--in-memory", "1")
RUNS = {
    "local": ONE_CORE,
    "local_alone": (*ONE_CORE, *ALONE),
    "ray_1_worker": (*RAY, *ALONE, "--workers", "1"),
    "ray_2_workers": (*RAY, *ALONE, "--workers", "2"),
    "ray_1_worker_overlapped": (*RAY, "--workers", "1"),
    "ray_2_workers_overlapped": (*RAY, "--workers", "2"),
}


@dataclass(frozen=True)
class Timed:
    """One run."""

    scans_per_minute: float
    whole_seconds: float
    files: dict[str, str]


def main() -> int:
    """Run all, compare, print figures as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scans", type=int, default=24)
    parser.add_argument("--shape", type=int, nargs=3, default=(80, 192, 192))
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("options", nargs="*", help="passed on to lesionseg batch, after --")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scans = Path(folder) / "scans"
        write_scans(scans, arguments.scans, tuple(arguments.shape))
        runs = {
            name: _timed(scans, Path(folder) / name, (*options, *arguments.options))
            for name, options in RUNS.items()
        }
    found = {"scans": arguments.scans, "shape": list(arguments.shape), **_figures(runs)}
    text = json.dumps(found, indent=2)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n", encoding="utf-8")
    return 0 if found["same_bytes"] else 1


def _timed(scans: Path, out: Path, options: tuple[str, ...]) -> Timed:
    batch = BatchProcess(scans, out, options)
    start = time.perf_counter()
    code = batch.start().wait()
    whole = time.perf_counter() - start
    if code:
        raise SystemExit(f"{out.name}: exit code {code}: {batch.events[-1:]}")
    while not batch.count("finished"):  # its last lines are still being read
        time.sleep(0.01)
    done = [_moment(said) for said in batch.events if said["event"] == "done"]
    seconds = (done[-1] - done[0]).total_seconds()
    return Timed(60 * (len(done) - 1) / seconds, whole, fingerprint(out))


def _moment(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["at"])


def _figures(runs: dict[str, Timed]) -> dict[str, Any]:
    speed = {name: run.scans_per_minute for name, run in runs.items()}

    def ratio(one: str, other: str) -> float:
        return round(speed[one] / speed[other], 2)

    first = next(iter(runs.values())).files
    return {
        "scans_per_minute": {name: round(value, 2) for name, value in speed.items()},
        "whole_seconds": {name: round(run.whole_seconds, 1) for name, run in runs.items()},
        "speedup_1_to_2_workers": ratio("ray_2_workers", "ray_1_worker"),
        "speedup_1_to_2_workers_overlapped": ratio("ray_2_workers_overlapped", "ray_1_worker_overlapped"),
        "ray_1_worker_against_local_alone": ratio("ray_1_worker", "local_alone"),
        "ray_1_worker_overlapped_against_local": ratio("ray_1_worker_overlapped", "local"),
        "ray_2_workers_overlapped_against_local": ratio("ray_2_workers_overlapped", "local"),
        "same_bytes": all(run.files == first for run in runs.values()),
    }


if __name__ == "__main__":
    sys.exit(main())
