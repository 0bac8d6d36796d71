"""What happens in a batch, for whoever watches."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Happening(StrEnum):
    """Kinds of events."""

    LISTED = "listed"
    STAGE = "stage"
    TAKEN_OVER = "taken-over"
    DONE = "done"
    FAILED = "failed"
    PUT_BACK = "put-back"
    RETRIED = "retried"
    STOPPING = "stopping"
    FINISHED = "finished"


@dataclass(frozen=True)
class BatchEvent:
    """One thing that happened.

    Attributes
    ----------
    kind : Happening
    case_id : str
        Empty where it concerns the whole batch.
    stage : str
        ``read``, ``segment``, ``measure`` or ``write``, and ``fetch`` before them of a study that lies
        elsewhere: begun, or with `seconds` ended.
    seconds : float or None
        Of a stage that ended; of a done case from its first stage to its last.
    reason, text : str
        Error code and sentence of a failed case; why one was put back or is tried again; warnings of a done
        one.
    """

    kind: Happening
    case_id: str = ""
    stage: str = ""
    seconds: float | None = None
    reason: str = ""
    text: str = ""


@dataclass
class Tally:
    """How far a batch is; kept by the thread that hands the events on.

    Attributes
    ----------
    total, taken_over, done, failed, put_back : int
        Scans of this call.
    retried : int
        Tries that were lost with the process that had them, and are made again.
    in_work : dict of str to str
        Stage of each scan that a stage has at this moment.
    stages : dict of str to (int, float)
        How many scans each stage has ended, and the seconds they took together.
    """

    clock: Callable[[], float] = time.monotonic
    total: int = 0
    taken_over: int = 0
    done: int = 0
    failed: int = 0
    put_back: int = 0
    retried: int = 0
    in_work: dict[str, str] = field(default_factory=dict)
    stages: dict[str, tuple[int, float]] = field(default_factory=dict)
    _began: float | None = None

    @property
    def ended(self) -> int:
        """Scans that need no further work in this call."""
        return self.taken_over + self.done + self.failed

    @property
    def seconds_left(self) -> float | None:
        """Estimate from the scans measured so far; None before the first."""
        worked = self.done + self.failed
        if self._began is None or not worked:
            return None
        return (self.clock() - self._began) / worked * (self.total - self.ended)

    def count(self, event: BatchEvent) -> None:
        """Take an event into account."""
        if event.kind is Happening.STAGE:
            self._count_stage(event)
            return
        self.in_work.pop(event.case_id, None)
        name = event.kind.value.replace("-", "_")
        if event.case_id:
            setattr(self, name, getattr(self, name) + 1)

    def _count_stage(self, event: BatchEvent) -> None:
        if event.seconds is None:
            self._began = self.clock() if self._began is None else self._began
            self.in_work[event.case_id] = event.stage
            return
        self.in_work.pop(event.case_id, None)
        number, seconds = self.stages.get(event.stage, (0, 0.0))
        self.stages[event.stage] = (number + 1, seconds + event.seconds)


Observer = Callable[[BatchEvent, Tally], None]


def nobody(event: BatchEvent, tally: Tally) -> None:
    """Watch nothing."""
    del event, tally
