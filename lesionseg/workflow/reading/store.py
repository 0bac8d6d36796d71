"""All readings of a trial, as the audit log tells of them; what does not bear it out is refused."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lesionseg.core.audit import AuditKey, AuditRecord, head_path, read_log
from lesionseg.core.errors import AuditError, InputNotFoundError, ReadingError
from lesionseg.core.provenance import sha256_of_file
from lesionseg.readings.reading import Reading, current_readings, reading_from
from lesionseg.volume import LabelMap
from lesionseg.volume.files import read_label_map
from lesionseg.workflow.reading.request import (
    ADDED,
    LABELS,
    MEASUREMENTS_CSV,
    READING_JSON,
    WITHDRAWN,
    audit_log_of,
    scan_folder,
)


@dataclass(frozen=True)
class ReadingStore:
    """Readings of one folder.

    Attributes
    ----------
    folder : Path
    records : tuple of AuditRecord
        The whole log.
    readings : tuple of Reading
        In the order in which they were added; superseded and withdrawn ones too.
    withdrawn : frozenset of str
        Their identifiers.
    unrecorded : tuple of Path
        Folders of readings that the log does not tell of: their adding was broken off.
    """

    folder: Path
    records: tuple[AuditRecord, ...] = ()
    readings: tuple[Reading, ...] = ()
    withdrawn: frozenset[str] = frozenset()
    unrecorded: tuple[Path, ...] = ()

    @property
    def current(self) -> tuple[Reading, ...]:
        """Readings that stand: neither withdrawn nor superseded.

        Raises
        ------
        ReadingError
            If a reader has two of one scan.
        """
        kept = [reading for reading in self.readings if reading.reading_id not in self.withdrawn]
        return current_readings(kept)

    def of_scan(self, scan_id: str) -> tuple[Reading, ...]:
        """Return the readings of one scan that stand."""
        return tuple(reading for reading in self.current if reading.scan.scan_id == scan_id)

    @property
    def last_sha256(self) -> str:
        """Hash of the log's last record; empty for no log."""
        return self.records[-1].sha256 if self.records else ""


def load_readings(folder: Path, *, key: AuditKey | None = None) -> ReadingStore:
    """Read all readings that the audit log tells of, and check every file of theirs against it.

    Raises
    ------
    InputNotFoundError
        If there is no such folder, or no log in it.
    AuditError
        If the log does not verify.
    ReadingError
        If a reading is absent or was changed after it was recorded.
    """
    log = audit_log_of(folder)
    if not log.is_file() and not head_path(log).is_file():
        raise InputNotFoundError(
            "this folder holds no readings",
            case=str(folder),
            expected=log.name,
            remedy="Name the folder that lesionseg reading add wrote to",
        )
    records = read_log(log, key=key)
    readings = tuple(_reading(folder, record.facts) for record in records if record.kind == ADDED)
    withdrawn = frozenset(record.facts["reading_id"] for record in records if record.kind == WITHDRAWN)
    return ReadingStore(folder, records, readings, withdrawn, _unrecorded(folder, readings))


def load_for_writing(folder: Path, *, key: AuditKey | None = None) -> ReadingStore:
    """Read all readings, by somebody who is going to add to the log. Raises as `load_readings` does.

    Raises
    ------
    AuditError
        Also where the key is not that of the log: told before any work is done.
    """
    store = load_readings(folder, key=key)
    opening = store.records[0].facts if store.records else {}
    given = key.identifier if key else ""
    if opening.get("key", given) != given:
        raise AuditError(
            "the audit log is not kept with this key",
            case=str(audit_log_of(folder)),
            expected=f"key {opening['key']}" if opening["key"] else "no key",
            found=f"key {given}" if given else "no key",
            remedy="Give the key file that the log was opened with",
        )
    return store


def load_or_begin(folder: Path, *, key: AuditKey | None = None) -> ReadingStore:
    """Read all readings as `load_for_writing` does, or none where the first is still to come.

    Raises
    ------
    AuditError
        Also where there are readings, but the log that tells of them is gone.
    """
    log = audit_log_of(folder)
    there = log.exists() or head_path(log).exists()
    store = load_for_writing(folder, key=key) if there else ReadingStore(folder)
    lost = () if store.records else _unrecorded(folder, ())
    if lost:
        raise AuditError(
            "there are readings, but no audit log that tells of them",
            case=str(folder),
            found=f"{len(lost)} readings, the first {lost[0].name}",
            remedy="Put the log and its head file back",
        )
    return store


def labels_of(reading: Reading) -> LabelMap:
    """Read the label map of a reading. Raises as `read_label_map` does."""
    return read_label_map(reading.folder / LABELS)


def read_cells(path: Path) -> dict[str, str]:
    """Read the one row of a reading's measurements as text."""
    with path.open(encoding="utf-8", newline="") as stream:
        return next(csv.DictReader(stream))


def _reading(readings: Path, facts: Mapping[str, Any]) -> Reading:
    folder = scan_folder(readings, facts["scan_id"]) / facts["reading_id"]
    _refuse_changed(folder / READING_JSON, facts["reading_sha256"])
    content = json.loads((folder / READING_JSON).read_text(encoding="utf-8"))
    for name, sha256 in content["outputs"].items():
        _refuse_changed(folder / name, sha256)
    return reading_from(content, read_cells(folder / MEASUREMENTS_CSV), folder)


def _refuse_changed(path: Path, sha256: str) -> None:
    if path.is_file() and sha256_of_file(path) == sha256:
        return
    raise ReadingError(
        "a reading is not as it was recorded",
        case=str(path),
        expected=f"SHA-256 {sha256[:12]}…, as the audit log has it",
        found="another content" if path.is_file() else "no such file",
        remedy="Put the file back; a correction is a new reading that supersedes this one",
    )


def _unrecorded(folder: Path, readings: tuple[Reading, ...]) -> tuple[Path, ...]:
    known = {reading.folder for reading in readings}
    found = (path.parent for path in sorted(folder.glob(f"*/*/{READING_JSON}")))
    return tuple(path for path in found if path not in known)
