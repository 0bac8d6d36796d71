"""The ledger: one row and one state for every case; what it calls done is on disk."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from lesionseg.batch.cases import BatchCase
from lesionseg.batch.layout import LEDGER
from lesionseg.batch.names import free_name
from lesionseg.batch.records import CaseKey, CaseRecord, State, Transition
from lesionseg.core.database import Database

LEFT_BEHIND = "the process ended while this case was in work"
CHANGED = "input, model, settings or version have changed since it was measured"


class Ledger:
    """Opens, or begins, the ledger in a file; safe to call from any thread.

    Parameters
    ----------
    path : Path
    now : callable, optional
        Wall time, for the history alone.

    Raises
    ------
    OutputError
        If the file cannot be opened; every method raises it when the ledger cannot be written.
    """

    def __init__(self, path: Path, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = Database(path, LEDGER)
        self._now = now

    def enlist(self, cases: Sequence[BatchCase]) -> tuple[BatchCase, ...]:
        """Take the work list in, and put back what a killed process left in work.

        Returns
        -------
        tuple of BatchCase
            With the names they have here: a scan that is known by its identity keeps the one it has.
        """
        with self._database.transaction() as connection:
            for (case_id,) in connection.execute(
                "SELECT case_id FROM scan WHERE state = ?", (State.RUNNING,)
            ).fetchall():
                self._move(connection, case_id, State.PENDING, LEFT_BEHIND)
            rows = connection.execute("SELECT identity, case_id, facts FROM scan").fetchall()
            known = {row["identity"]: _Known(row["case_id"], row["facts"]) for row in rows}
            taken = {one.case_id.lower() for one in known.values()}
            connection.execute("UPDATE scan SET listed = 0")
            return tuple(_enlisted(connection, case, known, taken) for case in cases)

    def records(self) -> tuple[CaseRecord, ...]:
        """Return every case, by name."""
        return tuple(map(_record, self._database.rows("SELECT * FROM scan ORDER BY case_id, identity")))

    def record(self, case_id: str) -> CaseRecord:
        """Return one case."""
        (row,) = self._database.rows("SELECT * FROM scan WHERE case_id = ?", case_id)
        return _record(row)

    def history(self) -> tuple[Transition, ...]:
        """Return every change of every case's state, in the order in which they came."""
        rows = self._database.rows("SELECT * FROM transition ORDER BY number")
        return tuple(Transition(**{**dict(row), "state": State(row["state"])}) for row in rows)

    def outdate(self, case_id: str) -> None:
        """Make a done case pending again: what it was made of has changed."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE scan SET starts = 0 WHERE case_id = ?", (case_id,))
            self._move(connection, case_id, State.PENDING, CHANGED)

    def start(self, case_id: str) -> None:
        """Note that a case is in work, before it is."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE scan SET starts = starts + 1 WHERE case_id = ?", (case_id,))
            self._move(connection, case_id, State.RUNNING)

    def put_back(self, case_id: str, reason: str) -> None:
        """Let a case wait again; a stop in good order is not counted as a start."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE scan SET starts = starts - 1 WHERE case_id = ?", (case_id,))
            self._move(connection, case_id, State.PENDING, reason)

    def note_fetched(self, case_id: str, content: str, series_uid: str) -> None:
        """Note what was fetched of a study that lies elsewhere, and which of its series is measured."""
        with self._database.transaction() as connection:
            (text,) = connection.execute("SELECT facts FROM scan WHERE case_id = ?", (case_id,)).fetchone()
            facts = {**json.loads(text), "content": content, "series_uid": series_uid}
            connection.execute("UPDATE scan SET facts = ? WHERE case_id = ?", (json.dumps(facts), case_id))

    def finish(
        self, case_id: str, key: CaseKey, outputs: Mapping[str, str], warnings: Sequence[str] = ()
    ) -> None:
        """Record a case whose folder is on disk, under its name."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE scan SET starts = 0, input_sha256 = ?, bundle_sha256 = ?, settings_sha256 = ?,"
                " outputs = ?, warnings = ? WHERE case_id = ?",
                (
                    key.input_sha256,
                    key.bundle_sha256,
                    key.settings_sha256,
                    json.dumps(dict(outputs)),
                    json.dumps(list(warnings)),
                    case_id,
                ),
            )
            self._move(connection, case_id, State.DONE)

    def fail(self, case_id: str, reason: str, text: str) -> None:
        """Record that a case failed, with error code and sentence."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE scan SET starts = 0, input_sha256 = NULL, outputs = '{}', warnings = '[]'"
                " WHERE case_id = ?",
                (case_id,),
            )
            self._move(connection, case_id, State.FAILED, reason, text)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _move(
        self, connection: sqlite3.Connection, case_id: str, state: State, reason: str = "", text: str = ""
    ) -> None:
        connection.execute(
            "UPDATE scan SET state = ?, reason = ?, reason_text = ? WHERE case_id = ?",
            (state, reason if text else "", text or reason, case_id),
        )
        connection.execute(
            "INSERT INTO transition (case_id, at, state, reason) VALUES (?, ?, ?, ?)",
            (case_id, self._now().isoformat(timespec="milliseconds"), state, text or reason),
        )


class _Known(NamedTuple):
    case_id: str
    facts: str


def _enlisted(
    connection: sqlite3.Connection, case: BatchCase, known: Mapping[str, _Known], taken: set[str]
) -> BatchCase:
    before = known.get(case.identity)
    name = before.case_id if before else free_name(case.case_id, taken)
    taken.add(name.lower())
    facts = _facts(case)
    if case.remote is not None and before is not None:  # known since it was fetched
        noted = json.loads(before.facts)
        facts |= {key: noted[key] for key in ("series_uid", "content") if noted.get(key)}
    connection.execute(
        "INSERT INTO scan (case_id, identity, state, facts) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (identity) DO UPDATE SET listed = 1, facts = excluded.facts",
        (name, case.identity, State.PENDING, json.dumps(facts)),
    )
    return replace(case, case_id=name)


def _facts(case: BatchCase) -> dict[str, str]:
    return {
        "patient_id": case.patient_id,
        "study_uid": case.study_uid,
        "series_uid": case.series_uid,
        "study_date": case.study_date,
        "path": str(case.path) if case.remote is None else case.remote.place,
    }


def _record(row: sqlite3.Row) -> CaseRecord:
    values: dict[str, Any] = dict(row)
    hashes = (values.pop("input_sha256"), values.pop("bundle_sha256"), values.pop("settings_sha256"))
    return CaseRecord(
        **{
            **values,
            "state": State(row["state"]),
            "listed": bool(row["listed"]),
            "key": CaseKey(*hashes) if all(hashes) else None,
            "warnings": tuple(json.loads(row["warnings"])),
            "outputs": json.loads(row["outputs"]),
            "facts": json.loads(row["facts"]),
        }
    )
