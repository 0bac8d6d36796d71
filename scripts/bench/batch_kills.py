"""A batch killed with SIGKILL at random moments: each case done once, with the bytes of an undisturbed run?

.venv/bin/python -m scripts.bench.batch_kills --scans 60 --kills 20 --json kills.json

Scans are small and the network is a tiny one, which the figures say: what is tried here is not the network.
Equal are folders with the same files of the same bytes, but for the ledger and the key `times` of manifests.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from lesionseg.batch.ledger import Ledger
from lesionseg.batch.records import State
from lesionseg.batch.request import LEDGER
from scripts.bench.batch_scans import (
    BUNDLES,
    BatchProcess,
    bundle_options,
    fingerprint,
    tell,
    write_scans,
)

_GRACE_SECONDS = 600.0


def main() -> int:
    """Run the batch undisturbed, then killed again and again; print what was found as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scans", type=int, default=60)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--shape", type=int, nargs=3, default=(24, 64, 64))
    parser.add_argument("--bundle", default="quick", help=BUNDLES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("options", nargs="*", help="passed on to lesionseg batch, after --")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scans, whole, killed = (Path(folder) / name for name in ("scans", "whole", "killed"))
        write_scans(scans, arguments.scans, tuple(arguments.shape))
        options = (*bundle_options(arguments.bundle, Path(folder)), *arguments.options)
        start = time.perf_counter()
        undisturbed = BatchProcess(scans, whole, options).start().wait()
        seconds = time.perf_counter() - start
        batch = BatchProcess(scans, killed, options)
        moments, failures = _kill(
            batch,
            arguments.kills,
            arguments.scans,
            random.Random(arguments.seed),  # noqa: S311
        )
        last = batch.start().wait()
        whole_seconds = time.perf_counter() - start
        found = _judged(killed, whole, arguments.scans)
    found = {
        "scans": arguments.scans,
        "shape": list(arguments.shape),
        "bundle": arguments.bundle,
        "kills": len(moments),
        "killed_in": Counter(moments),
        "failed_before_a_kill": failures,
        "exit_codes": [undisturbed, last],
        "whole_seconds": round(whole_seconds, 1),
        "undisturbed_seconds": round(seconds, 1),
        **found,
    }
    tell(found, arguments.json)
    return 0 if found["each_done_once"] and found["same_bytes"] else 1


def _kill(
    batch: BatchProcess, kills: int, scans: int, chance: random.Random
) -> tuple[list[str], list[dict[str, Any]]]:
    """Kill once the process has gone through a random number of stages and a moment more.

    Returns
    -------
    list of str
        What the process said last before each kill.
    list of dict
        What it said of cases that failed.
    """
    moments, failures = [], []
    share = 4 * scans // (kills + 1) or 1
    for _ in range(kills):
        process = batch.start()
        goal, last = chance.randint(0, 2 * share), time.monotonic() + _GRACE_SECONDS
        while batch.count("stage") < goal and process.poll() is None and time.monotonic() < last:
            time.sleep(0.005)
        time.sleep(chance.uniform(0.0, 0.5))
        said = batch.events[-1] if batch.events else {"event": "nothing yet"}
        moments.append("ended" if process.poll() is not None else said.get("stage", said["event"]))
        process.kill()
        process.wait()
        failures += [event for event in batch.events if event["event"] == "failed"]
    return moments, failures


def _judged(killed: Path, whole: Path, scans: int) -> dict[str, object]:
    with Ledger(killed / LEDGER) as ledger:
        done = Counter(line.case_id for line in ledger.history() if line.state is State.DONE)
        records = ledger.records()
    found, wanted = fingerprint(killed), fingerprint(whole)
    other = [place for place in {**found, **wanted} if found.get(place) != wanted.get(place)]
    return {
        "each_done_once": len(records) == scans and all(done[record.case_id] == 1 for record in records),
        "files": len(wanted),
        "same_bytes": not other,
        "different": other[:10],
    }


if __name__ == "__main__":
    sys.exit(main())
