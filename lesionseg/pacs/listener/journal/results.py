"""Results on their way to the destination, each with its own state."""

from __future__ import annotations

from collections.abc import Callable

from lesionseg.core.database import Database
from lesionseg.pacs.listener.journal.records import Result, State
from lesionseg.pacs.listener.journal.transitions import move


class Results:
    """Rows of files to send."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def of_job(self, job: int) -> tuple[Result, ...]:
        """Return the results of a job, sent or not."""
        return self._where("job = ?", job)

    def due(self) -> tuple[Result, ...]:
        """Return what is to be sent now of the first job that has any."""
        waiting = self._where(
            "sent = 0 AND not_before <= ? AND job IN (SELECT number FROM job WHERE state = ?)",
            self._clock(),
            State.DONE,
        )
        return tuple(one for one in waiting if one.job == waiting[0].job)

    def supersede(self) -> None:
        """Drop what waits to be sent of a study of which a later revision is made.

        Sent after the later ones, such results would look like the newer ones. Called by the courier, between
        two sendings.
        """
        outdated = self._database.rows(
            "SELECT number, (SELECT MAX(later.revision) FROM job AS later"
            " WHERE later.study_uid = job.study_uid AND later.number > job.number"
            " AND later.state IN (?, ?)) AS newer FROM job WHERE state = ? AND newer IS NOT NULL",
            State.DONE,
            State.SENT,
            State.DONE,
        )
        for job, newer in outdated:
            with self._database.transaction() as connection:
                reason = f"revision {newer} was made before all of it was sent"
                move(connection, job, State.SUPERSEDED, reason, at=self._clock())

    def record_sent(self, result: Result, note: str = "") -> bool:
        """Record that the destination has it; return whether its job is now all sent."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE result SET sent = 1, reason = ? WHERE sop_instance_uid = ?",
                (note, result.sop_instance_uid),
            )
            (left,) = connection.execute(
                "SELECT COUNT(*) FROM result WHERE job = ? AND sent = 0", (result.job,)
            ).fetchone()
            if left == 0:
                move(connection, result.job, State.SENT, "", at=self._clock())
        return bool(left == 0)

    def record_failure(self, result: Result, reason: str, *, after_seconds: float) -> None:
        """Record a failed attempt, and when the next is due."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE result SET attempts = attempts + 1, reason = ?, not_before = ?"
                " WHERE sop_instance_uid = ?",
                (reason, self._clock() + after_seconds, result.sop_instance_uid),
            )

    def give_up(self, result: Result, reason: str) -> None:
        """Fail the job of a result that will not be sent; its files stay on disk."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE result SET attempts = attempts + 1, reason = ? WHERE sop_instance_uid = ?",
                (reason, result.sop_instance_uid),
            )
            move(connection, result.job, State.FAILED, reason, at=self._clock())

    def _where(self, condition: str, *values: object) -> tuple[Result, ...]:
        rows = self._database.rows(
            "SELECT job, sop_instance_uid, file, sha256, sent, attempts, reason FROM result"  # noqa: S608
            f" WHERE {condition} ORDER BY job, rowid",
            *values,
        )
        return tuple(Result(**{**dict(row), "sent": bool(row["sent"])}) for row in rows)
