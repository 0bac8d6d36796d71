"""What is written down about a reading: in its folder, and in the audit log."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from lesionseg import __version__
from lesionseg.core.file_names import plain_words
from lesionseg.core.provenance import package_versions, sha256_of_array
from lesionseg.core.tables import plain_json
from lesionseg.readings.masks import ReaderMask
from lesionseg.readings.reading import FORMAT
from lesionseg.volumetry import Measurements
from lesionseg.workflow.reading.measured import acquisition_cells, model_facts, reading_row, shown_figures
from lesionseg.workflow.reading.request import AddRequest
from lesionseg.workflow.reading.scan import ReadScan

_HASH_CHARACTERS = 8


@dataclass(frozen=True)
class Taken:
    """A reader's mask on its scan, measured."""

    request: AddRequest
    scan: ReadScan
    mask: ReaderMask
    measurements: Measurements


def reading_facts(taken: Taken, moment: datetime, reading_id: str) -> dict[str, Any]:
    """Return what ``reading.json`` holds, its outputs apart; JSON values only."""
    request, scan, mask, measurements = taken.request, taken.scan, taken.mask, taken.measurements
    row = reading_row(measurements, solid_told=mask.solid_told)
    facts = {
        "format": FORMAT,
        "lesionseg": __version__,
        "notice": "Research use only. Not a medical device.",
        "reading_id": reading_id,
        "scan": asdict(scan.identity),
        "reader": " ".join(request.reader.split()),
        "role": str(request.role),
        "why": request.why.strip(),
        "recorded_utc": moment.isoformat(timespec="seconds"),
        "supersedes": request.supersedes,
        "mask": _mask_facts(request, mask),
        "labels_sha256": sha256_of_array(mask.label_map.labels),
        "figures": shown_figures(row),
        "model": model_facts(scan, mask),
        "quality_flags": [flag.as_dict() for flag in measurements.flags],
        "acquisition": acquisition_cells(scan.scan, measurements),
        "settings": asdict(measurements.settings),
        "packages": package_versions(),
    }
    return plain_json(facts)


def name_of(taken: Taken, moment: datetime, last_sha256: str) -> str:
    """Name a reading by its reader, its time, and a hash that no other reading of this log can have."""
    request, mask, identity = taken.request, taken.mask, taken.scan.identity
    parts = (identity.scan_id, identity.volume_sha256, request.reader, mask.sha256, last_sha256, str(moment))
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:_HASH_CHARACTERS]
    return f"{plain_words(request.reader) or 'reader'}-{moment:%Y%m%dT%H%M%S}-{digest}"


def _mask_facts(request: AddRequest, mask: ReaderMask) -> dict[str, Any]:
    return {
        "file": request.mask.name,
        "sha256": mask.sha256,
        "format": str(mask.format),
        "segments": [asdict(segment) for segment in mask.segments],
        "lung_from": str(mask.lung_from),
        "solid_told": mask.solid_told,
        "notes": [{"code": note.code, "text": note.text} for note in mask.notes],
    }


def audit_facts(facts: Mapping[str, Any], reading_sha256: str) -> dict[str, Any]:
    """Return what the log says of a reading; the hash of ``reading.json`` binds all of its files."""
    model = facts["model"]
    return {
        "reading_id": facts["reading_id"],
        "scan_id": facts["scan"]["scan_id"],
        "series_uid": facts["scan"]["series_uid"],
        "scan_sha256": facts["scan"]["volume_sha256"],
        "reader": facts["reader"],
        "role": facts["role"],
        "why": facts["why"],
        "supersedes": facts["supersedes"],
        "mask_sha256": facts["mask"]["sha256"],
        "labels_sha256": facts["labels_sha256"],
        "figures": facts["figures"],
        "model": None
        if model is None
        else {name: model[name] for name in ("bundle", "bundle_sha256", "figures")},
        "reading_sha256": reading_sha256,
    }
