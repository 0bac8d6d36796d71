"""lesionseg's whole case against the networks of two peers on the same scan, one after the other; JSON out.

scripts/bench/peers/install.sh
.venv/bin/python -m scripts.bench.peers.segmentation ../shared/data/ct/P001 --slices 40 --json OUT
.venv/bin/python -m scripts.bench.peers.segmentation --phantom 40x128x128 --slices 5 --patches 1

lesionseg: from DICOM files to label map, SEG, measurements and overview, the model loaded.
lungmask: R231 from its own package, lungs alone. nnU-Net: a network of the size of TotalSegmentator's 3 mm
model. Both peers have random weights, so only their time means anything; both run in eager torch, as they
come, and in OpenVINO. Without --slices and --patches they run in full; with them, a part is run and scaled,
and the JSON says so. Exit code 1 where one of them could not be run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from scripts.bench.peers.machine import machine
from scripts.bench.peers.survival import ROOT

OWN = "lesionseg, whole case"
_LIMIT_SECONDS = 7200


def main() -> int:
    options = _options()
    report: dict[str, Any] = {"machine": machine(), "threads": options.threads}
    with tempfile.TemporaryDirectory() as folder:
        scan = options.scan.resolve() if options.scan else Path(folder) / "scan"
        if options.phantom:
            _write_phantom(scan, options.phantom)
        report |= {
            "scan": options.phantom or options.scan.name,
            "scan_slices": sum(path.is_file() for path in scan.rglob("*")),
        }
        rows = [_own(scan, options)]
        rows += [_peer(name, module, scan, runtime, options) for name, module, runtime in _peers(options)]
    for row in rows:
        if row.get("whole_s") and rows[0].get("whole_s"):
            row["times_of_lesionseg"] = round(row["whole_s"] / rows[0]["whole_s"], 2)
    report["rows"] = rows
    print(json.dumps(report, indent=1))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return int(any("error" in row for row in rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scan", type=Path, nargs="?", help="DICOM folder")
    parser.add_argument("--phantom", help="slices x rows x columns, in place of a scan")
    parser.add_argument("--slices", type=int, help="of lungmask: run a middle part, and scale")
    parser.add_argument("--patches", type=int, help="of nnU-Net: run so many, and scale")
    parser.add_argument("--repeats", type=int, default=3, help="of lesionseg's case")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--peers", nargs="*", choices=("lungmask", "nnunet"), default=["lungmask", "nnunet"])
    parser.add_argument("--runtimes", nargs="*", choices=("torch", "openvino"), default=["torch", "openvino"])
    parser.add_argument("--peer-python", type=Path, default=ROOT / "bench-output/peers/bin/python")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if (options.scan is None) == (options.phantom is None):
        parser.error("give a scan or --phantom")
    if options.peers and not options.peer_python.exists():
        parser.error(f"no peers at {options.peer_python}; run scripts/bench/peers/install.sh")
    return options


def _write_phantom(folder: Path, shape: str) -> None:
    """Write the phantom in a process of its own, whose memory must not count."""
    code = (
        "import sys; from pathlib import Path; from scripts.bench.random_bundle import synthetic_chest; "
        "from lesionseg.dicom.write import WriterSettings, write_ct_series; "
        "shape = tuple(map(int, sys.argv[2].split('x'))); "
        "spacing = tuple(mm / n for mm, n in zip((300, 384, 384), shape)); "
        "write_ct_series(synthetic_chest(shape, spacing), Path(sys.argv[1]), settings=WriterSettings())"
    )
    subprocess.run([sys.executable, "-c", code, str(folder), shape], check=True, cwd=ROOT)


def _own(scan: Path, options: argparse.Namespace) -> dict[str, Any]:
    arguments = ["--repeats", str(options.repeats), "--threads", str(options.threads)]
    return {"name": OWN, **_run(sys.executable, "own_case", scan, arguments), "part": "all"}


def _peers(options: argparse.Namespace) -> list[tuple[str, str, str]]:
    names = {"lungmask": "lungmask R231, lungs alone", "nnunet": "nnU-Net of 3 mm, 118 classes"}
    return [(names[peer], peer, runtime) for peer in options.peers for runtime in options.runtimes]


def _peer(name: str, peer: str, scan: Path, runtime: str, options: argparse.Namespace) -> dict[str, Any]:
    part, option = {"lungmask": (options.slices, "--slices"), "nnunet": (options.patches, "--patches")}[peer]
    arguments = ["--runtime", runtime, "--threads", str(options.threads)]
    arguments += [option, str(part)] if part else []
    found = _run(str(options.peer_python), f"peer_{peer}", scan, arguments)
    return {"name": name, "runtime": runtime, **found, "part": _part(found)}


def _run(python: str, module: str, scan: Path, arguments: list[str]) -> dict[str, Any]:
    """Run one of them in a process of its own; its last line of JSON, or what it died of."""
    done = subprocess.run(
        [python, "-m", f"scripts.bench.peers.{module}", str(scan), *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=_LIMIT_SECONDS,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        return {"error": done.stderr.strip()[-300:] or f"exit code {done.returncode}"}
    found = json.loads(lines[-1])
    return {key: round(value, 3) if isinstance(value, float) else value for key, value in found.items()}


def _part(found: dict[str, Any]) -> str:
    for unit in ("slices", "patches"):
        if unit in found and found[f"{unit}_run"] < found[unit]:
            return f"{found[f'{unit}_run']} of {found[unit]} {unit} run, scaled"
    return "all"


if __name__ == "__main__":
    sys.exit(main())
