"""Decides over the cases of one worker: what it gets, and what is tried again elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lesionseg.batch.cases import BatchCase
from lesionseg.batch.cluster.fleet import Fleet
from lesionseg.batch.cluster.post import NotBegunError, Post
from lesionseg.batch.cluster.source import Source
from lesionseg.batch.crew import Crew
from lesionseg.batch.pipeline import Step
from lesionseg.core.errors import WorkerLostError

_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class ClusterForeman:
    """Stands between a pipeline and its crew.

    Attributes
    ----------
    crew : Crew
    post : Post
    fleet : Fleet
    source : Source
        Shared by all foremen.
    stop : Event
    """

    crew: Crew
    post: Post
    fleet: Fleet
    source: Source
    stop: threading.Event

    def cases(self) -> Iterator[BatchCase]:
        """Yield cases while there is a worker for them, until all cases of all workers are settled.

        Raises
        ------
        ClusterError
            If there is no worker in the whole cluster, and none to come.
        """
        while not self.stop.is_set() and not self.source.is_over:
            if not self.post.look():
                self.fleet.refuse_if_none_left()
                self.stop.wait(_POLL_SECONDS)
                continue
            case = self.source.take(_POLL_SECONDS)
            if case is not None and not self.post.look():  # lost while we waited for a case
                self.source.give_back(case, counted=False)
            elif case is not None:
                yield case

    def steps(self) -> Sequence[Step[BatchCase]]:
        """Return the crew's steps; with the last one a case is settled."""
        *first, last = self.crew.steps()

        def write(case: BatchCase, content: Any) -> Any:
            found = last.work(case, content)
            self.source.settle(case)
            return found

        return [*first, replace(last, work=write)]

    def admit(self, case: BatchCase) -> bool:
        """Say whether a case needs work."""
        needed = self.crew.admit(case)
        if not needed:
            self.source.settle(case)
        return needed

    def failed(self, case: BatchCase, error: Exception) -> None:
        """Try a case again whose worker was lost; all else is as in a local batch."""
        if not isinstance(error, WorkerLostError):
            self.crew.failed(case, error)
        elif self.stop.is_set():
            self.crew.put_back(case)
        elif isinstance(error, NotBegunError) or self.source.may_retry(case):
            self.crew.retry(case, error)
            self.source.give_back(case, counted=not isinstance(error, NotBegunError))
            return
        else:
            self.crew.failed(case, error)
        self.source.settle(case)

    def put_back(self, case: BatchCase) -> None:
        """Let a case wait for the next run."""
        self.crew.put_back(case)
        self.source.settle(case)
