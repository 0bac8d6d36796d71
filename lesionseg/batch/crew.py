"""What the steps of the pipeline do with a case, and what the ledger hears of it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from lesionseg.batch.cases import BatchCase
from lesionseg.batch.events import BatchEvent, Happening
from lesionseg.batch.extras import add_extras
from lesionseg.batch.ledger import Ledger
from lesionseg.batch.pipeline import Step
from lesionseg.batch.records import State
from lesionseg.batch.wanted import WantedBatch, hashes_of
from lesionseg.core.errors import (
    BundleError,
    DeviceError,
    LesionSegError,
    OutputError,
    OutputExistsError,
)
from lesionseg.workflow.case import (
    LabelledCase,
    MeasuredCase,
    ReadCase,
    label_scan,
    measure_labels,
    read_scan,
    write_case,
)
from lesionseg.workflow.output import refuse_output
from lesionseg.workflow.request import CASE_OUTPUT, CaseRequest, Watch
from lesionseg.workflow.trial.cases import FAULT

OUT_OF_MEMORY = "out-of-memory"
"""Reason code of a scan for which there was not enough memory."""
STOPPED = "the batch was stopped before its turn"
READ, SEGMENT, MEASURE, WRITE = "read", "segment", "measure", "write"
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
    watch : Watch
    """

    ledger: Ledger
    wanted: WantedBatch
    folder: Path
    tell: Callable[[BatchEvent], None]
    watch: Watch
    clock: Callable[[], float] = time.perf_counter
    _began: dict[str, float] = field(default_factory=dict)

    def steps(self) -> Sequence[Step[BatchCase]]:
        """Return the steps; the network is one thread's, and so is drawing, which shares global settings."""
        works: dict[str, Work] = {
            READ: self._read,
            SEGMENT: self._segment,
            MEASURE: self._measure,
            WRITE: self._write,
        }
        return [
            Step(name, partial(self._timed, name, work), self.wanted.settings.readers if name == READ else 1)
            for name, work in works.items()
        ]

    def admit(self, case: BatchCase) -> bool:
        """Say whether a case needs work; one that is done already is taken over."""
        record = self.ledger.record(case.case_id)
        try:
            if self.wanted.still_holds(record, case, self.folder / case.case_id):
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
        reason, text = _told(error)
        self._began.pop(case.case_id, None)
        if _ends_everything(error):
            self.tell(BatchEvent(Happening.PUT_BACK, case.case_id, reason=reason, text=text))
            raise error
        if not isinstance(error, OutputExistsError):  # somebody's files stay
            _remove_outdated(self.folder / case.case_id)
        self.ledger.fail(case.case_id, reason, text)
        self.tell(BatchEvent(Happening.FAILED, case.case_id, reason=reason, text=text))

    def put_back(self, case: BatchCase) -> None:
        """Let a case wait for the next run."""
        self.ledger.put_back(case.case_id, STOPPED)
        self.tell(BatchEvent(Happening.PUT_BACK, case.case_id, text=STOPPED))

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

    def _read(self, case: BatchCase, _: None) -> ReadCase:
        self.ledger.start(case.case_id)
        if case.error is not None:
            raise case.error
        request = CaseRequest(
            case.path,
            self.folder / case.case_id,
            series_uid=case.asked_series,
            repairs=self.wanted.repairs(case),
            overwrite=True,
            found=case.find_again(),
            label=case.case_id,
        )
        return read_scan(request, settings=self.wanted.settings.case, watch=self.watch)

    def _segment(self, _: BatchCase, read: ReadCase) -> LabelledCase:
        return label_scan(read, self.wanted.segmenter)

    @staticmethod
    def _measure(_: BatchCase, labelled: LabelledCase) -> MeasuredCase:
        return measure_labels(labelled)

    def _write(self, case: BatchCase, measured: MeasuredCase) -> tuple[str, ...]:
        """Write the folder; only when it is on disk under its name, record it."""
        folder = self.folder / case.case_id
        add = partial(add_extras, settings=self.wanted.settings, folder=folder)
        result = write_case(measured, add=add)
        key = self.wanted.key(result.manifest)
        self.ledger.finish(case.case_id, key, hashes_of(folder), result.warnings)
        return result.warnings


def _told(error: Exception) -> tuple[str, str]:
    """Return code and sentence."""
    if _is_out_of_memory(error):
        remedy = "Free memory, let fewer scans be in memory at once, or segment this scan by itself"
        return (
            OUT_OF_MEMORY,
            f"there was not enough memory for this scan: {error or 'MemoryError'}. {remedy}.",
        )
    if isinstance(error, LesionSegError):
        return error.code, str(error)
    return FAULT, f"{type(error).__name__}: {error}"


def _is_out_of_memory(error: Exception) -> bool:
    """Tell it of numpy, and of torch, which is not imported here."""
    return isinstance(error, MemoryError) or type(error.__cause__).__name__ == "OutOfMemoryError"


def _ends_everything(error: Exception) -> bool:
    """Tell a fault of model, device or disk, which the next scan would meet too, from a scan's own."""
    if isinstance(error, OutputExistsError) or _is_out_of_memory(error):
        return False
    return isinstance(error, (BundleError, DeviceError, OutputError))


def _remove_outdated(folder: Path) -> None:
    """Take away what an earlier run made of this scan, which no longer holds; nothing else is touched."""
    try:
        refuse_output(folder, CASE_OUTPUT, overwrite=True)
    except OutputError:
        return
    shutil.rmtree(folder, ignore_errors=True)
