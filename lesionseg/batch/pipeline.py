"""Threads in a row: while the network works on one scan, the next is decoded and the last one written.

A scan holds a slot from its decoding until it is on disk or has failed. There are few slots, so that memory
is bounded whatever the number of scans, and no queue between two steps can grow beyond them.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

Item = TypeVar("Item")
Heard_contra = TypeVar("Heard_contra", contravariant=True)
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Step(Generic[Item]):
    """One step of the way.

    Attributes
    ----------
    name : str
    work : callable
        Takes the item and what the step before returned.
    workers : int
        Threads.
    """

    name: str
    work: Callable[[Item, Any], Any]
    workers: int = 1


class Foreman(Protocol[Heard_contra]):
    """Decides what is worked on, and hears what became of it; called from the threads of the steps."""

    def admit(self, item: Heard_contra) -> bool:
        """Whether the item needs work at all; called before it holds a slot."""

    def failed(self, item: Heard_contra, error: Exception) -> None:
        """Hear that an item failed alone; raise to end the whole pipeline."""

    def put_back(self, item: Heard_contra) -> None:
        """Hear that an item was begun and is left for another time, since a stop was asked for."""


@dataclass
class _Load(Generic[Item]):
    item: Item
    content: Any = None


class Pipeline(Generic[Item]):
    """Runs items through steps.

    Parameters
    ----------
    items : iterable
    steps : sequence of Step
        At least one.
    foreman : Foreman
    slots : int
        Items between the first step and the last, at most.
    stop : Event
        Once it is set nothing is begun, and what waits for a step in `until_stop` is put back.
    until_stop : collection of str
        Names of steps that begin nothing after the stop; the steps behind them finish what they have.

    Attributes
    ----------
    error : BaseException or None
        What ended the pipeline before its time.
    """

    def __init__(
        self,
        items: Iterable[Item],
        steps: Sequence[Step[Item]],
        foreman: Foreman[Item],
        *,
        slots: int,
        stop: threading.Event,
        until_stop: Sequence[str] = (),
    ) -> None:
        self.error: BaseException | None = None
        self._items, self._items_lock = iter(items), threading.Lock()
        self._steps, self._foreman = tuple(steps), foreman
        self._slots, self._stop, self._until_stop = threading.Semaphore(slots), stop, frozenset(until_stop)
        self._queues: list[queue.SimpleQueue[_Load[Item] | None]] = [queue.SimpleQueue() for _ in steps]
        self._working = [step.workers for step in steps]
        self._lock = threading.Lock()
        # daemons: a second Ctrl-C must not wait for a network in the middle of a scan
        self._threads = [
            threading.Thread(target=self._thread, args=(number,), name=step.name, daemon=True)
            for number, step in enumerate(steps)
            for _ in range(step.workers)
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    @property
    def is_running(self) -> bool:
        """Whether any thread is still at work."""
        return any(thread.is_alive() for thread in self._threads)

    def join(self) -> None:
        """Wait until all threads have ended."""
        for thread in self._threads:
            thread.join()

    def _thread(self, number: int) -> None:
        try:
            if number == 0:
                self._begin()
            else:
                self._go_on(number)
        except BaseException as error:  # noqa: BLE001 - raised by whoever joins
            with self._lock:
                self.error = self.error or error
            self._stop.set()
        finally:
            self._end(number)

    def _begin(self) -> None:
        for item in self._taken():
            if self._foreman.admit(item) and self._got_slot():
                self._work(0, _Load(item))

    def _taken(self) -> Iterator[Item]:
        while not self._stop.is_set():
            with self._items_lock:
                found = next(self._items, None)
            if found is None:
                return
            yield found

    def _got_slot(self) -> bool:
        while not self._stop.is_set():
            if self._slots.acquire(timeout=_POLL_SECONDS):
                return True
        return False

    def _go_on(self, number: int) -> None:
        # no name is bound to the load here: it would keep a scan in memory until the next one comes
        while self._take_one(number):
            pass

    def _take_one(self, number: int) -> bool:
        load = self._queues[number].get()
        if load is None:
            return False
        if self._stop.is_set() and self._steps[number].name in self._until_stop:
            self._foreman.put_back(load.item)
            self._slots.release()
        else:
            self._work(number, load)
        return True

    def _work(self, number: int, load: _Load[Item]) -> None:
        try:
            load.content = self._steps[number].work(load.item, load.content)
        except Exception as error:  # noqa: BLE001 - the foreman tells a scan's fault from everybody's
            load.content = None
            try:
                self._foreman.failed(load.item, error)
            finally:
                self._slots.release()
            return
        if number + 1 < len(self._steps):
            self._queues[number + 1].put(load)
        else:
            self._slots.release()

    def _end(self, number: int) -> None:
        """Send the next step home once all threads of this one have ended."""
        with self._lock:
            self._working[number] -= 1
            is_last = self._working[number] == 0
        if is_last and number + 1 < len(self._steps):
            for _ in range(self._steps[number + 1].workers):
                self._queues[number + 1].put(None)
