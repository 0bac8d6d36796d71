"""The run manifest: what ran, on what, with what, and what came out, for audit and repetition."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lesionseg import __version__
from lesionseg.core.provenance import Stopwatch, package_versions, sha256_of_array, sha256_of_file
from lesionseg.core.tables import plain_json
from lesionseg.reports.caption import ScanLine
from lesionseg.segmentation import ModelBundle, Segmenter
from lesionseg.volume import CTVolume
from lesionseg.volumetry import Measurements
from lesionseg.workflow.loading import LoadedScan
from lesionseg.workflow.request import MANIFEST, MANIFEST_FORMAT, OVERVIEW, CaseRequest, CaseSettings

TIMES_KEY = "times"
"""The one key whose value differs between two runs of the same case with the same set-up."""


@dataclass(frozen=True)
class CaseFacts:
    """Everything known about a case once it is measured."""

    request: CaseRequest
    settings: CaseSettings
    scan: LoadedScan
    measurements: Measurements
    segmenter: Segmenter
    started: datetime

    @property
    def scan_line(self) -> ScanLine:
        """What the overview calls the scan, and who drew the labels."""
        return ScanLine(self.scan.label, self.scan.series_uid, f"Labels: {self.segmenter.bundle_name}")


def build_manifest(
    facts: CaseFacts, folder: Path, timer: Stopwatch, warnings: tuple[str, ...]
) -> dict[str, Any]:
    """Describe the run whose results lie in `folder`, in JSON values only."""
    with timer.stage("hash"):
        inputs, volume = _inputs(facts), _volume(facts.scan.volume)
        outputs = {
            path.name: sha256_of_file(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST
        }
    manifest = {
        "format": MANIFEST_FORMAT,
        "lesionseg": __version__,
        "notice": _notice(facts.segmenter),
        "request": _request(facts),
        "input": inputs,
        "source": facts.scan.source,
        "notes": list(facts.scan.notes),
        "volume": volume,
        "model": _model(facts.segmenter),
        "confidence": facts.measurements.as_dict()["confidence"],
        "quality_flags": [flag.as_dict() for flag in facts.measurements.flags],
        "warnings": list(warnings),
        "outputs": outputs,
        "overview_drawn": OVERVIEW in outputs,
        "packages": package_versions(),
        TIMES_KEY: {
            "started_utc": facts.started.isoformat(timespec="seconds"),
            "seconds": {stage: round(seconds, 3) for stage, seconds in timer.seconds.items()},
        },
    }
    return plain_json(manifest)


def _notice(segmenter: Segmenter) -> str:
    notice = "Research use only. Not a medical device."
    bundle = getattr(segmenter, "bundle", None)
    if isinstance(bundle, ModelBundle) and not bundle.metadata.commercial_use:
        notice += f" Non-commercial use only: so says the licence of the model bundle {bundle.name}."
    return notice


def _request(facts: CaseFacts) -> dict[str, Any]:
    return {
        "series_uid": facts.request.series_uid,
        "repairs": list(facts.request.repairs),
        "settings": asdict(facts.settings),
    }


def _inputs(facts: CaseFacts) -> dict[str, Any]:
    root = facts.request.input_path.resolve()
    listed = [{"file": _relative(path, root), "sha256": sha256_of_file(path)} for path in facts.scan.files]
    combined = combined_sha256(entry["sha256"] for entry in listed)
    return {"path": str(root), "sha256": combined, "files": listed}


def combined_sha256(hashes: Iterable[str]) -> str:
    """One hash over those of several files, whatever their names and order."""
    return hashlib.sha256("".join(sorted(f"{sha256}\n" for sha256 in hashes)).encode()).hexdigest()


def _relative(path: Path, root: Path) -> str:
    full = path.resolve()
    return full.relative_to(root).as_posix() if root.is_dir() and full.is_relative_to(root) else full.name


def _volume(volume: CTVolume) -> dict[str, Any]:
    geometry = volume.geometry
    return {
        "name": volume.name,
        "sha256": sha256_of_array(volume.hu),
        "shape": list(geometry.shape),
        "spacing_mm": list(geometry.spacing_mm),
        "affine_lps_mm": geometry.affine.tolist(),
        "frame_of_reference_uid": geometry.frame_of_reference_uid,
        "acquisition": dict(volume.acquisition or {}),
    }


def _model(segmenter: Segmenter) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "bundle": segmenter.bundle_name,
        "runtime": segmenter.runtime,
        "device": segmenter.device,
    }
    bundle = getattr(segmenter, "bundle", None)
    if isinstance(bundle, ModelBundle):
        facts |= {
            "bundle_sha256": bundle.sha256,
            "weights_sha256": bundle.weights_sha256,
            "solid_convention": bundle.metadata.solid_convention,
            "license": bundle.metadata.license,
            "commercial_use": bundle.metadata.commercial_use,
        }
    return facts
