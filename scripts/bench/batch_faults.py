"""A batch that meets damaged scans, a full disk and a read-only one: is anything lost, or not named?

.venv/bin/python -m scripts.bench.batch_faults --scans 60 --json faults.json

- damaged: of every ten scans one is broken, in one of five ways by turns. All others are done with the bytes
  of an undisturbed run, each broken one is a row that names code and patient. Mended, the next run does these
  alone.
- disk_full: the results lie on a small file system that fills up in mid-run. The batch ends and says so; what
  the ledger calls done is whole. With more room the next run does the rest.
- read_only: the file system with finished results is made read-only. The batch is refused before any work and
  changes nothing; writable again, it takes everything over.

A file system in memory is mounted for the latter two, which takes root's rights; without them they are left
out, which the figures say. Scans are small and the network is a tiny one.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lesionseg.batch.ledger import Ledger
from lesionseg.batch.records import State
from lesionseg.batch.request import LEDGER
from lesionseg.batch.wanted import hashes_of
from scripts.bench.batch_scans import (
    BUNDLES,
    BatchProcess,
    bundle_options,
    fingerprint,
    tell,
    write_scans,
)

ONE_IN = 10
_SOME_FAILED = 3
_ROOM_AT_FIRST = 0.4
"""Of what the whole batch takes."""


@dataclass(frozen=True)
class Bench:
    """What all trials share: scans, options, and the folder of an undisturbed run."""

    folder: Path
    scans: Path
    options: tuple[str, ...]
    whole: Path

    def batch(self, out: Path, scans: Path | None = None) -> BatchProcess:
        """Return a batch that is not started."""
        return BatchProcess(scans or self.scans, out, self.options)


def main() -> int:
    """Run all trials; print what was found as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scans", type=int, default=60)
    parser.add_argument("--shape", type=int, nargs=3, default=(24, 64, 64))
    parser.add_argument("--bundle", default="quick", help=BUNDLES)
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_scans(folder / "scans", arguments.scans, tuple(arguments.shape))
        options = bundle_options(arguments.bundle, folder)
        bench = Bench(folder, folder / "scans", options, folder / "whole")
        undisturbed = bench.batch(bench.whole).run()
        trials = {"damaged": damaged(bench), **_on_small_disk(bench)}
    found = {
        "scans": arguments.scans,
        "shape": list(arguments.shape),
        "bundle": arguments.bundle,
        "undisturbed_exit_code": undisturbed,
        **trials,
        "whole_seconds": round(time.perf_counter() - start, 1),
    }
    tell(found, arguments.json)
    good = all(trial.get("good", True) for trial in trials.values())
    return 0 if good and undisturbed == 0 else 1


def damaged(bench: Bench) -> dict[str, Any]:
    """Break one scan in ten, run, mend, run again."""
    scans, out = bench.folder / "damaged scans", bench.folder / "damaged"
    shutil.copytree(bench.scans, scans)
    broken = sorted(scans.iterdir())[ONE_IN // 2 :: ONE_IN]
    for number, scan in enumerate(broken):
        _WAYS[number % len(_WAYS)](sorted(scan.iterdir()))
    batch = bench.batch(out, scans)
    code = batch.run()
    failed = {case["case"]: case for case in batch.output["cases"] if case["state"] == "failed"}
    named = _named(out / "summary.csv", {name: name[:5] for name in failed})
    found, wanted = _cases(out), _cases(bench.whole)
    others = {place: sha256 for place, sha256 in wanted.items() if place.split("/")[0] not in failed}
    for scan in broken:
        shutil.rmtree(scan)
        shutil.copytree(bench.scans / scan.name, scan)
    mended = bench.batch(out, scans)
    mended_code = mended.run()
    trial = {
        "broken": len(broken),
        "exit_codes": [code, mended_code],
        "failed": {name: case["reason"] for name, case in failed.items()},
        "each_failure_names_code_and_patient": named,
        "others_same_bytes": found == others,
        "done_by_the_next_run": mended.count("done"),
        "same_bytes_in_the_end": _cases(out) == wanted,
    }
    good = [code, mended_code] == [_SOME_FAILED, 0] and len(failed) == len(broken) == mended.count("done")
    return {**trial, "good": good and named and found == others and trial["same_bytes_in_the_end"]}


def _named(summary: Path, patients: dict[str, str]) -> bool:
    """Whether each failed case has a row with its patient, a code and a sentence."""
    with summary.open(encoding="utf-8", newline="") as stream:
        rows = {row["case"]: row for row in csv.DictReader(stream)}
    return all(
        rows[case]["patient_id"] == patient and rows[case]["reason"] and rows[case]["reason_text"]
        for case, patient in patients.items()
    )


def disk_full(bench: Bench, disk: Path) -> dict[str, Any]:
    """Let the file system fill up, give it more room, go on."""
    out = disk / "out"
    batch = bench.batch(out)
    code = batch.run()
    error = batch.output.get("error", {})
    done, whole = _done(out)
    _remount(disk, "size=100%")
    again = bench.batch(out)
    again_code = again.run()
    trial = {
        "exit_codes": [code, again_code],
        "error": {name: error.get(name, "") for name in ("code", "found")},
        "done_before": len(done),
        "done_are_whole": whole,
        "done_by_the_next_run": again.count("done"),
        "same_bytes_in_the_end": _cases(out) == _cases(bench.whole),
    }
    scans = len(list(bench.scans.iterdir()))
    good = [code, again_code] == [1, 0] and error.get("code") == "output" and 0 < len(done) < scans
    good = good and whole and again.count("done") == scans - len(done)
    return {**trial, "good": good and trial["same_bytes_in_the_end"]}


def read_only(bench: Bench, disk: Path) -> dict[str, Any]:
    """Make finished results read-only, try, make them writable again; and try a new folder there."""
    out = disk / "out"
    _remount(disk, "ro")
    before = fingerprint(out)
    refused = [bench.batch(folder) for folder in (out, disk / "new")]
    codes = [batch.run() for batch in refused]
    errors = [batch.output.get("error", {}).get("code", "") for batch in refused]
    same = fingerprint(out) == before and not (disk / "new").exists()
    begun = sum(batch.count("stage") for batch in refused)
    _remount(disk, "rw")
    after = bench.batch(out)
    after_code = after.run()
    trial = {
        "exit_codes": [*codes, after_code],
        "errors": errors,
        "stages_begun": begun,
        "nothing_changed": same,
        "taken_over_afterwards": after.count("taken-over"),
    }
    scans = len(list(bench.scans.iterdir()))
    good = trial["exit_codes"] == [1, 1, 0] and errors == ["output", "output"] and not begun and same
    return {**trial, "good": good and after.count("taken-over") == scans}


def _on_small_disk(bench: Bench) -> dict[str, dict[str, Any]]:
    taken = sum(path.stat().st_size for path in bench.whole.rglob("*") if path.is_file())
    size = int(taken * _ROOM_AT_FIRST)
    with _mounted(bench.folder / "disk", size) as disk:
        if disk is None:
            left_out = {"left_out": "no file system may be mounted here"}
            return {"disk_full": left_out, "read_only": left_out}
        return {"disk_full": disk_full(bench, disk), "read_only": read_only(bench, disk)}


@contextmanager
def _mounted(place: Path, size_bytes: int) -> Iterator[Path | None]:
    """Mount a file system in memory; None where that is not allowed."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        yield None
        return
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def _remount(place: Path, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", str(place)], check=True)


def _cases(out: Path) -> dict[str, str]:
    """Hash the files of all cases; where the scans lay, which their manifests say, does not count."""
    return {place: sha256 for place, sha256 in fingerprint(out / "cases").items() if "manifest" not in place}


def _done(out: Path) -> tuple[list[str], bool]:
    """Return what the ledger calls done, and whether just that lies there as it says."""
    with Ledger(out / LEDGER) as ledger:
        records = [record for record in ledger.records() if record.state is State.DONE]
    names = [record.case_id for record in records]
    whole = all(hashes_of(out / "cases" / record.case_id) == record.outputs for record in records)
    there = {path.name for path in (out / "cases").iterdir()}
    return names, whole and there == set(names)


def _cut_short(paths: list[Path]) -> None:
    path = paths[len(paths) // 2]
    path.write_bytes(path.read_bytes()[:-600])


def _one_missing(paths: list[Path]) -> None:
    paths[len(paths) // 2].unlink()


def _one_empty(paths: list[Path]) -> None:
    paths[len(paths) // 2].write_bytes(b"")


def _one_garbled(paths: list[Path]) -> None:
    path = paths[len(paths) // 2]
    content = path.read_bytes()
    path.write_bytes(content[:200] + bytes(400) + content[600:])


def _few_left(paths: list[Path]) -> None:
    for path in paths[2:]:
        path.unlink()


_WAYS: tuple[Callable[[list[Path]], None], ...] = (
    _cut_short,
    _one_missing,
    _one_empty,
    _one_garbled,
    _few_left,
)

if __name__ == "__main__":
    sys.exit(main())
