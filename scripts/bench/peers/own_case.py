"""Time lesionseg's whole case on one DICOM series; run by segmentation.py.

PYTHON -m scripts.bench.peers.own_case SCAN [--repeats N] [--threads N]

From DICOM files to label map, DICOM SEG, measurements and overview, as `lesionseg segment --export seg` does
it, with the model loaded and compiled: one case runs before the clock starts. Medians of the repeats.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from lesionseg.segmentation import Segmenter, open_segmenter
from lesionseg.workflow.case import segment_case
from lesionseg.workflow.export.case_folder import from_result
from lesionseg.workflow.export.request import ExportSettings
from lesionseg.workflow.export.run import export_results
from lesionseg.workflow.request import CaseRequest
from scripts.bench.peers.machine import Spent, peak_gib, versions


def whole_case(scan: Path, segmenter: Segmenter) -> Spent:
    """Run one case into a folder that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        start = Spent.now()
        result = segment_case(CaseRequest(scan, Path(folder) / "case"), segmenter)
        export_results(
            from_result(result), Path(folder) / "export", settings=ExportSettings(formats=("seg",))
        )
        return start.since()


def run(scan: Path, repeats: int, threads: int | None) -> dict[str, Any]:
    segmenter = open_segmenter(device="cpu", threads=threads)
    spent = [whole_case(scan, segmenter) for _ in range(repeats + 1)][1:]
    return {
        "runtime": segmenter.runtime,
        "bundle": segmenter.bundle_name,
        "whole_s": statistics.median(one.wall_s for one in spent),
        "whole_cpu_s": statistics.median(one.cpu_s for one in spent),
        "peak_gib": peak_gib(),
        "versions": versions("lesionseg", "torch", "openvino"),
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scan", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    print(json.dumps(run(options.scan, options.repeats, options.threads)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
