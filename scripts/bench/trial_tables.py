"""Seconds and memory of `analyze` by number of patients: an invented trial of six visits, tables only.

    python scripts/bench/trial_tables.py [--patients 1000 10000] [--visits 6] [--sensitivity]

The changes come from `change`, in a process of its own; each size of `analyze` runs in its own process, whose
peak memory is told, libraries included. Endpoints: whole lesion (relative and absolute)
and solid component at day 28, with strata, two covariates and a responder bound. `--sensitivity` adds the
worst case, the tipping point and multiple imputation for each of them.
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
from contextlib import contextmanager
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from scripts.bench.change_tables import DAYS, write_trial

SENSITIVITY = "[worst-case, tipping-point, multiple-imputation]"
STAGES = ("read", "join and compare", "write")


def write_inputs(folder: Path, patients: int, visits: int, *, sensitivity: bool) -> None:
    """Write plan, arms and the changes of an invented trial."""
    write_trial(folder, patients, visits)
    schedule = (folder / "plan.yaml").read_text().split("endpoints:")[0]
    (folder / "plan.yaml").write_text(
        f"{schedule}endpoints:\n"
        "  - {name: lesion, parameter: LESPCT, visit: day 28, role: primary}\n"
        "  - {name: solid, parameter: SOLPCT, visit: day 28}\n"
        "  - {name: points, parameter: LESPCT, visit: day 28, change: absolute}\n"
        "responders: [{name: halved, parameter: LESPCT, visit: day 28, at_most: -50}]\n"
        "covariates: [age, sex]\nstrata: [site]\n"
        f"missing: {{sensitivity: {SENSITIVITY if sensitivity else '[]'}}}\n"
    )
    rng = np.random.default_rng(1)
    with (folder / "arms.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("subject", "arm", "age", "sex", "site"))
        for number in range(patients):
            arm, sex, site = rng.choice(["a", "b"]), rng.choice(["F", "M"]), rng.integers(1, 6)
            writer.writerow((f"P{number:06d}", arm, round(rng.normal(60, 10)), sex, f"site {site}"))


def run_one(folder: Path) -> dict[str, float]:
    """Time one run in this process, stage by stage."""
    from lesionseg.core.plan import read_plan
    from lesionseg.statistics import analyze_trial, read_trial_tables, write_analysis

    seconds: dict[str, float] = {}

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        seconds[name] = time.perf_counter() - start

    plan = read_plan(folder / "plan.yaml")
    with stage("read"):
        tables = read_trial_tables(folder / "changes", folder / "arms.csv", plan)
    with stage("join and compare"):
        analysis = analyze_trial(tables, plan)
    (folder / "out").mkdir()
    with stage("write"):
        write_analysis(analysis, folder / "out")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {**seconds, "cpu": time.process_time(), "rows": len(tables.lesions), "peak_mb": peak_mb}


def make_changes(folder: Path) -> None:
    from lesionseg.longitudinal import ChangeRequest, make_changes

    make_changes(
        ChangeRequest(folder / "scans.csv", folder / "plan.yaml", folder / "changes", folder / "subjects.csv")
    )


def in_own_process(word: str, folder: Path) -> str:
    command = [sys.executable, __file__, word, str(folder)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--patients", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--visits", type=int, default=6, choices=range(3, len(DAYS) + 1))
    parser.add_argument("--sensitivity", action="store_true")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--changes", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(run_one(arguments.one)))
    elif arguments.changes:
        make_changes(arguments.changes)
    else:
        print(f"patients  table rows  {'  '.join(f'{name} s' for name in STAGES)}  CPU s  peak MB")
        for patients in arguments.patients:
            measure(patients, arguments.visits, sensitivity=arguments.sensitivity)


def measure(patients: int, visits: int, *, sensitivity: bool) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_inputs(folder, patients, visits, sensitivity=sensitivity)
        in_own_process("--changes", folder)
        found = json.loads(in_own_process("--one", folder))
    stages = "  ".join(f"{found[name]:{len(name) + 2}.1f}" for name in STAGES)
    print(
        f"{patients:8d}  {found['rows']:10d}  {stages}  {found['cpu']:5.1f}  {found['peak_mb']:7.0f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
