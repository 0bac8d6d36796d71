"""Takes cases through the four steps, and tells the ledger and whoever watches what became of them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from lesionseg.batch.arrivals import bring_here, let_go
from lesionseg.batch.cases import BatchCase
from lesionseg.batch.events import BatchEvent, Happening
from lesionseg.batch.failures import failure_of
from lesionseg.batch.ledger import Ledger
from lesionseg.batch.pipeline import Step
from lesionseg.batch.records import State
from lesionseg.batch.stages import Stages
from lesionseg.batch.wanted import WantedBatch
from lesionseg.core.errors import OutputError, OutputExistsError
from lesionseg.workflow.output import refuse_output
from lesionseg.workflow.request import CASE_OUTPUT

STOPPED = "the batch was stopped before its turn"
FETCH, READ, SEGMENT, MEASURE, WRITE = "fetch", "read", "segment", "measure", "write"
UNTIL_STOP = (READ, SEGMENT)
"""A scan that is segmented is finished, whoever asks to stop."""

Work = Callable[[BatchCase, Any], Any]


@dataclass
class Crew:
    """Takes cases through the four steps of `workflow.case`; every method may be called from any thread.

    Attributes
    ----------
    ledger : Ledger
    wanted : WantedBatch
    folder : Path
        Of the case folders.
    tell : callable
        Hears every event.
    stages : Stages
        Does the work, wherever that is.
    """

    ledger: Ledger
    wanted: WantedBatch
    folder: Path
    tell: Callable[[BatchEvent], None]
    stages: Stages
    clock: Callable[[], float] = time.perf_counter
    _began: dict[str, float] = field(default_factory=dict)

    def steps(self) -> Sequence[Step[BatchCase]]:
        """Return the steps; the network is one thread's, and so is drawing, which shares global settings."""
        works: dict[str, Work] = {
            SEGMENT: self.stages.segment,
            MEASURE: self.stages.measure,
            WRITE: self._write,
        }
        begin = Step(READ, self._begin, self.wanted.settings.readers)
        return [begin, *(Step(name, partial(self._timed, name, work)) for name, work in works.items())]

    def admit(self, case: BatchCase) -> bool:
        """Say whether a case needs work; one that is done already is taken over."""
        record = self.ledger.record(case.case_id)
        try:
            if self.wanted.still_holds(record, case, self.folder / case.case_id):
                let_go(case)
                self.tell(BatchEvent(Happening.TAKEN_OVER, case.case_id))
                return False
        except OutputExistsError as error:
            self.failed(case, error)
            return False
        except OSError:  # a file that is no longer there: told with its name when the scan is read
            return True
        if record.state is State.DONE:
            self.ledger.outdate(case.case_id)
        return True

    def failed(self, case: BatchCase, error: Exception) -> None:
        """Make a failure a row; raise it where no further case could be measured either."""
        failure = failure_of(error)
        self._began.pop(case.case_id, None)
        if failure.ends_everything:
            text = failure.text
            self.tell(BatchEvent(Happening.PUT_BACK, case.case_id, reason=failure.reason, text=text))
            raise failure.error or error
        if not failure.keeps_folder:
            _remove_outdated(self.folder / case.case_id)
        self.ledger.fail(case.case_id, failure.reason, failure.text)
        let_go(case)
        self.tell(BatchEvent(Happening.FAILED, case.case_id, reason=failure.reason, text=failure.text))

    def put_back(self, case: BatchCase) -> None:
        """Let a case wait for the next run."""
        self.stages.forget(case)
        self._began.pop(case.case_id, None)
        self.ledger.put_back(case.case_id, STOPPED)
        self.tell(BatchEvent(Happening.PUT_BACK, case.case_id, text=STOPPED))

    def retry(self, case: BatchCase, error: Exception) -> None:
        """Let a case wait for its next try in this run, and say why."""
        failure = failure_of(error)
        self._began.pop(case.case_id, None)
        self.ledger.put_back(case.case_id, failure.text)
        self.tell(BatchEvent(Happening.RETRIED, case.case_id, reason=failure.reason, text=failure.text))

    def _timed(self, stage: str, work: Work, case: BatchCase, content: Any) -> Any:
        self.tell(BatchEvent(Happening.STAGE, case.case_id, stage))
        start = self.clock()
        self._began.setdefault(case.case_id, start)
        found = work(case, content)
        seconds = self.clock() - start
        self.tell(BatchEvent(Happening.STAGE, case.case_id, stage, seconds))
        if stage == WRITE:
            whole = self.clock() - self._began.pop(case.case_id)
            self.tell(BatchEvent(Happening.DONE, case.case_id, seconds=whole, text="; ".join(found)))
        return found

    def _begin(self, case: BatchCase, _: None) -> Any:
        """Fetch the scan, if it lies elsewhere, and read it."""
        self.ledger.start(case.case_id)
        here = case if case.remote is None else self._timed(FETCH, self._fetch, case, None)
        return self._timed(READ, self._read, here, None)

    def _fetch(self, case: BatchCase, _: None) -> BatchCase:
        return bring_here(case, self.ledger)

    def _read(self, case: BatchCase, _: None) -> Any:
        if case.error is not None:
            raise case.error
        return self.stages.read(case)

    def _write(self, case: BatchCase, measured: Any) -> tuple[str, ...]:
        """Write the folder; only when it is on disk under its name, record it."""
        written = self.stages.write(case, measured)
        key = self.wanted.key(written.manifest)
        self.ledger.finish(case.case_id, key, written.outputs, written.warnings)
        let_go(case)
        return written.warnings


def _remove_outdated(folder: Path) -> None:
    """Take away what an earlier run made of this scan, which no longer holds; nothing else is touched."""
    try:
        refuse_output(folder, CASE_OUTPUT, overwrite=True)
    except OutputError:
        return
    shutil.rmtree(folder, ignore_errors=True)
