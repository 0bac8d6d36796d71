"""The log file, opened and locked: writers one at a time, readers never in the middle of a write."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lesionseg.core.errors import AuditError, InputNotFoundError, OutputError

PATIENCE_SECONDS = 60.0
_RETRY_SECONDS = 0.01


@contextmanager
def locked_log(path: Path, *, writing: bool, patience_seconds: float = PATIENCE_SECONDS) -> Iterator[int]:
    """Yield a file descriptor of the log under a lock that the kernel takes back when a process dies.

    For writing the file is made if it is not there.

    Raises
    ------
    InputNotFoundError
        If there is no such log to read.
    OutputError
        If it cannot be opened for writing.
    AuditError
        If it cannot be opened for reading, or another process does not let it go.
    """
    descriptor = _open(path, writing=writing)
    try:
        _lock(descriptor, path, fcntl.LOCK_EX if writing else fcntl.LOCK_SH, patience_seconds)
        yield descriptor
    finally:
        os.close(descriptor)  # lets the lock go too


def read_all(descriptor: int, start: int = 0) -> bytes:
    """Read the log from a place to its end."""
    size = os.fstat(descriptor).st_size
    parts: list[bytes] = []
    while start < size and (part := os.pread(descriptor, size - start, start)):
        parts.append(part)
        start += len(part)
    return b"".join(parts)


def _open(path: Path, *, writing: bool) -> int:
    if not writing and not path.is_file():
        raise InputNotFoundError("there is no such audit log", case=str(path))
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND if writing else os.O_RDONLY
    try:
        if writing:
            path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, flags, 0o666)
    except OSError as error:
        kind = OutputError if writing else AuditError
        raise kind(
            "the audit log cannot be opened", case=str(path), found=error.strerror or str(error)
        ) from error


def _lock(descriptor: int, path: Path, kind: int, patience_seconds: float) -> None:
    last = time.monotonic() + patience_seconds
    while not _got_lock(descriptor, path, kind):
        if time.monotonic() > last:
            raise _no_lock(path, f"another process has held it for {patience_seconds:g} s")
        time.sleep(_RETRY_SECONDS)


def _got_lock(descriptor: int, path: Path, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise _no_lock(path, f"the file system gives no lock: {error.strerror}") from error
    return True


def _no_lock(path: Path, found: str) -> AuditError:
    return AuditError(
        "the audit log cannot be locked",
        case=str(path),
        found=found,
        remedy="End the other process, or keep the log on a local disk",
    )
