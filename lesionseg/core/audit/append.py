"""Adding a record: said to be done only when it is on disk."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from lesionseg.core.audit.head import Head, read_head, write_head
from lesionseg.core.audit.key import AuditKey
from lesionseg.core.audit.locked import locked_log, read_all
from lesionseg.core.audit.record import (
    FORMAT,
    OPENED,
    RECOVERED,
    AuditEvent,
    AuditRecord,
    LineFault,
    make_record,
    parse_record,
)
from lesionseg.core.errors import AuditError, OutputError

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the machine's time."""
    return datetime.now(UTC)


def append_record(
    path: Path, event: AuditEvent, *, key: AuditKey | None = None, now: Clock = utc_now
) -> AuditRecord:
    """Add an event to the log, which is made if it is not there; several processes may do so at once.

    The end of the log is checked first, not the whole chain: that is what `verify_log` is for.

    Parameters
    ----------
    path : Path
    event : AuditEvent
    key : AuditKey, optional
        Needed for a log that was opened with one, and only for that.
    now : callable
        The clock.

    Returns
    -------
    AuditRecord
        As it stands on disk, fsynced.

    Raises
    ------
    AuditError
        If the end of the log is not what was last written, is torn, or the key is not the log's.
    OutputError
        If it cannot be written; the log is then as it was.
    """
    with locked_log(path, writing=True) as descriptor:
        log = OpenLog(path, descriptor, key)
        head = log.sound_end()
        if head is None:
            identifier = key.identifier if key else ""
            opening = {"format": FORMAT, "log": secrets.token_hex(16), "key": identifier}
            _, head = log.add(Head(key=identifier), AuditEvent(OPENED, opening), now())
        return log.add(head, event, now())[0]


@dataclass(frozen=True)
class OpenLog:
    """A log under a writer's lock.

    Attributes
    ----------
    path : Path
    descriptor : int
        Of the file, open for appending.
    key : AuditKey or None
        As given by the caller.
    """

    path: Path
    descriptor: int
    key: AuditKey | None

    def sound_end(self) -> Head | None:
        """Return the head with a finished append taken in; None for a log that is still empty.

        A record that is whole although its writer died before saying so counts. One of which nothing was
        written is dropped, unless it tells of a recovery: that is written now.
        """
        head, size = read_head(self.path), os.fstat(self.descriptor).st_size
        if head is None:
            if size == 0:
                return None
            raise self._not_sound("a log with its head file", "no head file beside it")
        self.refuse_other_key(head)
        tail = read_all(self.descriptor, head.size_bytes)
        if head.pending and tail not in (b"", head.pending_line):
            raise self._torn(head, len(tail))
        if size < head.size_bytes or (tail and not head.pending):
            raise self._not_sound(f"{head.size_bytes} bytes, {head.count} records", f"{size} bytes")
        if head.pending and (tail or self._record(head.pending_line).kind == RECOVERED):
            head = self.finish(head, written=bool(tail))
        self._refuse_other_last_record(head)
        return head if head.count else None

    def add(self, head: Head, event: AuditEvent, moment: datetime) -> tuple[AuditRecord, Head]:
        """Announce a record in the head, write it, acknowledge it; each is on disk before the next."""
        record = make_record(event, number=head.count + 1, previous=head.sha256, moment=moment, key=self.key)
        return record, self.finish(self.announce(head, record), written=False)

    def announce(self, head: Head, record: AuditRecord) -> Head:
        """Say in the head which record is about to be written."""
        announced = replace(head, pending=record.line.decode("ascii"))
        write_head(self.path, announced, self.key)
        return announced

    def finish(self, head: Head, *, written: bool) -> Head:
        """Write the announced line, unless it is written already, and acknowledge it."""
        line = head.pending_line
        if not written:
            self._write_or_undo(line, head.size_bytes)
        os.fsync(self.descriptor)
        done = replace(
            head,
            count=head.count + 1,
            size_bytes=head.size_bytes + len(line),
            last_bytes=len(line),
            sha256=self._record(line).sha256,
            pending="",
        )
        write_head(self.path, done, self.key)
        return done

    def refuse_other_key(self, head: Head) -> None:
        """Raise `AuditError` where the key is not that which the log was opened with."""
        given = self.key.identifier if self.key else ""
        if given != head.key:
            raise AuditError(
                "the audit log is not kept with this key",
                case=str(self.path),
                expected=f"key {head.key}" if head.key else "no key: the log was opened without one",
                found=f"key {given}" if given else "no key",
                remedy="Give the key file that the log was opened with, or start another log",
            )
        if self.key and not head.is_signed_with(self.key):
            raise self._not_sound("a head file written with the key", "one written without it")

    def _write_or_undo(self, line: bytes, size_bytes: int) -> None:
        try:
            write_all(self.descriptor, line)
        except OSError as error:
            os.ftruncate(self.descriptor, size_bytes)  # nothing of it was acknowledged
            raise OutputError(
                "the audit log could not be written",
                case=str(self.path),
                found=error.strerror or str(error),
                remedy="Free space; the log is as it was",
            ) from error

    def _refuse_other_last_record(self, head: Head) -> None:
        if head.count:
            line = read_all(self.descriptor, head.size_bytes - head.last_bytes)
            if self._record(line).sha256 != head.sha256:
                raise self._not_sound(f"record {head.count} as it was written", "another last record")

    def _record(self, line: bytes) -> AuditRecord:
        try:
            return parse_record(line.removesuffix(b"\n"))
        except LineFault as fault:
            raise self._not_sound("a record", str(fault)) from fault

    def _torn(self, head: Head, torn_bytes: int) -> AuditError:
        return AuditError(
            "the last line of the audit log is torn: its writer was stopped in the middle of it",
            case=str(self.path),
            expected=f"{head.count} whole records, or one more",
            found=f"{torn_bytes} bytes of record {head.count + 1}",
            remedy="Run `lesionseg audit recover`, which sets the torn line aside and records that it did",
        )

    def _not_sound(self, expected: str, found: str) -> AuditError:
        return AuditError(
            "the audit log is not as it was last written",
            case=str(self.path),
            expected=expected,
            found=found,
            remedy="Run `lesionseg audit verify`, and find out what happened before anything is added",
        )


def write_all(descriptor: int, line: bytes) -> None:
    """Write a line to its end."""
    while line:
        line = line[os.write(descriptor, line) :]
