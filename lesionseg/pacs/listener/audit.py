"""Changes of a study's state for the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lesionseg.core.audit import AuditEvent, AuditKey, append_record, read_key
from lesionseg.pacs.listener.journal import Transition

EVENT: Final = "listener-study"


@dataclass(frozen=True)
class AuditLog:
    """Appends changes to one log.

    Attributes
    ----------
    path : Path
    key : AuditKey, optional
        Where the log is kept with one.
    """

    path: Path
    key: AuditKey | None = None

    def __call__(self, change: Transition) -> None:
        """Append a change. Raises as `append_record` does."""
        append_record(self.path, AuditEvent(EVENT, change.as_dict()), key=self.key)


def open_audit_log(path: Path, key_file: Path | None) -> AuditLog:
    """Return the log of these files. Raises as `read_key` does."""
    return AuditLog(path, None if key_file is None else read_key(key_file))
