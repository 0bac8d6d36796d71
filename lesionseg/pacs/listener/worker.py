"""Takes one quiet study after the other through the segmenter; a study that fails stops no other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Final

from lesionseg.core.errors import LesionSegError, OutputError
from lesionseg.pacs.listener.journal import Job, Journal, State
from lesionseg.pacs.listener.settings import ListenSettings
from lesionseg.pacs.listener.study import SegmentStudy, StopRequestedError, prepare, results_of

Say = Callable[[str], None]
_WAIT_AFTER_FAULT_SECONDS: Final = 60.0
"""After the disk was full; doubled with every start."""


class Worker:
    """Runs in one thread, with the segmenter's model resident."""

    def __init__(
        self,
        settings: ListenSettings,
        journal: Journal,
        segment_study: SegmentStudy,
        *,
        stop: threading.Event,
        say: Say,
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._segment_study = segment_study
        self._stop = stop
        self._say = say
        self._owed: Callable[[], None] | None = None

    def step(self) -> bool:
        """Queue what has gone quiet and segment the first study; return whether there was one."""
        self._settle()
        self._journal.jobs.queue_quiet(self._settings.quiet_seconds)
        job = self._journal.jobs.claim(self._settings.quiet_seconds)
        if job is None:
            return False
        self._say(f"study {job.study_uid}, revision {job.revision}: segmenting")
        try:
            state = self._segmented(job)
        except StopRequestedError:
            self._owe(partial(self._journal.jobs.put_back, job, "stopped in good order", counted=False))
        except OutputError as error:
            self._try_later(job, error)
        except LesionSegError as error:
            self._set_aside(job, str(error))
        except Exception as error:  # noqa: BLE001 - recorded; the listener goes on
            self._set_aside(job, f"{type(error).__name__}: {error}")
        else:
            self._say(f"study {job.study_uid}, revision {job.revision}: {state}")
        return True

    def _segmented(self, job: Job) -> State:
        objects = self._journal.objects.of_study(job.study_uid, job.through)
        folder = self._settings.folder
        task = prepare(folder, job, objects)
        files = self._segment_study(task, self._checkpoint)
        return self._journal.jobs.finish(job, results_of(folder, job, files))

    def _try_later(self, job: Job, error: OutputError) -> None:
        if job.starts >= self._settings.starts:
            self._set_aside(job, str(error))
            return
        wait = _WAIT_AFTER_FAULT_SECONDS * 2.0 ** (job.starts - 1)
        self._say(f"study {job.study_uid}: tried again in {wait:.0f} s: {error}")
        self._owe(partial(self._journal.jobs.put_back, job, str(error), after_seconds=wait))

    def _set_aside(self, job: Job, reason: str) -> None:
        self._say(f"study {job.study_uid}, revision {job.revision}: failed: {reason}")
        self._owe(partial(self._journal.jobs.fail, job, reason))

    def _owe(self, record: Callable[[], None]) -> None:
        """Record an end; where the disk is full, again with the next step, before any other study."""
        self._owed = record
        self._settle()

    def _settle(self) -> None:
        if self._owed is not None:
            self._owed()
            self._owed = None

    def _checkpoint(self) -> None:
        if self._stop.is_set():
            raise StopRequestedError
