"""How a running case tells whoever watches how far it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class CaseProgress(Protocol):
    """Called from the working thread; must return quickly."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """`done` of `total` steps of `stage` (``read``, ``segment`` …) are finished."""


def no_progress(stage: str, done: int, total: int) -> None:
    """Watch nothing."""
    del stage, done, total


def of_stage(progress: CaseProgress, stage: str) -> Callable[[int, int], None]:
    """Return the reporter of one stage, as loader and segmenter take it."""

    def report(done: int, total: int) -> None:
        progress(stage, done, total)

    return report
