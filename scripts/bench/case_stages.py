"""Where the time of one whole case goes, stage by stage: DICOM files to labels, figures, picture, SEG.

.venv/bin/python -m scripts.bench.case_stages ../shared/data/ct/P001 --repeats 3 --json stages.json
.venv/bin/python -m scripts.bench.case_stages --phantom 600x512x512 --spacing-mm 0.5 --repeats 1

The model is opened once, before the clock runs. Every stage without the stages inside it; medians over the
repeats; the processor's seconds of all threads beside those of the wall. Peak memory is the process's own.
Labels are written beside the drawing of the overview: both stages then count the seconds of both on the
processor, and the wall's seconds of writing pass within those of the overview.
The first repeat also compiles the network for the scan's windows: `--cold` keeps it in the medians.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

from lesionseg.core.provenance import package_versions
from lesionseg.segmentation import NetworkSegmenter, open_segmenter, retries, segmenter
from lesionseg.workflow import case
from lesionseg.workflow.case import segment_case
from lesionseg.workflow.export.case_folder import from_result
from lesionseg.workflow.export.request import ExportSettings
from lesionseg.workflow.export.run import export_results
from lesionseg.workflow.request import CaseRequest

STAGES = (
    (case, "load_scan", "read"),
    (segmenter, "prepare", "prepare"),
    (segmenter, "working_hu", "prepare"),
    (segmenter, "lung_search_box", "search"),
    (retries, "network_logits", "windows"),
    (segmenter, "exclude_airways", "airways"),
    (segmenter, "fill_air_pockets", "pockets"),
    (segmenter, "cut_appendages", "appendages"),
    (segmenter, "restore", "restore"),
    (segmenter, "clean_lungs", "clean"),
    (segmenter, "drop_specks", "specks"),
    (segmenter, "assess", "confidence"),
    (case, "measure", "volumetry"),
    (case, "write_label_map", "write labels"),
    (case, "_draw", "overview"),
    (case, "build_manifest", "manifest"),
)
"""Module, function, stage; what is not listed is ``rest``."""
RESULTS = ("lung_ml", "lesion_proportion_pct", "solid_proportion_pct")


@dataclass
class Trace:
    """Seconds per stage, without the stages inside it."""

    wall: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)
    _own: threading.local = field(default_factory=threading.local)

    @property
    def _inner(self) -> list[list[float]]:
        """Seconds of the stages inside the one that runs, of this thread."""
        if not hasattr(self._own, "inner"):
            self._own.inner = [[0.0, 0.0]]
        inner: list[list[float]] = self._own.inner
        return inner

    def timed(self, function: Any, stage: str) -> Any:
        """Return the function with its own time added to `stage`."""

        @wraps(function)
        def run(*args: Any, **options: Any) -> Any:
            self._inner.append([0.0, 0.0])
            wall, cpu = time.perf_counter(), time.process_time()
            try:
                return function(*args, **options)
            finally:
                spent = time.perf_counter() - wall, time.process_time() - cpu
                inner = self._inner.pop()
                for index, times in enumerate((self.wall, self.cpu)):
                    times[stage] = times.get(stage, 0.0) + spent[index] - inner[index]
                    self._inner[-1][index] += spent[index]

        return run


class TimedRuntime:
    """A runtime whose windows count as the stage ``network``."""

    def __init__(self, inner: Any, trace: Trace) -> None:
        self.description, self.device = inner.description, inner.device
        self.run, self.voxels = trace.timed(inner, "network"), 0

    def __call__(self, window: Any) -> Any:
        self.voxels += window.size
        return self.run(window)


def one_run(source: Path, opened: NetworkSegmenter) -> dict[str, Any]:
    """Run one case into a folder that is thrown away."""
    trace = Trace()
    before = [(module, name, getattr(module, name)) for module, name, _ in STAGES]
    for module, name, stage in STAGES:
        setattr(module, name, trace.timed(getattr(module, name), stage))
    runtime = TimedRuntime(opened.network_runtime, trace)
    timed = NetworkSegmenter(opened.bundle, runtime, opened.flips)
    try:
        with tempfile.TemporaryDirectory() as folder:
            whole = trace.timed(_whole_case, "rest")
            wall, cpu = time.perf_counter(), time.process_time()
            measured = whole(source, Path(folder) / "case", timed, trace)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    finally:
        for module, name, function in before:
            setattr(module, name, function)
    return {"wall_s": wall, "cpu_s": cpu, "wall": trace.wall, "cpu": trace.cpu,
            "network_voxels": runtime.voxels, **measured}  # fmt: skip


def _whole_case(source: Path, out: Path, timed: NetworkSegmenter, trace: Trace) -> dict[str, Any]:
    result = segment_case(CaseRequest(source, out), timed)
    if result.series is not None:
        settings = ExportSettings(formats=("seg",))
        trace.timed(export_results, "SEG")(from_result(result), out / "export", settings=settings)
    row = result.measurements.as_row()
    return {key: row[key] for key in RESULTS if key in row}


def write_phantom(shape: tuple[int, int, int], spacing_mm: float, folder: Path) -> None:
    """Write the phantom in a process of its own, whose memory must not count."""
    code = (
        "import sys; from pathlib import Path; from scripts.bench.one_case import phantom_scan; "
        "from lesionseg.dicom.write import WriterSettings, write_ct_series; "
        f"write_ct_series(phantom_scan({shape[0]}, {shape[1]}, {spacing_mm}), Path(sys.argv[1]), "
        "settings=WriterSettings())"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True)


def report(runs: list[dict[str, Any]], opened: NetworkSegmenter, opening_s: float) -> dict[str, Any]:
    """Medians over the runs."""

    def medians(key: str) -> dict[str, float]:
        return {stage: round(statistics.median(run[key].get(stage, 0.0) for run in runs), 3)
                for stage in runs[0][key]}  # fmt: skip

    known = {key: runs[-1][key] for key in runs[-1] if key not in ("wall_s", "cpu_s", "wall", "cpu")}
    return {
        "bundle": opened.bundle_name,
        "runtime": opened.runtime,
        "cpus": len(os.sched_getaffinity(0)),
        "load_average": os.getloadavg(),
        "versions": package_versions(("lesionseg", "numpy", "torch", "openvino")),
        "runs": len(runs),
        "open_s": round(opening_s, 2),
        "case_wall_s": round(statistics.median(run["wall_s"] for run in runs), 2),
        "case_cpu_s": round(statistics.median(run["cpu_s"] for run in runs), 2),
        "peak_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        **known,
        "stages_wall_s": medians("wall"),
        "stages_cpu_s": medians("cpu"),
    }


def main() -> int:
    """Parse, run, print, write JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path, nargs="?", help="DICOM folder or volume file")
    parser.add_argument("--phantom", type=_shape, help="slices x rows x columns, in place of a source")
    parser.add_argument("--spacing-mm", type=float, default=0.5, help="of the phantom's slices")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--model", help="bundle; the default one if left out")
    parser.add_argument("--cold", action="store_true", help="no run before the clock starts")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if (options.source is None) == (options.phantom is None):
        parser.error("give a source or --phantom")
    with tempfile.TemporaryDirectory() as folder:
        source = options.source or Path(folder) / "scan"
        if options.phantom:
            write_phantom(options.phantom, options.spacing_mm, source)
        start = time.perf_counter()
        opened = open_segmenter(options.model, device="cpu", threads=options.threads)
        opening_s = time.perf_counter() - start
        runs = [one_run(source, opened) for _ in range(options.repeats + (not options.cold))]
    found = {"source": options.source.name if options.source else str(options.phantom)} | report(
        runs if options.cold else runs[1:], opened, opening_s
    )
    print(json.dumps(found, indent=2))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


def _shape(text: str) -> tuple[int, int, int]:
    slices, rows, columns = map(int, text.split("x"))
    return slices, rows, columns


if __name__ == "__main__":
    sys.exit(main())
