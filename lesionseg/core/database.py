"""An SQLite file with a write-ahead log: one writer at a time, all on disk before a transaction is over."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lesionseg.core.errors import OutputError

_BUSY_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Layout:
    """What a file holds.

    Attributes
    ----------
    name : str
        What messages call the file.
    version : int
        At least 1; a file of another version is refused.
    statements : tuple of str
        SQL that makes the tables of a new file.
    """

    name: str
    version: int
    statements: tuple[str, ...]


class Database:
    """Transactions on one file, safe to call from any thread.

    Raises
    ------
    OutputError
        If the disk is full, the file cannot be read or written, or it has another layout.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        self._path, self._layout = path, layout
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
        layout = self._layout
        with self.transaction() as connection:
            (found,) = connection.execute("PRAGMA user_version").fetchone()
            if found == 0:
                for statement in layout.statements:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {layout.version}")
        if found not in (0, layout.version):
            raise OutputError(
                f"the {layout.name} was written by another version of lesionseg",
                case=str(self._path),
                expected=f"layout {layout.version}",
                found=f"layout {found}",
                remedy="Use that version, or another folder",
            )

    @contextmanager
    def _named_faults(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise OutputError(
                f"the {self._layout.name} could not be read or written",
                case=str(self._path),
                found=str(error),
                remedy="Free space, or see that the folder may be written; then start again",
            ) from error
