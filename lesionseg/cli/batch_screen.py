"""What is seen of a running batch: a live display, plain lines, or JSON lines; and what Ctrl-C does."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lesionseg.batch.events import BatchEvent, Observer, Tally

_STOPPING = "stopping: what is segmented is finished, the rest waits; a second Ctrl-C stops at once"
_STAGES = ("fetch", "read", "segment", "measure", "write")


@dataclass(frozen=True)
class Stop:
    """Whether somebody asked to stop, and whether there is anything to finish by then."""

    asked: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)

    def noting(self, observer: Observer) -> Observer:
        """Return the observer; its first event tells that the scans are listed and work begins."""

        def observe(event: BatchEvent, tally: Tally) -> None:
            self.begun.set()
            observer(event, tally)

        return observe


@contextmanager
def stop_on_signal() -> Iterator[Stop]:
    """Yield what the first Ctrl-C (or SIGTERM) asks to stop; the second one interrupts.

    While the scans are listed there is nothing to finish, and the first one interrupts.
    """
    stop = Stop()

    def ask(number: int, frame: FrameType | None) -> None:
        del number, frame
        if stop.asked.is_set() or not stop.begun.is_set():
            raise KeyboardInterrupt
        stop.asked.set()

    if threading.current_thread() is not threading.main_thread():  # nobody but the main thread gets signals
        yield stop
        return
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def watching(*, quiet: bool, log_json: bool) -> Iterator[Observer]:
    """Yield what hears the events: JSON lines if asked for; a display on a terminal; else plain lines."""
    from lesionseg.batch.events import nobody

    if log_json:
        yield _json_line
    elif quiet:
        yield nobody
    elif sys.stderr.isatty():
        with _display() as observer:
            yield observer
    else:
        yield _plain_line


def _json_line(event: BatchEvent, tally: Tally) -> None:
    said = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "event": event.kind.value,
        "case": event.case_id or None,
        "stage": event.stage or None,
        "seconds": None if event.seconds is None else round(event.seconds, 3),
        "reason": event.reason or None,
        "text": event.text or None,
        "total": tally.total,
        "done": tally.done,
        "taken_over": tally.taken_over,
        "failed": tally.failed,
    }
    sys.stderr.write(json.dumps({name: value for name, value in said.items() if value is not None}) + "\n")
    sys.stderr.flush()


def _plain_line(event: BatchEvent, tally: Tally) -> None:
    line = _sentence(event, tally)
    if line:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def _sentence(event: BatchEvent, tally: Tally) -> str:
    """Say an event in one line; empty where it is not worth one."""
    kind = event.kind.value
    if kind == "listed":
        return f"{tally.total} scans"
    if kind == "stopping":
        return _STOPPING
    place = f"[{tally.ended}/{tally.total}] {event.case_id}"
    if kind == "done":
        remark = f"; {event.text}" if event.text else ""
        return f"{place}: done in {event.seconds or 0:.1f} s{remark}{_left(tally)}"
    if kind == "failed":
        return f"{place}: failed ({event.reason}): {event.text}"
    plain = {
        "taken-over": "done before",
        "retried": f"is tried again: {event.text}",
        "put-back": f"waits for the next run: {event.text}",
    }
    return f"{place}: {plain[kind]}" if kind in plain else ""


def _left(tally: Tally) -> str:
    if tally.seconds_left is None or tally.ended == tally.total:
        return ""
    return f"; about {_duration(tally.seconds_left)} left"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"


@contextmanager
def _display() -> Iterator[Observer]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.text import Text

    counted = (TextColumn("Scans"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    columns = (*counted, TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True, highlight=False)) as bars:
        task = bars.add_task("reading headers", total=None)

        def observe(event: BatchEvent, tally: Tally) -> None:
            if event.kind.value in ("failed", "retried", "stopping"):
                bars.console.print(Text(_sentence(event, tally)))
            bars.update(task, total=tally.total, completed=tally.ended, description=_state(tally))

        yield observe


def _state(tally: Tally) -> str:
    """Say what is left, what failed, how fast each stage is and which scan it has."""
    working = {stage: case for case, stage in tally.in_work.items()}
    parts = [f"{tally.failed} failed"] if tally.failed else []
    parts += [_left(tally).removeprefix("; ")] if tally.seconds_left is not None else []
    for stage in _STAGES:
        number, seconds = tally.stages.get(stage, (0, 0.0))
        speed = f" {60 * number / seconds:.1f}/min" if seconds else ""
        parts += [f"{stage}{speed} {working.get(stage, '')}".rstrip()] if number or stage in working else []
    return " · ".join(part.replace("[", "(").replace("]", ")") for part in parts if part)
