"""Going through a log from the first record to the last, and naming the first that is not as written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lesionseg.core.audit.chain import AuditFault, check_chain
from lesionseg.core.audit.head import Head, head_path, read_head
from lesionseg.core.audit.key import AuditKey
from lesionseg.core.audit.locked import locked_log, read_all
from lesionseg.core.audit.record import AuditRecord
from lesionseg.core.errors import AuditError


@dataclass(frozen=True)
class TornTail:
    """What an append that was broken off has left behind the last whole record.

    Attributes
    ----------
    content : bytes
    is_beginning : bool
        Whether it is how the announced record begins: what a killed process leaves. After a power failure it
        may be anything.
    """

    content: bytes
    is_beginning: bool


@dataclass(frozen=True)
class AuditReport:
    """What was found.

    Attributes
    ----------
    path : Path
    records : tuple of AuditRecord
        Those before the first fault.
    fault : AuditFault or None
        The first line that is wrong, and why.
    torn : TornTail or None
        The end of a log whose last append was broken off.
    keyed : bool
        Whether the log is kept with a key,
    key_checked : bool
        and whether that key was given.
    notes : tuple of str
        What is odd but no fault.
    """

    path: Path
    records: tuple[AuditRecord, ...]
    fault: AuditFault | None = None
    torn: TornTail | None = None
    keyed: bool = False
    key_checked: bool = False
    notes: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether every record is as it was written, and the last is whole."""
        return self.fault is None and self.torn is None

    @property
    def last_sha256(self) -> str:
        """Hash of the last good record: written down elsewhere it pins the log up to there."""
        return self.records[-1].sha256 if self.records else ""


def verify_log(path: Path, *, key: AuditKey | None = None) -> AuditReport:
    """Check every byte of the log against its chain, its head file and, with a key, its signatures.

    Raises
    ------
    InputNotFoundError
        If there is neither log nor head file.
    AuditError
        If the log cannot be read.
    """
    if not path.is_file() and head_path(path).is_file():
        return AuditReport(path, (), AuditFault(1, "log-missing", "there is a head file, but no log"))
    with locked_log(path, writing=False) as log:
        content = read_all(log)
        try:
            head = read_head(path)
        except AuditError as error:
            return AuditReport(path, (), AuditFault(0, "head-changed", f"{error.problem}: {error.found}"))
    if head is None and not content:
        return AuditReport(path, (), notes=("the log is still empty",))
    if head is None:
        chain = check_chain(content, key)
        missing = AuditFault(
            len(chain.records) + 1,
            "head-missing",
            "without its head file nobody can tell whether this is all",
        )
        return AuditReport(path, chain.records, chain.fault or missing)
    return verify_content(path, content, head, key)


def read_log(path: Path, *, key: AuditKey | None = None) -> tuple[AuditRecord, ...]:
    """Return all records of a log that verifies.

    Raises
    ------
    InputNotFoundError
        If there is no such log.
    AuditError
        If it does not verify: the line and the reason.
    """
    report = verify_log(path, key=key)
    if report.fault is not None:
        raise AuditError(
            "the audit log is not as it was written",
            case=str(path),
            found=str(report.fault),
            remedy="Find out who changed it, and go back to a backup whose last hash is one that you noted",
        )
    if report.torn is not None:
        raise AuditError(
            "the last line of the audit log is torn",
            case=str(path),
            found=f"{len(report.torn.content)} bytes of record {len(report.records) + 1}",
            remedy="Run `lesionseg audit recover`, which sets the torn line aside and records that it did",
        )
    return report.records


def verify_content(path: Path, content: bytes, head: Head, key: AuditKey | None) -> AuditReport:
    """Check the content of a log against its chain, its head file and, with a key, its signatures."""
    settled, tail = content, b""
    if head.pending and len(content) >= head.size_bytes:
        settled, tail = content[: head.size_bytes], content[head.size_bytes :]
    torn, notes = None, []
    if head.pending and tail == head.pending_line:
        settled, count = content, head.count + 1
        notes.append(f"record {count} is whole, but its writer was stopped before it could say so")
    else:
        count = head.count
        if tail:
            torn = TornTail(tail, head.pending_line.startswith(tail))
        elif head.pending:
            notes.append(f"an append was broken off before anything of record {count + 1} was written")
    chain = check_chain(settled, key)
    last = chain.records[-1].sha256 if chain.records else ""
    fault = (
        _other_key(head, key)
        or chain.fault
        or _head_fault(len(chain.records), count, last, head)
        or _forged_head(head, key)
    )
    return AuditReport(
        path=path,
        records=chain.records,
        fault=fault,
        torn=torn if fault is None else None,
        keyed=bool(head.key),
        key_checked=key is not None and fault is None,
        notes=tuple(notes),
    )


def _head_fault(found: int, count: int, last_sha256: str, head: Head) -> AuditFault | None:
    if found < count:
        several = f"records {found + 1} to {count} are" if count > found + 1 else f"record {count} is"
        return AuditFault(found + 1, "removed-at-end", f"{several} missing at the end of the log")
    if found > count:
        return AuditFault(count + 1, "added-at-end", f"the head file knows of {count} records only")
    if count == head.count and count and last_sha256 != head.sha256:
        return AuditFault(count, "replaced", "it is not the record that the head file names as the last")
    return None


def _other_key(head: Head, key: AuditKey | None) -> AuditFault | None:
    if key is None or head.key == key.identifier:
        return None
    found = f"with key {head.key}" if head.key else "without a key"
    return AuditFault(1, "other-key", f"the log is kept {found}, not with key {key.identifier}")


def _forged_head(head: Head, key: AuditKey | None) -> AuditFault | None:
    if key is None or head.is_signed_with(key):
        return None
    return AuditFault(0, "head-forged", "the head file was not written by somebody who has the key")
