"""One record of the log: a line of canonical JSON that holds the hash of the line before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from lesionseg.core.audit.key import AuditKey

FORMAT = "lesionseg-audit/1"
OPENED, RECOVERED = "opened", "recovered"
NOTHING_BEFORE = "0" * 64
"""Stands where the first record would name the hash of the one before."""
_SIGNED = "record"
_KEYS = ("facts", "kind", "mac", "number", "previous", "sha256", "time")


@dataclass(frozen=True)
class AuditEvent:
    """Something that happened.

    Attributes
    ----------
    kind : str
        Such as ``reading-added``.
    facts : mapping
        JSON values only; who, what, why, and hashes of what lies outside the log.
    """

    kind: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class AuditRecord:
    """An event in its place.

    Attributes
    ----------
    number : int
        From 1; the line in the file.
    time : str
        UTC, ISO 8601, by the clock of the machine that wrote it.
    kind : str
    facts : dict
    previous : str
        Hash of the record before.
    mac : str
        HMAC of everything above where the log is keyed, else empty.
    sha256 : str
        Of everything above, as canonical JSON.
    """

    number: int
    time: str
    kind: str
    facts: dict[str, Any] = field(hash=False)
    previous: str
    mac: str
    sha256: str

    @property
    def line(self) -> bytes:
        """The record as it stands in the file, with its line feed."""
        return canonical_json({**_content(self), "mac": self.mac, "sha256": self.sha256}) + b"\n"

    def is_signed_with(self, key: AuditKey) -> bool:
        """Whether the record was written by somebody who has the key."""
        return key.fits(_SIGNED, canonical_json(_content(self)).decode("ascii"), self.mac)


class LineFault(Exception):  # noqa: N818 - it never leaves the verification
    """Why a line is no record."""


def make_record(
    event: AuditEvent, *, number: int, previous: str, moment: datetime, key: AuditKey | None
) -> AuditRecord:
    """Put an event behind the record whose hash is `previous`.

    Raises
    ------
    ValueError
        If a fact is no JSON value.
    """
    facts: dict[str, Any] = json.loads(json.dumps(event.facts, allow_nan=False))
    time = moment.astimezone(UTC).isoformat(timespec="microseconds")
    bare = AuditRecord(number, time, event.kind, facts, previous, mac="", sha256="")
    mac = key.code(_SIGNED, canonical_json(_content(bare)).decode("ascii")) if key else ""
    signed = replace(bare, mac=mac)
    return replace(signed, sha256=_digest(signed))


def parse_record(line: bytes) -> AuditRecord:
    """Read a line, without its line feed.

    Raises
    ------
    LineFault
        If it differs in any byte from what `AuditRecord.line` writes for some record, or its hash is not that
        of its content.
    """
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        raise LineFault("it is no JSON") from None
    if not isinstance(content, dict) or tuple(sorted(content)) != _KEYS:
        raise LineFault(f"it does not hold exactly the keys {', '.join(_KEYS)}")
    record = AuditRecord(**content)
    if not _is_typed(record):
        raise LineFault("a value is not of its kind")
    try:
        written = record.line.removesuffix(b"\n")
    except (ValueError, RecursionError):
        raise LineFault("it holds what cannot have been written") from None
    if written != line:
        raise LineFault("it is not in the form in which records are written")
    if _digest(record) != record.sha256:
        raise LineFault("its content does not have the hash that it was written with")
    return record


def canonical_json(content: Mapping[str, Any]) -> bytes:
    """One spelling for one content: sorted keys, no spaces, ASCII; NaN is refused (ValueError)."""
    return json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    ).encode("ascii")


def _content(record: AuditRecord) -> dict[str, Any]:
    return {
        "number": record.number,
        "time": record.time,
        "kind": record.kind,
        "facts": record.facts,
        "previous": record.previous,
    }


def _digest(record: AuditRecord) -> str:
    return hashlib.sha256(canonical_json({**_content(record), "mac": record.mac})).hexdigest()


def _is_typed(record: AuditRecord) -> bool:
    texts = (record.time, record.kind, record.previous, record.sha256, record.mac)
    return (
        type(record.number) is int
        and isinstance(record.facts, dict)
        and all(isinstance(text, str) and text.isascii() for text in texts)
    )
