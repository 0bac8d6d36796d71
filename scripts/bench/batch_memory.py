"""Memory of a batch over many scans, and its throughput against a plain loop over `segment_case`.

.venv/bin/python -m scripts.bench.batch_memory --scans 300
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import psutil

from scripts.bench.batch_scans import BatchProcess, write_scans

_SAMPLE_SECONDS = 0.25
_LOOP = """
import sys, time
from pathlib import Path
from lesionseg.workflow.case import segment_case
from lesionseg.workflow.request import CaseRequest
from lesionseg.workflow.segmenting import DeferredSegmenter
from lesionseg.workflow.request import SegmenterSettings
scans, out = Path(sys.argv[1]), Path(sys.argv[2])
segmenter = DeferredSegmenter.from_settings(SegmenterSettings())
for scan in sorted(scans.iterdir()):
    segment_case(CaseRequest(scan, out / scan.name), segmenter)
"""


def main() -> int:
    """Run both, sample the batch's memory, print figures as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scans", type=int, default=300)
    parser.add_argument("--shape", type=int, nargs=3, default=(40, 96, 96))
    parser.add_argument("--no-loop", action="store_true", help="leave the plain loop out")
    parser.add_argument("options", nargs="*", help="passed on to lesionseg batch, after --")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scans, out, plain = (Path(folder) / name for name in ("scans", "out", "plain"))
        write_scans(scans, arguments.scans, tuple(arguments.shape))
        batch = BatchProcess(scans, out, tuple(arguments.options))
        start = time.perf_counter()
        samples, code = _sampled(batch)
        batch_seconds = time.perf_counter() - start
        found = {"scans": arguments.scans, "shape": arguments.shape, "exit_code": code, **_figures(samples)}
        found["batch_seconds"] = round(batch_seconds, 1)
        if not arguments.no_loop:
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", _LOOP, str(scans), str(plain)], check=True)
            found["loop_seconds"] = round(time.perf_counter() - start, 1)
            found["throughput_ratio"] = round(found["loop_seconds"] / batch_seconds, 2)
    print(json.dumps(found, indent=2))
    return code


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
    }


if __name__ == "__main__":
    sys.exit(main())
