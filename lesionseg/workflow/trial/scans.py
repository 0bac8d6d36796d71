"""``scans.csv``: one row for every scan of the trial, whatever became of it."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lesionseg.volumetry import COLUMNS
from lesionseg.workflow.request import MANIFEST, MEASUREMENTS_CSV
from lesionseg.workflow.trial.request import ScanOutcome

_OWN_COLUMNS = ("case", "flags")
"""Columns of the measurements that this table has in another form: as scan_id, and as codes alone."""
_FACTS = ("slice_spacing_mm", "kernel", "contrast", "manufacturer", "model", "flags")
_MEASURED = tuple(name for name in COLUMNS if name not in (*_OWN_COLUMNS, *_FACTS))


def scan_rows(outcomes: Sequence[ScanOutcome], folder: Path) -> list[dict[str, str]]:
    """Build the rows from what lies on disk, so that a case taken over gives the same row as a new one.

    Parameters
    ----------
    outcomes : sequence of ScanOutcome
    folder : Path
        Of the trial; case folders are named relative to it.
    """
    return [_row(outcome, folder) for outcome in outcomes]


def _row(outcome: ScanOutcome, folder: Path) -> dict[str, str]:
    scan = outcome.scan
    facts, measured = dict.fromkeys(_FACTS, ""), dict.fromkeys(_MEASURED, "")
    if outcome.folder is not None:
        cells = measured_cells(outcome.folder)
        facts, measured = _facts(outcome.folder, cells), {name: cells[name] for name in _MEASURED}
    return {
        "subject": scan.subject,
        "scan_id": scan.scan_id,
        "study_date": scan.study_date.isoformat() if scan.study_date else "",
        "study_uid": scan.source.study_uid,
        "series_uid": scan.source.series_uid,
        "path": scan.path,
        "visit_given": scan.visit_given,
        "status": outcome.status,
        "reason": outcome.reason,
        "reason_text": outcome.reason_text,
        "case_folder": outcome.folder.relative_to(folder).as_posix() if outcome.folder else "",
        **facts,
        **measured,
    }


def measured_cells(case_folder: Path) -> dict[str, str]:
    """Return the one row of a case's ``measurements.csv``, as text."""
    with (case_folder / MEASUREMENTS_CSV).open(encoding="utf-8", newline="") as stream:
        return next(csv.DictReader(stream))


def _facts(case_folder: Path, cells: Mapping[str, str]) -> dict[str, str]:
    manifest = json.loads((case_folder / MANIFEST).read_text(encoding="utf-8"))
    acquisition, codes = manifest["volume"]["acquisition"], _codes(manifest)
    return {
        "slice_spacing_mm": cells["slice_spacing_mm"],
        "kernel": acquisition.get("kernel", ""),
        "contrast": _contrast(manifest, codes),
        "manufacturer": acquisition.get("manufacturer", ""),
        "model": acquisition.get("model", ""),
        "flags": " ".join(codes),
    }


def _codes(manifest: Mapping[str, Any]) -> list[str]:
    return [flag["code"] for flag in manifest["quality_flags"]]


def _contrast(manifest: Mapping[str, Any], codes: Sequence[str]) -> str:
    """Y or N; empty for a volume file, which does not say."""
    if "contrast" in codes:
        return "Y"
    return "N" if manifest["source"]["kind"] == "dicom" else ""
