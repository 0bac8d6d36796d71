"""The ledger's file: SQLite with a write-ahead log; every transaction is on disk before it is over."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from lesionseg.core.errors import OutputError

LAYOUT: Final = 1
_BUSY_SECONDS: Final = 30.0
_TABLES: Final = (
    """CREATE TABLE scan (
    case_id TEXT PRIMARY KEY COLLATE NOCASE, identity TEXT NOT NULL UNIQUE, state TEXT NOT NULL,
    starts INTEGER NOT NULL DEFAULT 0, listed INTEGER NOT NULL DEFAULT 1,
    input_sha256 TEXT, bundle_sha256 TEXT, settings_sha256 TEXT,
    reason TEXT NOT NULL DEFAULT '', reason_text TEXT NOT NULL DEFAULT '',
    warnings TEXT NOT NULL DEFAULT '[]', outputs TEXT NOT NULL DEFAULT '{}', facts TEXT NOT NULL)""",
    """CREATE TABLE transition (
    number INTEGER PRIMARY KEY AUTOINCREMENT, case_id TEXT NOT NULL REFERENCES scan (case_id),
    at TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL)""",
)


class Database:
    """Transactions on one file, safe to call from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        with self._named_faults():
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA journal_mode = WAL")
            # FULL also syncs the log at each commit: NORMAL may lose the last ones when the power goes
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA foreign_keys = ON")
        self._lay_out()

    def close(self) -> None:
        """Close the file; the log is merged into it."""
        with self._lock:
            self._connection.close()

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Return the rows of a query."""
        with self._lock, self._named_faults():
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything within is on disk at the end, or none of it.

        Raises
        ------
        OutputError
            If the disk is full or the file cannot be written.
        """
        with self._lock, self._named_faults():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _lay_out(self) -> None:
        with self.transaction() as connection:
            (found,) = connection.execute("PRAGMA user_version").fetchone()
            if found == 0:
                for statement in _TABLES:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {LAYOUT}")
        if found not in (0, LAYOUT):
            raise OutputError(
                "the ledger was written by another version of lesionseg",
                case=str(self._path),
                expected=f"layout {LAYOUT}",
                found=f"layout {found}",
                remedy="Use that version, or another folder",
            )

    @contextmanager
    def _named_faults(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise OutputError(
                "the ledger could not be read or written",
                case=str(self._path),
                found=str(error),
                remedy="Free space, or see that the folder may be written; then run the batch again",
            ) from error
