"""Memory of a batch over many scans, and its throughput against a plain loop over `segment_case`.

.venv/bin/python -m scripts.bench.batch_memory --scans 300 --bundle quick --loop-scans 60 --json memory.json
.venv/bin/python -m scripts.bench.batch_memory --scans 24 --shape 80 192 192 --json throughput.json

The first shows that memory does not grow with the scans, with a tiny network, so that it ends in minutes. The
second compares throughput with the network of the shipped bundle, which takes most of the time there.

The loop is one process as the batch is, with the same model, device, threads and settings, and writes the
same case folders, which is compared. Throughput is counted from the first scan done to the last, so that
starting Python and opening the network, once each, is in neither.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from scripts.bench.batch_scans import (
    BUNDLES,
    DATE,
    BatchProcess,
    bundle_options,
    fingerprint,
    tell,
    write_scans,
)

_SAMPLE_SECONDS = 0.25
_LOOP = """
import sys, time
from pathlib import Path
from lesionseg.workflow.case import segment_case
from lesionseg.workflow.request import CaseRequest, CaseSettings, SegmenterSettings
from lesionseg.workflow.segmenting import DeferredSegmenter
scans, out, date, count, *model = sys.argv[1:]
settings = CaseSettings(segmenter=SegmenterSettings(model[1] if model else None))
segmenter = DeferredSegmenter.from_settings(settings.segmenter)
for scan in sorted(Path(scans).iterdir())[: int(count)]:
    name = f"{scan.name}_{date}"
    segment_case(CaseRequest(scan, Path(out) / name, label=name), segmenter, settings=settings)
    print(time.time(), flush=True)
"""


def main() -> int:
    """Run both, sample the batch's memory, print figures as JSON."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        scans, out, plain = (Path(folder) / name for name in ("scans", "out", "plain"))
        write_scans(scans, arguments.scans, tuple(arguments.shape))
        model = bundle_options(arguments.bundle, Path(folder))
        batch = BatchProcess(scans, out, (*model, *arguments.options))
        start = time.perf_counter()
        samples, code = _sampled(batch)
        batch_seconds = time.perf_counter() - start
        found = {
            "scans": arguments.scans,
            "shape": list(arguments.shape),
            "bundle": arguments.bundle,
            "exit_code": code,
            **_figures(samples),
            "batch_seconds": round(batch_seconds, 1),
        }
        if arguments.loop_scans:
            moments, seconds = _looped(scans, plain, arguments.loop_scans, model)
            found |= _compared(batch, moments, seconds) | _same(out / "cases", plain)
    tell(found, arguments.json)
    if arguments.figure:
        draw(found, arguments.figure)
    return code or int(not found.get("same_case_files", True))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scans", type=int, default=300)
    parser.add_argument("--shape", type=int, nargs=3, default=(40, 96, 96))
    parser.add_argument("--bundle", default="default", help=BUNDLES)
    parser.add_argument("--loop-scans", type=int, help="scans of the plain loop; all by default, 0: no loop")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--figure", type=Path, help="draw memory against scans there")
    parser.add_argument("options", nargs="*", help="passed on to lesionseg batch, after --")
    arguments = parser.parse_args()
    if arguments.loop_scans is None:
        arguments.loop_scans = arguments.scans
    return arguments


def _sampled(batch: BatchProcess) -> tuple[list[tuple[int, float]], int]:
    """Return scans done and resident MiB, again and again until the batch has ended."""
    process, samples = batch.start(), []
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            samples.append((batch.count("done"), watched.memory_info().rss / 2**20))
        except psutil.NoSuchProcess:
            break
        time.sleep(_SAMPLE_SECONDS)
    return samples, process.wait()


def _figures(samples: list[tuple[int, float]]) -> dict[str, object]:
    """Say the peak, the peak of each tenth of the scans, and the slope over the latter nine tenths."""
    done, mib = (np.array(column) for column in zip(*samples, strict=True))
    edges = np.linspace(0, done.max(), 11)
    tenths = [mib[(done >= low) & (done <= high)] for low, high in pairwise(edges)]
    late = done > done.max() / 10
    slope = np.polyfit(done[late], mib[late], 1)[0] if len(set(done[late])) > 1 else 0.0
    return {
        "peak_mib": round(float(mib.max())),
        "peak_mib_by_tenths": [round(float(part.max())) if part.size else None for part in tenths],
        "growth_mib_per_scan": round(float(slope), 3),
        "peak_mib_while_done": {
            str(int(count)): round(float(mib[done == count].max())) for count in np.unique(done)
        },
    }


def draw(found: dict[str, Any], path: Path) -> None:
    """Draw the process's memory against the scans done."""
    from matplotlib.figure import Figure

    counts = [int(count) for count in found["peak_mib_while_done"]]
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(counts, list(found["peak_mib_while_done"].values()), color="#1f5a8a", linewidth=1)
    axes.set(xlabel="scans done", ylabel="resident memory, MiB", ylim=(0, None), xlim=(0, max(counts)))
    shape = " x ".join(map(str, found["shape"]))
    axes.set_title(f"One batch of {found['scans']} scans of {shape} voxels", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


def _looped(scans: Path, out: Path, count: int, model: Sequence[str]) -> tuple[list[float], float]:
    """Return when each scan of the loop was done, and the seconds of its process."""
    start = time.perf_counter()
    command = [sys.executable, "-c", _LOOP, str(scans), str(out), DATE, str(count), *model]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [float(line) for line in said.splitlines()], time.perf_counter() - start


def _compared(batch: BatchProcess, moments: list[float], seconds: float) -> dict[str, object]:
    while not batch.count("finished"):  # its last lines are still being read
        time.sleep(0.01)
    done = [
        datetime.fromisoformat(said["at"]).timestamp() for said in batch.events if said["event"] == "done"
    ]
    of_batch, of_loop = _scans_per_minute(done), _scans_per_minute(moments)
    return {
        "loop_scans": len(moments),
        "loop_seconds": round(seconds, 1),
        "process_starts": {"batch": 1, "loop": 1},
        "counted": "from the first scan done to the last",
        "batch_scans_per_minute": round(of_batch, 2),
        "loop_scans_per_minute": round(of_loop, 2),
        "throughput_ratio": round(of_batch / of_loop, 2) if of_loop else None,
    }


def _scans_per_minute(moments: list[float]) -> float:
    return 60 * (len(moments) - 1) / (moments[-1] - moments[0]) if len(moments) > 1 else 0.0


def _same(cases: Path, plain: Path) -> dict[str, object]:
    """Compare the files of the loop's cases with those of the batch."""
    found, wanted = fingerprint(cases), fingerprint(plain)
    other = [place for place in wanted if found.get(place) != wanted[place]]
    return {"same_case_files": not other, "different": other[:10]}


if __name__ == "__main__":
    sys.exit(main())
