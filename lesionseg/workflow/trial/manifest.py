"""The manifest of a trial: what ran on what, and the hash of everything that came out."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lesionseg import __version__
from lesionseg.core.files import staged_file
from lesionseg.core.provenance import Stopwatch, package_versions, sha256_of_file
from lesionseg.core.tables import plain_json, write_json
from lesionseg.longitudinal import Status
from lesionseg.segmentation import ModelBundle, Segmenter
from lesionseg.workflow.manifest import TIMES_KEY
from lesionseg.workflow.request import MANIFEST
from lesionseg.workflow.trial.check import CheckedTrial
from lesionseg.workflow.trial.request import (
    CASES,
    TRIAL_FILES,
    TRIAL_FORMAT,
    ScanOutcome,
    TrialRequest,
    TrialSettings,
)

NOTICE = "Research use only. Not a medical device."


@dataclass(frozen=True)
class TrialFacts:
    """What is known of a trial before its first scan is measured."""

    request: TrialRequest
    settings: TrialSettings
    checked: CheckedTrial
    segmenter: Segmenter
    started: datetime


def begin_folder(facts: TrialFacts) -> None:
    """Make the folder ours, and take away what an earlier run made of its cases; the cases themselves stay.

    Thus nothing in it is older than this run's tables, and no arm is left over in a run without arms.
    """
    folder = facts.request.output
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder, {**_beginning(facts), "finished": False})
    for name in TRIAL_FILES:
        if name not in (CASES, MANIFEST):
            _remove(folder / name)


def finish_folder(
    facts: TrialFacts, outcomes: Sequence[ScanOutcome], warnings: Sequence[str], timer: Stopwatch
) -> dict[str, Any]:
    """Write the manifest of a finished run, and return it; only its times differ between two equal runs."""
    folder = facts.request.output
    with timer.stage("hash"):
        outputs = {
            path.relative_to(folder).as_posix(): sha256_of_file(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path != folder / MANIFEST
        }
    scans = facts.checked.scans
    manifest = plain_json(
        {
            **_beginning(facts),
            "finished": True,
            "scans": [_scan(outcome, folder) for outcome in outcomes],
            "counts": counts(outcomes),
            "left_over": [asdict(left) for left in scans.left_over],
            "cases_of_no_scan": _cases_of_no_scan(folder, outcomes),
            "notes": list(scans.notes),
            "warnings": list(warnings),
            "outputs": outputs,
            "packages": package_versions(),
            TIMES_KEY: {
                "started_utc": facts.started.isoformat(timespec="seconds"),
                "seconds": {stage: round(seconds, 3) for stage, seconds in timer.seconds.items()},
                "taken_over": [outcome.scan.scan_id for outcome in outcomes if outcome.reused],
            },
        }
    )
    _write(folder, manifest)
    return manifest


def counts(outcomes: Sequence[ScanOutcome]) -> dict[str, int]:
    """How many scans were measured, failed and were not evaluable."""
    found = Counter(outcome.status for outcome in outcomes)
    return {status.value: found[status] for status in Status}


def _beginning(facts: TrialFacts) -> dict[str, Any]:
    request, bundle = facts.request, getattr(facts.segmenter, "bundle", None)
    tables = request.tables
    return {
        "format": TRIAL_FORMAT,
        "lesionseg": __version__,
        "notice": NOTICE,
        "trial": facts.checked.plan.trial.identifier,
        "dicom": str(request.dicom.resolve()),
        "inputs": {
            name: {"file": tables[name].name, "sha256": sha256}
            for name, sha256 in facts.checked.hashes.items()
        },
        "settings": {
            "repairs": list(facts.settings.repairs),
            "case": plain_json(asdict(facts.settings.case)),
        },
        "model": {
            "bundle": facts.segmenter.bundle_name,
            "bundle_sha256": bundle.sha256 if isinstance(bundle, ModelBundle) else None,
        },
    }


def _scan(outcome: ScanOutcome, folder: Path) -> dict[str, Any]:
    scan = outcome.scan
    return {
        "scan_id": scan.scan_id,
        "subject": scan.subject,
        "row": scan.row,
        "path": scan.path,
        "series_uid": scan.source.series_uid,
        "status": outcome.status,
        "reason": outcome.reason,
        "reason_text": outcome.reason_text,
        "case_folder": outcome.folder.relative_to(folder).as_posix() if outcome.folder else "",
        "warnings": list(outcome.warnings),
    }


def _cases_of_no_scan(folder: Path, outcomes: Sequence[ScanOutcome]) -> list[str]:
    """Name the case folders of earlier runs that no scan of this one has; they are left alone."""
    ours = {outcome.folder for outcome in outcomes}
    found = (folder / CASES).glob(f"*/*/{MANIFEST}")
    return sorted(path.parent.relative_to(folder).as_posix() for path in found if path.parent not in ours)


def _write(folder: Path, manifest: dict[str, Any]) -> None:
    with staged_file(folder / MANIFEST) as path:
        write_json(path, manifest)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
