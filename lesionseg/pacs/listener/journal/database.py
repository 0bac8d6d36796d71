"""The SQLite file: one connection, one writer at a time, every transaction on disk before it is over."""

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
_SCHEMA: Final = """
CREATE TABLE object (
    number INTEGER PRIMARY KEY AUTOINCREMENT, sop_instance_uid TEXT NOT NULL UNIQUE, study_uid TEXT NOT NULL,
    series_uid TEXT NOT NULL, file TEXT NOT NULL UNIQUE, sha256 TEXT NOT NULL, size_bytes INTEGER NOT NULL,
    calling TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX object_of_study ON object (study_uid, number);
CREATE TABLE study (
    study_uid TEXT PRIMARY KEY, newest INTEGER NOT NULL, last_at REAL NOT NULL,
    through INTEGER NOT NULL DEFAULT 0);
CREATE INDEX study_with_news ON study (last_at) WHERE newest > through;
CREATE TABLE kept_aside (
    sop_instance_uid TEXT NOT NULL, sha256 TEXT NOT NULL, study_uid TEXT NOT NULL, file TEXT NOT NULL,
    size_bytes INTEGER NOT NULL, calling TEXT NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (sop_instance_uid, sha256));
CREATE TABLE job (
    number INTEGER PRIMARY KEY AUTOINCREMENT, study_uid TEXT NOT NULL, revision INTEGER NOT NULL,
    state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', starts INTEGER NOT NULL DEFAULT 0,
    through INTEGER NOT NULL, not_before REAL NOT NULL DEFAULT 0, UNIQUE (study_uid, revision));
CREATE TABLE result (
    sop_instance_uid TEXT PRIMARY KEY, job INTEGER NOT NULL REFERENCES job (number),
    file TEXT NOT NULL UNIQUE, sha256 TEXT NOT NULL, sent INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before REAL NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '');
CREATE INDEX result_unsent ON result (job) WHERE sent = 0;
CREATE TABLE transition (
    number INTEGER PRIMARY KEY AUTOINCREMENT, job INTEGER NOT NULL REFERENCES job (number), at TEXT NOT NULL,
    before TEXT NOT NULL, after TEXT NOT NULL, reason TEXT NOT NULL, audited INTEGER NOT NULL DEFAULT 0);
CREATE INDEX transition_unaudited ON transition (number) WHERE audited = 0;
"""


class Database:
    """Transactions on one file, safe to call from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        with self._named_faults():
            path.parent.mkdir(parents=True, exist_ok=True)
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
                for statement in _SCHEMA.split(";\n"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {LAYOUT}")
        if found not in (0, LAYOUT):
            raise OutputError(
                "the journal was written by another version of lesionseg",
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
                "the journal could not be read or written",
                case=str(self._path),
                found=str(error),
                remedy="Free space, or see that the folder may be written",
            ) from error
