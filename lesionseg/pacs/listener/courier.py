"""Sends what is due, and records each object's outcome before it goes on to the next."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from lesionseg.core.provenance import sha256_of_file
from lesionseg.pacs.listener.journal import Journal, Result
from lesionseg.pacs.listener.send import Outcome, Send
from lesionseg.pacs.listener.settings import ListenSettings

Say = Callable[[str], None]


class Courier:
    """Runs in one thread.

    A result whose answer was lost is sent again: the same file with the same UIDs, which the destination
    knows to be one object. It is never made anew.
    """

    def __init__(
        self, settings: ListenSettings, journal: Journal, send: Send, *, stop: threading.Event, say: Say
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._send = send
        self._stop = stop
        self._say = say

    def step(self) -> bool:
        """Send the results of one study that are due; return whether there were any."""
        self._journal.results.supersede()
        due = self._journal.results.due()
        if not all(self._is_sound(result) for result in due):
            return True
        by_path = {self._path(result): result for result in due}
        if not due:
            return False
        with closing(self._send(tuple(by_path))) as outcomes:
            for outcome in outcomes:
                self._record(by_path[outcome.path], outcome)
                if self._stop.is_set():
                    break
        return True

    def _record(self, result: Result, outcome: Outcome) -> None:
        if outcome.is_stored:
            if self._journal.results.record_sent(result, outcome.detail):
                self._say(f"all results of {result.file.rsplit('/', 2)[0]} are sent")
            return
        retries, attempts = self._settings.retries, result.attempts + 1
        if attempts >= retries.attempts:
            self._give_up(result, f"not sent after {attempts} attempts: {outcome.detail}")
            return
        wait = retries.delay_seconds(attempts)
        self._journal.results.record_failure(result, outcome.detail, after_seconds=wait)
        self._say(f"{result.file} is sent again in {wait:.0f} s: {outcome.detail}")

    def _is_sound(self, result: Result) -> bool:
        """Tell whether a file is still what was recorded; another one under the same UID is never sent."""
        path = self._path(result)
        if path.is_file() and sha256_of_file(path) == result.sha256:
            return True
        self._give_up(result, f"{result.file} has changed or gone since it was made")
        return False

    def _give_up(self, result: Result, reason: str) -> None:
        self._journal.results.give_up(result, reason)
        self._say(reason)

    def _path(self, result: Result) -> Path:
        return self._settings.folder / result.file
