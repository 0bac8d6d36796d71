"""lesionseg's loader against other readers and the floor, on four encodings of one series; JSON out.

scripts/bench/peers/install.sh
.venv/bin/python -m scripts.bench.peers.loaders --json loaders.json
.venv/bin/python -m scripts.bench.peers.loaders --slices 20 --matrix 128 --repeats 1 --damaged 20

Each reader runs in a process of its own; the first reading warms the files' cache and is checked against
the truth, the median of the repeats is the figure. Then all readers read the same damaged series; one that
takes over a minute counts as hung. A reader is a peer to beat where its geometry and values are right and no
damaged file ended its process. The verdict: lesionseg at least as fast as the fastest such peer in every
encoding, within 2 x of reading and converting the same bytes on uncompressed files, and neither dead nor hung
on any damaged file. Exit code 1 where it does not hold.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from scripts.bench.peers.fingerprint import Fingerprint
from scripts.bench.peers.machine import machine
from scripts.bench.peers.readers import FLOOR_CONVERT, FLOORS, OWN, TIMED_READERS
from scripts.bench.peers.series import TimedSeries, make_series
from scripts.bench.peers.survival import CRASH, HANG, ROOT, survival_table

UNCOMPRESSED = "uncompressed"
LARGEST_RATIO_TO_FLOOR = 2.0
_OUTPUT = ROOT / "bench-output"
_LIMIT_SECONDS = 3600


def main() -> int:
    options = _options()
    report: dict[str, Any] = {
        "machine": machine(),
        "slices": options.slices,
        "matrix": options.matrix,
        "repeats": options.repeats,
        "damaged_series": options.damaged,
    }
    series = make_series(options.work, options.slices, options.matrix)
    report["megabytes"] = {one.encoding: round(one.megabytes, 1) for one in series}
    names = [name for name in TIMED_READERS if options.readers is None or name in (*options.readers, OWN)]
    report["versions"], report["rows"] = _time_all(series, (*FLOORS, *names), options)
    if options.damaged:
        report["survival"] = survival_table(str(options.peer_python), options.damaged, tuple(names))
    report["verdicts"] = verdicts(report["rows"], report.get("survival", {}))
    print_tables(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    own = report.get("survival", {}).get(OWN, {})
    survived = not own.get(CRASH) and not own.get(HANG)
    return int(not survived or not all(verdict["holds"] for verdict in report["verdicts"]))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--matrix", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--damaged", type=int, default=200, help="damaged series; 0 leaves that part out")
    parser.add_argument("--readers", nargs="*", help="only these, and lesionseg")
    parser.add_argument("--work", type=Path, default=_OUTPUT / "series", help="where the series are kept")
    parser.add_argument("--peer-python", type=Path, default=_OUTPUT / "peers" / "bin" / "python")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if not options.peer_python.exists():
        parser.error(f"no peers at {options.peer_python}; run scripts/bench/peers/install.sh")
    return options


def _time_all(
    series: list[TimedSeries], names: tuple[str, ...], options: argparse.Namespace
) -> tuple[dict[str, str], list[dict[str, Any]]]:
    folders = {str(one.folder): one for one in series}
    versions, rows = {}, []
    for name in names:
        python = sys.executable if name == OWN or name in FLOORS else str(options.peer_python)
        wanted = {folder: one for folder, one in folders.items() if _applies(name, one)}
        found = _run(name, python, options.repeats, list(wanted))
        for folder, one in wanted.items():
            result = found.get(folder, {"error": "the reader's process died"})
            version = result.pop("version", "")
            if version and name not in FLOORS:
                versions[TIMED_READERS[name][1]] = version
            rows.append({"reader": name, "encoding": one.encoding, **_judged(name, result, one.truth)})
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return versions, rows


def _applies(name: str, series: TimedSeries) -> bool:
    return name != FLOOR_CONVERT or series.encoding == UNCOMPRESSED


def _run(name: str, python: str, repeats: int, folders: list[str]) -> dict[str, dict[str, Any]]:
    done = subprocess.run(
        [python, "-m", "scripts.bench.peers.read_times", name, str(repeats), *folders],
        stdout=subprocess.PIPE, text=True, cwd=ROOT, check=False, timeout=_LIMIT_SECONDS,
    )  # fmt: skip
    results = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {result.pop("folder"): result for result in results}


def _judged(name: str, result: dict[str, Any], truth: Fingerprint) -> dict[str, Any]:
    """Say what is wrong with a reading; of several volumes the best one counts."""
    read_as = result.pop("read_as", [])
    if "error" in result or name in FLOORS:
        return result
    faults = [Fingerprint.from_json(one).fault(truth) for one in read_as] or ["no volume came out"]
    return {**result, "fault": min(faults, key=len)}


def verdicts(rows: list[dict[str, Any]], survival: dict[str, dict[str, int]]) -> list[dict[str, Any]]:
    """Compare lesionseg with the fastest fit peer in each encoding, and with the floor."""
    judged = []
    for encoding in dict.fromkeys(row["encoding"] for row in rows):
        timed = {row["reader"]: row for row in rows if row["encoding"] == encoding and "wall_s" in row}
        if OWN not in timed:
            judged.append({"encoding": encoding, "against": "", "seconds_ratio": None, "holds": False})
            continue
        own, right = timed[OWN]["wall_s"], not timed[OWN]["fault"]
        fit = [name for name in timed if name not in (*FLOORS, OWN) and _is_fit(timed[name], survival)]
        if fit:
            fastest = min(fit, key=lambda name: timed[name]["wall_s"])
            ratio = own / timed[fastest]["wall_s"]
            judged.append(_verdict(encoding, fastest, ratio, 1.0, right=right))
        if encoding == UNCOMPRESSED:
            ratio = own / timed[FLOOR_CONVERT]["wall_s"]
            judged.append(_verdict(encoding, FLOOR_CONVERT, ratio, LARGEST_RATIO_TO_FLOOR, right=right))
    return judged


def _is_fit(row: dict[str, Any], survival: dict[str, dict[str, int]]) -> bool:
    return not row["fault"] and not survival.get(row["reader"], {}).get(CRASH)


def _verdict(encoding: str, against: str, ratio: float, limit: float, *, right: bool) -> dict[str, Any]:
    return {
        "encoding": encoding,
        "against": against,
        "seconds_ratio": round(ratio, 3),
        "limit": limit,
        "holds": right and ratio <= limit,
    }


def print_tables(report: dict[str, Any]) -> None:
    print("| reader | encoding | s | CPU s | peak GiB | fault |\n|---|---|---:|---:|---:|---|")
    for row in report["rows"]:
        figures = [str(row.get(key, "")) for key in ("wall_s", "cpu_s", "peak_gib")]
        fault = row.get("error") or row.get("fault", "")
        print(f"| {row['reader']} | {row['encoding']} | {' | '.join(figures)} | {fault} |")
    for name, counts in report.get("survival", {}).items():
        print(f"{name}: {counts}")
    for verdict in report["verdicts"]:
        print(verdict)


if __name__ == "__main__":
    sys.exit(main())
