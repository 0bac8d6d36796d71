"""Who does the work of a batch: this process, or others that it directs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from lesionseg.batch.cases import BatchCase
from lesionseg.batch.crew import UNTIL_STOP, Crew
from lesionseg.batch.events import BatchEvent
from lesionseg.batch.ledger import Ledger
from lesionseg.batch.pipeline import Pipeline
from lesionseg.batch.stages import OwnStages
from lesionseg.batch.wanted import WantedBatch
from lesionseg.workflow.request import Watch


@dataclass(frozen=True)
class Job:
    """What an engine is given.

    Attributes
    ----------
    cases : sequence of BatchCase
        In the order in which they are to be begun.
    wanted : WantedBatch
    ledger : Ledger
        Written by this process alone, whatever the engine.
    folder : Path
        Of the case folders.
    tell : callable
        Hears every event, from any thread.
    watch : Watch
    asked : Event
        Somebody asked to stop; who runs the batch then sets `stop`.
    stop : Event
        Once it is set nothing is begun, and what is not segmented is put back. An engine sets it too, when
        it cannot go on.
    """

    cases: Sequence[BatchCase]
    wanted: WantedBatch
    ledger: Ledger
    folder: Path
    tell: Callable[[BatchEvent], None]
    watch: Watch
    asked: threading.Event
    stop: threading.Event = field(default_factory=threading.Event)


class Shift(Protocol):
    """Work that can be begun and waited for."""

    @property
    def error(self) -> BaseException | None:
        """What ended the work before its time."""

    @property
    def is_running(self) -> bool:
        """Whether anything is still at work."""

    def start(self) -> None:
        """Begin."""

    def join(self) -> None:
        """Wait for the end."""


class Engine(Protocol):
    """Makes a shift of a job; what it needs for that is there until the block ends."""

    def open(self, job: Job) -> AbstractContextManager[Shift]:
        """Raise where the work cannot be done at all."""


class LocalEngine:
    """Threads of this process, and one device."""

    @contextmanager
    def open(self, job: Job) -> Iterator[Shift]:
        """Yield the pipeline."""
        wanted = job.wanted
        stages = OwnStages(wanted.settings, wanted.segmenter, job.folder, job.watch)
        crew = Crew(job.ledger, wanted, job.folder, job.tell, stages)
        yield Pipeline(
            job.cases,
            crew.steps(),
            crew,
            slots=wanted.settings.scans_in_memory,
            stop=job.stop,
            until_stop=UNTIL_STOP,
        )
