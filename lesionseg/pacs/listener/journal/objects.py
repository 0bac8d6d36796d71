"""Objects that were acknowledged: one row for each SOP instance, once and for all."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable

from lesionseg.core.database import Database
from lesionseg.pacs.listener.journal.records import ReceivedObject

_COLUMNS = "sop_instance_uid, study_uid, series_uid, file, sha256, size_bytes, calling"


class Objects:
    """Rows of received objects, and when their study last grew."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def find(self, sop_instance_uid: str) -> ReceivedObject | None:
        """Return the object with this UID; None where none was received."""
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM object WHERE sop_instance_uid = ?",  # noqa: S608 - own columns
            sop_instance_uid,
        )
        return _received(rows[0]) if rows else None

    def add(self, received: ReceivedObject) -> None:
        """Record an object whose file is on disk; its study is no longer quiet."""
        now = self._clock()
        with self._database.transaction() as connection:
            number = connection.execute(
                f"INSERT INTO object ({_COLUMNS}, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                (*_values(received), now),
            ).lastrowid
            connection.execute(
                "INSERT INTO study (study_uid, newest, last_at) VALUES (?, ?, ?)"
                " ON CONFLICT (study_uid) DO UPDATE SET newest = excluded.newest, last_at = excluded.last_at",
                (received.study_uid, number, now),
            )

    def is_aside(self, sop_instance_uid: str, sha256: str) -> bool:
        """Whether this very content was kept aside before."""
        query = "SELECT 1 FROM kept_aside WHERE sop_instance_uid = ? AND sha256 = ?"
        return bool(self._database.rows(query, sop_instance_uid, sha256))

    def add_aside(self, received: ReceivedObject) -> None:
        """Record another content of a known SOP instance; no study grows by it."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO kept_aside (sop_instance_uid, study_uid, file, sha256, size_bytes, calling, at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    received.sop_instance_uid,
                    received.study_uid,
                    received.file,
                    received.sha256,
                    received.size_bytes,
                    received.calling,
                    self._clock(),
                ),
            )

    def of_study(self, study_uid: str, through: int) -> tuple[ReceivedObject, ...]:
        """Return a study's objects up to the one numbered `through`, in the order of their arrival."""
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM object WHERE study_uid = ? AND number <= ? ORDER BY number",  # noqa: S608
            study_uid,
            through,
        )
        return tuple(_received(row) for row in rows)

    def all(self) -> tuple[ReceivedObject, ...]:
        """Return every object, in the order of arrival."""
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM object ORDER BY number")  # noqa: S608
        return tuple(_received(row) for row in rows)

    def forget(self, gone: Iterable[ReceivedObject]) -> None:
        """Drop rows whose files somebody removed: sent again, they are new."""
        with self._database.transaction() as connection:
            connection.executemany(
                "DELETE FROM object WHERE sop_instance_uid = ?", [(one.sop_instance_uid,) for one in gone]
            )

    def stored_bytes(self) -> int:
        """Return what all received files take, those kept aside included."""
        (row,) = self._database.rows(
            "SELECT (SELECT COALESCE(SUM(size_bytes), 0) FROM object)"
            " + (SELECT COALESCE(SUM(size_bytes), 0) FROM kept_aside) AS total"
        )
        return int(row["total"])

    def count_aside(self, study_uid: str) -> int:
        """Return how many objects of a study were kept aside."""
        (row,) = self._database.rows(
            "SELECT COUNT(*) AS count FROM kept_aside WHERE study_uid = ?", study_uid
        )
        return int(row["count"])


def _values(received: ReceivedObject) -> tuple[str | int, ...]:
    return (
        received.sop_instance_uid,
        received.study_uid,
        received.series_uid,
        received.file,
        received.sha256,
        received.size_bytes,
        received.calling,
    )


def _received(row: sqlite3.Row) -> ReceivedObject:
    return ReceivedObject(**dict(row))
