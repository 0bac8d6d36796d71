"""Feed damaged DICOM files to the loader and count what comes of it.

    .venv/bin/python scripts/fuzz_dicom.py --count 20000
    .venv/bin/python scripts/fuzz_dicom.py --count 2000 --real-data ../shared/data

Each file is one slice of a six-slice series (eight encodings, and one enhanced multi-frame file), damaged
once to three times: bits flipped; bytes overwritten, cut, removed, inserted, repeated or moved; lengths, VRs
and values made extreme. The whole series is then loaded and its folder checked, in a watched process with
limited memory. File N of a seed is always the same one. Ends with exit code 1 if any file gave an untyped
exception, a hang, a crash or ran out of memory.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.fuzz_campaign import Campaign, Tally, run_campaign
from tests.support.mutation import FuzzSource, phantom_sources, real_sources

_REAL_FOLDERS = (
    "ct/P001",
    "ct/cap002",
    "dicom-traps/cip-ct64-series/ct-64Dicom",
)
_REPORT_EVERY = 1000
_SHOWN_FAILURES = 10


def main() -> int:
    arguments = _arguments()
    sources = _sources(arguments.real_data)
    campaign = Campaign(arguments.count, arguments.seed, arguments.timeout, arguments.memory_mib)
    start = time.perf_counter()

    def progress(tally: Tally) -> None:
        if tally.total % _REPORT_EVERY == 0:
            minutes = (time.perf_counter() - start) / 60
            print(f"{tally.total} files, {len(tally.failures)} failures, {minutes:.1f} min", file=sys.stderr)

    tally = run_campaign(sources, campaign, progress)
    _print_tables(tally, time.perf_counter() - start)
    if arguments.failures:
        arguments.failures.write_text(json.dumps(tally.failures, indent=1))
    return 1 if tally.failures else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--timeout", type=float, default=10.0, help="seconds a file may take")
    parser.add_argument("--memory-mib", type=int, default=3072, help="address space of the reading process")
    parser.add_argument("--real-data", type=Path, help="folder of real scans to damage in place of phantoms")
    parser.add_argument("--failures", type=Path, help="write what went wrong as JSON")
    return parser.parse_args()


def _sources(real_data: Path | None) -> list[FuzzSource]:
    if real_data is not None:
        return real_sources([real_data / name for name in _REAL_FOLDERS])
    with tempfile.TemporaryDirectory() as folder:
        return phantom_sources(Path(folder))


def _print_tables(tally: Tally, seconds: float) -> None:
    print(f"{tally.total} files in {seconds:.0f} s")
    print(f"slowest {tally.slowest_seconds:.2f} s, largest growth {tally.largest_growth_mib} MiB")
    for title, counter in (("load_series", tally.load), ("check_folder", tally.check)):
        print(f"\n| {title} | files | % |\n|---|---:|---:|")
        for outcome, count in _grouped(counter).most_common():
            print(f"| {outcome} | {count} | {100 * count / max(1, tally.total):.2f} |")
    print(f"\n{len(tally.failures)} failures")
    for failure in tally.failures[:_SHOWN_FAILURES]:
        print({name: str(value)[-300:] for name, value in failure.items()})


def _grouped(counter: Counter[str]) -> Counter[str]:
    return Counter({outcome[:110]: count for outcome, count in counter.items()})


if __name__ == "__main__":
    sys.exit(main())
