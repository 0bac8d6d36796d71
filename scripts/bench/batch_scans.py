"""Phantom scans and a quick network for the measurements of batches, and batches run as processes."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lesionseg.dicom.write import WriterSettings, write_ct_series
from lesionseg.phantoms import ChestSettings, add_lesions, chest_phantom
from lesionseg.volume import CTVolume
from scripts.bench.random_bundle import random_bundle

BUNDLES = "default (the shipped one), quick (a tiny one of seeded random weights), or a bundle's folder"
DATE = "20200401"
"""Of every scan: a case is called after patient and date."""
_QUICK_SPACING_MM = 6.0
_QUICK_SEED = 1
"""Gives labels of every kind in the chest below."""


def write_scans(root: Path, count: int, shape: tuple[int, int, int]) -> None:
    """Write scans of as many patients: one chest of 300 x 380 x 380 mm, with other noise in each."""
    slices, rows, columns = shape
    settings = ChestSettings(shape=shape, spacing_mm=(300 / slices, 380 / rows, 380 / columns))
    chest = add_lesions(
        chest_phantom(settings, np.random.default_rng(1)), 12.0, 0.3, np.random.default_rng(2)
    ).volume
    for number in range(count):
        noise = np.random.default_rng(number).integers(-8, 9, chest.hu.shape, dtype=np.int16)
        patient = f"P{number:04d}"
        header = WriterSettings(entropy=patient, patient_id=patient, study_date=DATE)
        volume = CTVolume(chest.hu + noise, chest.geometry, patient)
        write_ct_series(volume, root / patient, settings=header)


def bundle_options(name: str, folder: Path) -> tuple[str, ...]:
    """Return the options of ``lesionseg`` that take a bundle; ``quick`` is made in the folder first."""
    if name == "default":
        return ()
    return ("--model", str(quick_bundle(folder) if name == "quick" else name))


def quick_bundle(folder: Path) -> Path:
    """Write a bundle whose network takes 0.2 s for a small scan; what it labels means nothing."""
    import torch

    from lesionseg.segmentation import write_bundle
    from lesionseg.segmentation.network import build_network

    metadata = random_bundle(folder, (8, 64, 64), {"filters": [4, 4, 4, 4, 4]}).metadata
    coarse = metadata.preprocessing.model_copy(update={"in_plane_spacing_mm": _QUICK_SPACING_MM})
    metadata = metadata.model_copy(update={"name": "quick", "preprocessing": coarse})
    torch.manual_seed(_QUICK_SEED)
    state = build_network(metadata.network).state_dict()
    return write_bundle(folder / "quick", state_dict=state, metadata=metadata, model_card="# Quick\n").folder


def tell(found: dict[str, Any], path: Path | None) -> None:
    """Print figures as JSON, and write them where that is asked."""
    text = json.dumps(found, indent=2)
    sys.stdout.write(text + "\n")
    if path is not None:
        path.write_text(text + "\n", encoding="utf-8")


@dataclass
class BatchProcess:
    """``lesionseg batch`` on a folder, with the events that it tells."""

    scans: Path
    out: Path
    options: tuple[str, ...] = ()
    events: list[dict[str, Any]] = field(default_factory=list)
    output: dict[str, Any] = field(default_factory=dict)
    """What it printed, once `run` has returned."""

    def run(self) -> int:
        """Run it to its end and return its exit code."""
        process = self.start(stdout=subprocess.PIPE)
        said = process.stdout.read() if process.stdout else ""
        code = process.wait()
        self.output = json.loads(said or "{}")
        return code

    def start(self, stdout: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        """Start it; its events are read by a thread."""
        self.events.clear()
        command = [sys.executable, "-m", "lesionseg", "batch", str(self.scans), "-o", str(self.out)]
        process = subprocess.Popen(
            [*command, "--log-json", "--json", *self.options],
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._read, args=(process,), daemon=True).start()
        return process

    def count(self, event: str) -> int:
        """How often an event was told since the last start."""
        return sum(said["event"] == event for said in self.events)

    def _read(self, process: subprocess.Popen[str]) -> None:
        for line in process.stderr or ():
            if line.startswith("{"):
                self.events.append(json.loads(line))


def fingerprint(out: Path) -> dict[str, str]:
    """Hash everything that a batch wrote, but for the ledger and for the times in manifests."""
    found = {}
    for path in sorted(out.rglob("*")):
        place = path.relative_to(out).as_posix()
        if path.is_file() and not place.startswith("ledger."):
            found[place] = hashlib.sha256(_timeless(path)).hexdigest()
    return found


def _timeless(path: Path) -> bytes:
    if path.name != "manifest.json":
        return path.read_bytes()
    content = json.loads(path.read_text(encoding="utf-8"))
    content.pop("times")
    return json.dumps(content).encode()
