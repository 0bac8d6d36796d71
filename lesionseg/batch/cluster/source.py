"""Hands cases to many workers, and again those whose worker was lost."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Sequence

from lesionseg.batch.cases import BatchCase


class Source:
    """Every case once; a lost one again, after the others, and its last try when nothing else is in work.

    A scan that brings its worker down takes others with it which were in the same worker. Alone on its last
    try it can be told from them.

    Parameters
    ----------
    cases : sequence of BatchCase
        In the order in which they are handed out.
    tries : int
        How often a case is handed out at most.
    """

    def __init__(self, cases: Sequence[BatchCase], tries: int) -> None:
        self._tries = tries
        self._waiting, self._suspects = deque(cases), deque[BatchCase]()
        self._in_work: set[str] = set()
        self._lost: Counter[str] = Counter()
        self._changed = threading.Condition()

    @property
    def is_over(self) -> bool:
        """Whether no case waits and none can come back."""
        with self._changed:
            return not (self._waiting or self._suspects or self._in_work)

    def take(self, wait_seconds: float) -> BatchCase | None:
        """Return the next case, or None if there is none within this time."""
        with self._changed:
            self._changed.wait_for(self._is_any, wait_seconds)
            if not self._is_any():
                return None
            case = (self._waiting or self._suspects).popleft()
            self._in_work.add(case.case_id)
            return case

    def may_retry(self, case: BatchCase) -> bool:
        """Whether a case whose worker was lost now may be handed out again."""
        with self._changed:
            return self._lost[case.case_id] + 1 < self._tries

    def give_back(self, case: BatchCase, *, counted: bool = True) -> None:
        """Let a case wait for its next try; `counted` unless it was never begun."""
        with self._changed:
            self._lost[case.case_id] += counted
            last = self._lost[case.case_id] + 1 >= self._tries
            (self._suspects if last else self._waiting).append(case)
            self._in_work.discard(case.case_id)
            self._changed.notify_all()

    def settle(self, case: BatchCase) -> None:
        """Note that a case needs no further work in this run."""
        with self._changed:
            self._in_work.discard(case.case_id)
            self._changed.notify_all()

    def _is_any(self) -> bool:
        return bool(self._waiting or (self._suspects and not self._in_work))
