"""Which reader reads 25 broken or odd CT series right, which refuses, which is wrong and by how much.

    PEERS=$(scripts/bench/peers/install.sh)
    .venv/bin/python scripts/bench/reader_table.py --peer-python $PEERS --json readers.json
    .venv/bin/python scripts/bench/reader_table.py --peer-python $PEERS --real-data ../shared/data

How fast they are is for `scripts/bench/peers/loaders.py` to say.

A reading is *right* where array and affine equal the truth, whatever the order of its axes; voxels of padding
may be left as stored or set to air. Where a reader gives several volumes the best one counts. Everything else
that is not refused is *wrong*; the figure is the error of the lung phantom's volume.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from scripts.bench.peer_readers import READERS
from tests.support.broken_series import LISTED_CASES
from tests.support.compare import Difference, Truth, difference
from tests.support.ct_series import write_series

_ROOT = Path(__file__).parents[2]
_OWN = "lesionseg"
_REAL_FOLDERS = ("ct/P001", "ct/cap002")
_REAL_PEERS = ("SimpleITK", "highdicom")
_LIMIT_SECONDS = 1800


@dataclass(frozen=True)
class Outcome:
    """What one reader made of one series."""

    series: str
    intact: bool
    reader: str
    verdict: str  # right, refused, wrong
    detail: str
    lung_volume_error_pct: float | None = None

    @property
    def cell(self) -> str:
        if self.verdict != "wrong":
            return self.verdict if self.verdict == "right" or not self.intact else "**refused**"
        return f"**wrong** {self.lung_volume_error_pct:+.1f} %"


def main() -> int:
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="lesionseg-readers-") as name:
        if arguments.real_data:
            return _compare_real(Path(name), arguments.real_data, arguments.peer_python)
        outcomes, versions = _compare_listed(Path(name), arguments.peer_python)
    _print_table(outcomes, versions)
    if arguments.json:
        rows = [asdict(outcome) for outcome in outcomes]
        arguments.json.write_text(json.dumps({"versions": versions, "outcomes": rows}, indent=1))
    own = [outcome for outcome in outcomes if outcome.reader == _OWN]
    return int(any(outcome.verdict == "wrong" or "**" in outcome.cell for outcome in own))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer-python", default=sys.executable, help="Python that has the peers installed")
    parser.add_argument("--json", type=Path, help="write every outcome in full")
    parser.add_argument("--real-data", type=Path, help="compare on real intact scans instead")
    return parser.parse_args()


def _compare_listed(folder: Path, peer_python: str) -> tuple[list[Outcome], dict[str, str]]:
    good = write_series(folder / "good")
    truths = {}
    for number, case in enumerate(LISTED_CASES):
        truths[number] = case.make(good, folder / f"series{number}")
    outcomes, versions = [], {}
    for reader in READERS:
        targets = {number: folder / f"{reader}-{number}.npz" for number in truths}
        work = [(folder / f"series{number}", target) for number, target in targets.items()]
        versions[reader] = _run(reader, work, folder, peer_python)
        for number, case in enumerate(LISTED_CASES):
            verdict, detail, error_pct = _judge(targets[number], truths[number])
            outcomes.append(Outcome(case.name, case.intact, reader, verdict, detail, error_pct))
    return outcomes, versions


def _run(reader: str, work: list[tuple[Path, Path]], folder: Path, peer_python: str) -> str:
    """Read the folders in a process of their own; returns the reader's version."""
    listing = folder / f"{reader}.json"
    listing.write_text(json.dumps([[str(source), str(target)] for source, target in work]))
    python = sys.executable if reader == _OWN else peer_python
    script = str(_ROOT / "scripts" / "bench" / "peer_readers.py")
    done = subprocess.run(
        [python, script, reader, str(listing)],
        capture_output=True, text=True, check=False, timeout=_LIMIT_SECONDS, cwd=_ROOT,
    )  # fmt: skip
    if done.returncode:
        print(f"{reader} ended with {done.returncode}: {done.stderr[-500:]}", file=sys.stderr)
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "not available"


def _judge(result: Path, truths: tuple[Truth, ...]) -> tuple[str, str, float | None]:
    if not result.exists():
        return "refused", "crashed or not installed", None
    with np.load(result) as held:
        if "error" in held:
            return "refused", str(held["error"]), None
        volumes = [(held[f"hu{n}"], held[f"affine{n}"]) for n in range(len(held.files) // 2)]
    found = [_difference(hu, affine, truth) for hu, affine in volumes for truth in truths]
    best = min(found, key=lambda one: (not one.same, abs(one.lung_volume_error_pct)))
    return ("right" if best.same else "wrong"), best.summary, round(best.lung_volume_error_pct, 2)


def _difference(hu: np.ndarray, affine: np.ndarray, truth: Truth) -> Difference:
    if hu.ndim != 3:
        return Difference(same=False, summary=f"{hu.ndim} dimensions", lung_volume_error_pct=float("nan"))
    return difference(hu, affine, truth)


def _print_table(outcomes: list[Outcome], versions: dict[str, str]) -> None:
    print("| series | " + " | ".join(READERS) + " |")
    print("|---|" + "---|" * len(READERS))
    for case in LISTED_CASES:
        cells = [outcome.cell for outcome in outcomes if outcome.series == case.name]
        print(f"| {case.name} ({'intact' if case.intact else 'broken'}) | " + " | ".join(cells) + " |")
    for title, matches in (
        ("wrong", lambda o: o.verdict == "wrong"),
        ("intact, refused", lambda o: o.intact and o.verdict == "refused"),
        ("right", lambda o: o.verdict == "right"),
    ):
        counts = [sum(matches(o) for o in outcomes if o.reader == reader) for reader in READERS]
        print(f"| **{title}** | " + " | ".join(map(str, counts)) + " |")
    print("\n" + ", ".join(f"{reader} {version}" for reader, version in versions.items()))


def _compare_real(folder: Path, real_data: Path, peer_python: str) -> int:
    faults = 0
    print("| scan | reader | difference from lesionseg |\n|---|---|---|")
    for scan in _REAL_FOLDERS:
        results = {reader: folder / f"{reader}-{Path(scan).name}.npz" for reader in (_OWN, *_REAL_PEERS)}
        for reader, target in results.items():
            _run(reader, [(real_data / scan, target)], folder, peer_python)
        with np.load(results[_OWN]) as own:
            truth = Truth(own["hu0"], own["affine0"])
        for reader in _REAL_PEERS:
            verdict, detail, _ = _judge(results[reader], (truth,))
            faults += verdict != "right"
            print(f"| {scan} | {reader} | {'none' if verdict == 'right' else detail} |")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
