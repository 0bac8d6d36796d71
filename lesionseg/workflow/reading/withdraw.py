"""Taking a reading back: it stays on disk and in the log, and counts no more."""

from __future__ import annotations

from pathlib import Path

from lesionseg.core.audit import AuditEvent, AuditKey, AuditRecord, append_record
from lesionseg.core.errors import ConfigurationError, ReadingError
from lesionseg.workflow.reading.request import WITHDRAWN, audit_log_of
from lesionseg.workflow.reading.store import load_for_writing
from lesionseg.workflow.request import Watch


def withdraw_reading(
    readings: Path,
    reading_id: str,
    *,
    by: str,
    why: str,
    key: AuditKey | None = None,
    watch: Watch | None = None,
) -> AuditRecord:
    """Record that a reading counts no more, such as one under a wrong name.

    A reading that it had superseded stands again.

    Raises
    ------
    ConfigurationError
        If who or why is empty.
    ReadingError
        If there is no such reading, or it does not stand.
    AuditError, OutputError
        As `lesionseg.core.audit.append_record` does.
    """
    if not by.strip() or not why.strip():
        raise ConfigurationError("say who withdraws the reading, and why", case=reading_id)
    store = load_for_writing(readings, key=key)
    kept = [reading for reading in store.readings if reading.reading_id not in store.withdrawn]
    superseded = {reading.supersedes for reading in kept}
    if reading_id in superseded or reading_id not in [reading.reading_id for reading in kept]:
        raise ReadingError(
            "there is no reading of this name that stands",
            case=str(readings),
            found=reading_id,
            remedy="Run lesionseg reading list",
        )
    reading = next(each for each in kept if each.reading_id == reading_id)
    facts = {
        "reading_id": reading_id,
        "scan_id": reading.scan.scan_id,
        "reader": reading.reader,
        "by": by.strip(),
        "why": why.strip(),
    }
    clock = (watch or Watch()).now
    return append_record(audit_log_of(readings), AuditEvent(WITHDRAWN, facts), key=key, now=clock)
