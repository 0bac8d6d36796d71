"""Jobs: which studies wait, which one is with the segmenter, and how each ended."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from lesionseg.core.database import Database
from lesionseg.pacs.listener.journal.records import Job, Result, State
from lesionseg.pacs.listener.journal.transitions import move, record

STOPPED = "the listener was stopped while it was segmented"
_COLUMNS = "number, study_uid, revision, state, reason, starts, through"


class Jobs:
    """Rows of jobs; a study has one that is not ended at most."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def all(self) -> tuple[Job, ...]:
        """Return every job in the order in which they were made."""
        return tuple(_job(row) for row in self._database.rows(f"SELECT {_COLUMNS} FROM job ORDER BY number"))  # noqa: S608

    def queue_quiet(self, quiet_seconds: float) -> tuple[Job, ...]:
        """Make a job of each study that has objects in no job yet and has gone quiet."""
        now = self._clock()
        with self._database.transaction() as connection:
            studies = connection.execute(
                "SELECT study_uid, newest FROM study WHERE newest > through"
                # far in the future: the clock was set back
                " AND (last_at <= ? OR last_at > ?) AND NOT EXISTS ("
                " SELECT 1 FROM job WHERE job.study_uid = study.study_uid AND state IN (?, ?))"
                " ORDER BY last_at",
                (now - quiet_seconds, now + quiet_seconds, State.RECEIVED, State.SEGMENTING),
            ).fetchall()
            return tuple(self._add(connection, row["study_uid"], row["newest"], now) for row in studies)

    def claim(self, quiet_seconds: float) -> Job | None:
        """Take the first waiting job whose study is quiet, with all objects there are by now.

        The start is counted before it begins, so that a case that kills the process is known by it.
        """
        now = self._clock()
        with self._database.transaction() as connection:
            found = connection.execute(
                "SELECT job.number, study.study_uid, newest FROM job JOIN study USING (study_uid)"
                " WHERE state = ? AND not_before <= ? AND (last_at <= ? OR last_at > ?)"
                " ORDER BY job.number LIMIT 1",
                (State.RECEIVED, now, now - quiet_seconds, now + quiet_seconds),
            ).fetchone()
            if found is None:
                return None
            number, study_uid, newest = found
            move(connection, number, State.SEGMENTING, "", at=now)
            connection.execute(
                "UPDATE job SET starts = starts + 1, through = ? WHERE number = ?", (newest, number)
            )
            connection.execute("UPDATE study SET through = ? WHERE study_uid = ?", (newest, study_uid))
            return _one(connection, number)

    def finish(self, job: Job, results: Sequence[Result]) -> State:
        """Record the results of a segmented study, unless further objects arrived meanwhile.

        Returns
        -------
        State
            ``done``, or ``superseded`` where the next revision makes the results.
        """
        now = self._clock()
        with self._database.transaction() as connection:
            (newest,) = connection.execute(
                "SELECT newest FROM study WHERE study_uid = ?", (job.study_uid,)
            ).fetchone()
            if newest > job.through:
                move(connection, job.number, State.SUPERSEDED, "further objects arrived", at=now)
                return State.SUPERSEDED
            connection.executemany(
                "INSERT INTO result (job, sop_instance_uid, file, sha256) VALUES (?, ?, ?, ?)",
                [(job.number, one.sop_instance_uid, one.file, one.sha256) for one in results],
            )
            move(connection, job.number, State.DONE, "", at=now)
        return State.DONE

    def fail(self, job: Job, reason: str) -> None:
        """Set a job aside with its reason."""
        with self._database.transaction() as connection:
            move(connection, job.number, State.FAILED, reason, at=self._clock())

    def put_back(self, job: Job, reason: str, *, after_seconds: float = 0.0, counted: bool = True) -> None:
        """Let a job wait again; a stop in good order is not counted as a start."""
        now = self._clock()
        with self._database.transaction() as connection:
            move(connection, job.number, State.RECEIVED, reason, at=now)
            connection.execute(
                "UPDATE job SET not_before = ?, starts = starts - ? WHERE number = ?",
                (now + after_seconds, 0 if counted else 1, job.number),
            )

    def resume(self, starts: int) -> tuple[Job, ...]:
        """Put back what a killed process left behind; set aside what was begun `starts` times.

        Called once, before the worker runs.
        """
        now = self._clock()
        with self._database.transaction() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM job WHERE state = ?",  # noqa: S608 - own columns
                (State.SEGMENTING,),
            ).fetchall()
            for row in rows:
                if row["starts"] >= starts:
                    reason = f"{STOPPED}, {row['starts']} times"
                    move(connection, row["number"], State.FAILED, reason, at=now)
                else:
                    move(connection, row["number"], State.RECEIVED, STOPPED, at=now)
            return tuple(_one(connection, row["number"]) for row in rows)

    def reopen(self, study_uid: str) -> bool:
        """Make the next revision of a study out of the objects there are, though nothing new arrived.

        Returns
        -------
        bool
            False where there is no such study, or it has not ended yet.
        """
        now = self._clock()
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT newest FROM study WHERE study_uid = ? AND NOT EXISTS ("
                " SELECT 1 FROM job WHERE job.study_uid = study.study_uid AND state IN (?, ?))",
                (study_uid, State.RECEIVED, State.SEGMENTING),
            ).fetchone()
            if row is not None:
                self._add(connection, study_uid, row["newest"], now)
        return row is not None

    @staticmethod
    def _add(connection: sqlite3.Connection, study_uid: str, newest: int, now: float) -> Job:
        (revision,) = connection.execute(
            "SELECT COALESCE(MAX(revision), 0) + 1 FROM job WHERE study_uid = ?", (study_uid,)
        ).fetchone()
        number = connection.execute(
            "INSERT INTO job (study_uid, revision, state, through) VALUES (?, ?, ?, ?)",
            (study_uid, revision, State.RECEIVED, newest),
        ).lastrowid
        record(connection, int(number or 0), "", State.RECEIVED, "", at=now)
        return _one(connection, int(number or 0))


def _one(connection: sqlite3.Connection, number: int) -> Job:
    query = f"SELECT {_COLUMNS} FROM job WHERE number = ?"  # noqa: S608 - own columns
    return _job(connection.execute(query, (number,)).fetchone())


def _job(row: sqlite3.Row) -> Job:
    return Job(**{**dict(row), "state": State(row["state"])})
