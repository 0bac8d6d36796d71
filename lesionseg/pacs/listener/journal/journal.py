"""The journal as a whole: objects, jobs, results and transitions of one folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from lesionseg.core.database import Database
from lesionseg.pacs.listener.journal.jobs import Jobs
from lesionseg.pacs.listener.journal.layout import JOURNAL
from lesionseg.pacs.listener.journal.objects import Objects
from lesionseg.pacs.listener.journal.results import Results
from lesionseg.pacs.listener.journal.transitions import Transitions

FILE_NAME = "journal.sqlite"


class Journal:
    """Opens, or begins, the journal in a folder.

    Parameters
    ----------
    folder : Path
        Of the listener.
    clock : callable, optional
        Seconds since 1970: wall time, since it must mean the same after a restart.

    Attributes
    ----------
    objects : Objects
        What was received.
    jobs : Jobs
        Studies to segment.
    results : Results
        Files to send.
    transitions : Transitions
        Every change of a job's state.

    Raises
    ------
    OutputError
        If the file cannot be opened; every method raises it when the journal cannot be written.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._database = Database(folder / FILE_NAME, JOURNAL)
        self.objects = Objects(self._database, clock)
        self.jobs = Jobs(self._database, clock)
        self.results = Results(self._database, clock)
        self.transitions = Transitions(self._database)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
