"""Small audit logs for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from lesionseg.core.audit import AuditEvent, AuditKey, append_record

KEY = AuditKey(b"a secret of thirty-two bytes ....")
OTHER_KEY = AuditKey(b"another secret, thirty-two bytes.")
START = datetime(2024, 5, 1, 10, tzinfo=UTC)


def clock() -> datetime:
    return START + timedelta(minutes=1)


def write_log(path: Path, records: int = 3, key: AuditKey | None = None) -> Path:
    """A log of so many records besides the opening one."""
    for number in range(records):
        event = AuditEvent("reading-added", {"reader": "Å", "ml": 10.5 * number, "why": None})
        append_record(path, event, key=key, now=clock)
    return path


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)
