"""Seconds and memory of `change` by number of patients: an invented trial of six visits, tables only.

    python scripts/bench/change_tables.py [--patients 1000 10000] [--visits 6]

Each size runs in its own process; its peak memory is that of the whole process, libraries included.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

DAY_ZERO = date(2020, 4, 1)
DAYS = (0, 10, 28, 60, 90, 180, 270, 365)
FAILED_PART, ABSENT_PART = 0.02, 0.08


def write_trial(folder: Path, patients: int, visits: int) -> None:
    """Write plan, subjects and scans with every column of a measurement."""
    windows = "\n".join(
        f"  - {{name: day {day}, day: {day}, before: 4, after: 4, baseline: {str(day == 0).lower()}}}"
        for day in DAYS[:visits]
    )
    (folder / "plan.yaml").write_text(
        f"trial: {{identifier: BENCH}}\narms: {{treatment: a, control: b}}\nschedule:\n{windows}\n"
        "endpoints:\n  - {name: lesion, parameter: LESPCT, visit: day 28, role: primary}\n"
    )
    names = [f"P{number:06d}" for number in range(patients)]
    with (folder / "subjects.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("subject", "day_zero"), *((name, DAY_ZERO) for name in names)])
    rows = _scans(names, visits)
    first = next(rows)
    with (folder / "scans.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(first))
        writer.writeheader()
        writer.writerow(first)
        writer.writerows(rows)


def _scans(names: list[str], visits: int) -> Iterator[dict[str, Any]]:
    from lesionseg.volumetry import COLUMNS

    rng = np.random.default_rng(20201)
    measured = [name for name in COLUMNS if name not in ("case", "flags", "slice_spacing_mm")]
    for name in names:
        for number, day in enumerate(DAYS[:visits]):
            if number and rng.random() < ABSENT_PART:
                continue
            row: dict[str, Any] = {
                "subject": name,
                "scan_id": f"{name}_{number}",
                "study_date": DAY_ZERO + timedelta(days=day - int(rng.integers(0, 5))),
                "visit_given": "",
                "status": "measured",
                "reason": "",
                "reason_text": "",
                "slice_spacing_mm": float(rng.choice([1.0, 1.25, 5.0])),
                "kernel": str(rng.choice(["B30f", "B60f"])),
                "contrast": "N",
                "manufacturer": "Acme",
                "model": "One",
                "flags": str(rng.choice(["", "sharp-kernel", "cut-off-bottom thick-slices"])),
                **dict.fromkeys(measured, ""),
            }
            if number and rng.random() < FAILED_PART:
                yield {**row, "status": "failed", "reason": "slices-missing"}
            else:
                yield {**row, **_figures(rng, measured)}


def _figures(rng: np.random.Generator, measured: list[str]) -> dict[str, Any]:
    """Fill every column; those that change reads belong together."""
    lung_ml = rng.normal(4500, 600)
    lesion_ml = rng.uniform(0.02, 0.4) * lung_ml
    solid_ml = rng.uniform(0, 0.5) * lesion_ml
    row: dict[str, Any] = dict(zip(measured, rng.uniform(0, 100, len(measured)).tolist(), strict=True))
    for region in ("", "right_", "left_"):
        share = 0.5 if region else 1.0
        row |= {
            f"{region}lung_ml": share * lung_ml,
            f"{region}lesion_ml": share * lesion_ml,
            f"{region}solid_ml": share * solid_ml,
            f"{region}non_solid_ml": share * (lesion_ml - solid_ml),
            f"{region}lesion_proportion_pct": 100 * lesion_ml / lung_ml,
            f"{region}solid_proportion_pct": 100 * solid_ml / lung_ml,
        }
    return {**row, "lung_mean_hu": -700.0, "lesion_mean_hu": -350.0, "missing": "", "worst_flag": "none"}


def run_one(folder: Path) -> dict[str, float]:
    """Time one run in this process."""
    start = time.perf_counter()
    from lesionseg.longitudinal import ChangeRequest, make_changes

    imported, imported_cpu = time.perf_counter(), time.process_time()
    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    make_changes(
        ChangeRequest(
            folder / "scans.csv",
            folder / "plan.yaml",
            folder / "out",
            folder / "subjects.csv",
            overwrite=True,
        )
    )
    return {
        "import_s": imported - start,
        "change_s": time.perf_counter() - imported,
        "cpu_s": time.process_time() - imported_cpu,
        "imported_mb": before_mb,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--patients", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--visits", type=int, default=6, choices=range(2, len(DAYS) + 1))
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(run_one(arguments.one)))
        return
    print("patients  visits  scans.csv MB  import s  change s   CPU s  MB after import  peak MB  output MB")
    for patients in arguments.patients:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            write_trial(folder, patients, arguments.visits)
            done = subprocess.run(
                [sys.executable, __file__, "--one", place], capture_output=True, text=True, check=True
            )
            figures = json.loads(done.stdout)
            sizes = [(folder / "scans.csv").stat().st_size]
            sizes.append(sum(path.stat().st_size for path in (folder / "out").iterdir()))
            print(
                f"{patients:8d}  {arguments.visits:6d}  {sizes[0] / 1e6:12.1f}  {figures['import_s']:8.1f}  "
                f"{figures['change_s']:8.1f}  {figures['cpu_s']:6.1f}  {figures['imported_mb']:15.0f}  "
                f"{figures['peak_mb']:7.0f}  {sizes[1] / 1e6:9.1f}"
            )


if __name__ == "__main__":
    main()
