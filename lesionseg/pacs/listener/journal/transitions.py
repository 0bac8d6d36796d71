"""Changes of state: made here alone, so that none goes unrecorded."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

from lesionseg.core.database import Database
from lesionseg.pacs.listener.journal.records import State, Transition


def move(connection: sqlite3.Connection, job: int, after: State, reason: str, *, at: float) -> None:
    """Change a job's state within a transaction and record the change."""
    (before,) = connection.execute("SELECT state FROM job WHERE number = ?", (job,)).fetchone()
    connection.execute("UPDATE job SET state = ?, reason = ? WHERE number = ?", (after, reason, job))
    record(connection, job, before, after, reason, at=at)


def record(
    connection: sqlite3.Connection, job: int, before: str, after: str, reason: str, *, at: float
) -> None:
    """Record a change that the same transaction makes."""
    connection.execute(
        "INSERT INTO transition (job, at, before, after, reason) VALUES (?, ?, ?, ?, ?)",
        (job, datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds"), before, after, reason),
    )


class Transitions:
    """The record of all changes, and which of them the audit log has."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> tuple[Transition, ...]:
        """Return every change in its order."""
        return self._where("1")

    def unaudited(self) -> tuple[Transition, ...]:
        """Return the changes that are not yet in the audit log."""
        return self._where("audited = 0")

    def mark_audited(self, number: int) -> None:
        """Record that a change is in the audit log."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE transition SET audited = 1 WHERE number = ?", (number,))

    def _where(self, condition: str) -> tuple[Transition, ...]:
        rows = self._database.rows(
            "SELECT transition.number, study_uid, revision, at, before, after, transition.reason"  # noqa: S608
            " FROM transition JOIN job ON job.number = transition.job"
            f" WHERE {condition} ORDER BY transition.number"
        )
        return tuple(Transition(**dict(row)) for row in rows)
