"""The head file beside a log: how many records there are, and which one is about to be written.

The chain alone cannot show that records at its end are missing. The head can, and by naming the record under
way before it is written it tells a line torn by a crash from one that somebody cut.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lesionseg.core.audit.key import AuditKey
from lesionseg.core.audit.record import NOTHING_BEFORE, canonical_json
from lesionseg.core.errors import AuditError
from lesionseg.core.files import staged_file

FORMAT = "lesionseg-audit-head/1"
SUFFIX = ".head"
_SIGNED = "head"
_CONTENT = ("count", "key", "last_bytes", "pending", "sha256", "size_bytes")


@dataclass(frozen=True)
class Head:
    """The end of the log as it was last acknowledged.

    Attributes
    ----------
    count : int
        Records.
    size_bytes, last_bytes : int
        Length of the log, and of its last line.
    sha256 : str
        Of the last record.
    key : str
        Identifier of the key that the log is signed with; empty without one.
    pending : str
        The line under way, or empty.
    mac : str
        HMAC of all that where the log is keyed, else empty.
    """

    count: int = 0
    size_bytes: int = 0
    last_bytes: int = 0
    sha256: str = NOTHING_BEFORE
    key: str = ""
    pending: str = ""
    mac: str = ""

    @property
    def pending_line(self) -> bytes:
        """The line under way as bytes."""
        return self.pending.encode("ascii")

    def is_signed_with(self, key: AuditKey) -> bool:
        """Whether the head was written by somebody who has the key."""
        return key.fits(_SIGNED, _signed_text(self), self.mac)


def head_path(log: Path) -> Path:
    """Return the head file of a log."""
    return log.with_name(log.name + SUFFIX)


def read_head(log: Path) -> Head | None:
    """Read the head of a log; None where there is none.

    Raises
    ------
    AuditError
        If it is damaged.
    """
    path = head_path(log)
    if not path.exists():
        return None
    try:
        content = path.read_bytes()
        return _parsed(content)
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise AuditError(
            "the head file of the audit log has been changed or damaged",
            case=str(path),
            found=str(error),
            remedy="Without it nobody can tell whether records at the end are missing; take it from a backup",
        ) from error


def write_head(log: Path, head: Head, key: AuditKey | None) -> None:
    """Write the head, whole or not at all, and on disk when this returns.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    signed = replace(head, mac=key.code(_SIGNED, _signed_text(head)) if key else "")
    with staged_file(head_path(log)) as path:
        path.write_bytes(_line(signed))


def _line(head: Head) -> bytes:
    content = {**_content(head), "mac": head.mac}
    digest = hashlib.sha256(canonical_json(content)).hexdigest()
    return canonical_json({**content, "check": digest}) + b"\n"


def _signed_text(head: Head) -> str:
    return canonical_json(_content(head)).decode("ascii")


def _content(head: Head) -> dict[str, Any]:
    return {"format": FORMAT, **{name: getattr(head, name) for name in _CONTENT}}


def _parsed(content: bytes) -> Head:
    values = json.loads(content)
    head = Head(mac=values["mac"], **{name: values[name] for name in _CONTENT})
    if content != _line(head):
        raise ValueError("its content does not have the hash that it was written with")
    return head
