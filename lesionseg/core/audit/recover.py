"""Setting a torn last line aside, and recording that this was done, by whom and why."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path
from typing import Any

from lesionseg.core.audit.append import Clock, OpenLog, utc_now
from lesionseg.core.audit.chain import check_chain
from lesionseg.core.audit.head import Head, read_head
from lesionseg.core.audit.key import AuditKey
from lesionseg.core.audit.locked import locked_log, read_all
from lesionseg.core.audit.record import RECOVERED, AuditEvent, AuditRecord, make_record
from lesionseg.core.errors import AuditError

_KEPT_BYTES = 65536


def recover_log(
    path: Path, *, by: str, why: str, key: AuditKey | None = None, now: Clock = utc_now
) -> AuditRecord:
    """Take the torn last line out of a log and record what it was; nothing else is ever taken out.

    Parameters
    ----------
    path : Path
    by, why : str
        Who does it, and what happened.
    key : AuditKey, optional
        That of the log.
    now : callable
        The clock.

    Returns
    -------
    AuditRecord
        Of kind ``recovered``: the torn bytes (base64) with their hash, and the record that was under way,
        whose event did not come about and must be done again.

    Raises
    ------
    InputNotFoundError
        If there is no such log.
    AuditError
        If the log has no torn last line, has another fault, or the key is not the log's.
    OutputError
        If it cannot be written.
    """
    with locked_log(path, writing=False):
        pass  # a log that is not there is not made
    with locked_log(path, writing=True) as descriptor:
        log = OpenLog(path, descriptor, key)
        head, torn = _torn_end(log)
        event = AuditEvent(RECOVERED, {"by": by, "why": why, **_kept(torn), "under_way": head.pending})
        record = make_record(event, number=head.count + 1, previous=head.sha256, moment=now(), key=key)
        announced = log.announce(head, record)  # first, so that no crash loses that something was taken out
        os.ftruncate(descriptor, head.size_bytes)
        os.fsync(descriptor)
        log.finish(announced, written=False)
        return record


def _torn_end(log: OpenLog) -> tuple[Head, bytes]:
    head, content = read_head(log.path), read_all(log.descriptor)
    torn = content[head.size_bytes :] if head is not None else b""
    if head is None or not head.pending or torn in (b"", head.pending_line):
        raise AuditError(
            "the audit log has no torn last line to recover from",
            case=str(log.path),
            remedy="Run `lesionseg audit verify` to see what it has",
        )
    log.refuse_other_key(head)
    chain = check_chain(content[: head.size_bytes], log.key)
    if chain.fault is not None or len(chain.records) != head.count:
        raise AuditError(
            "the audit log has another fault than a torn last line, which cannot be recovered from",
            case=str(log.path),
            found=str(chain.fault or f"{len(chain.records)} records instead of {head.count}"),
        )
    return head, torn


def _kept(torn: bytes) -> dict[str, Any]:
    return {
        "torn_bytes": len(torn),
        "torn_sha256": hashlib.sha256(torn).hexdigest(),
        "torn_base64": base64.b64encode(torn[:_KEPT_BYTES]).decode("ascii"),
    }
