"""One worker's place in the cluster: who has it now, and who comes after one that is lost."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, NoReturn

from lesionseg.batch.cluster.sharing import Sharing
from lesionseg.batch.cluster.worker import CaseWorker, WorkOrder
from lesionseg.batch.failures import FailedElsewhereError, Failure, failure_of
from lesionseg.core.errors import ClusterError, DeviceError, WorkerLostError

STARTS = 3
"""Workers that may fail in a row before they are ready; then the place stays empty."""
STEPS = ("read", "segment", "measure", "write")


class NotBegunError(WorkerLostError):
    """There is no worker at this moment, so nothing was tried."""


@dataclass(frozen=True)
class Hiring:
    """How workers are started.

    Attributes
    ----------
    ray : module
    order : WorkOrder
    sharing : Sharing
    """

    ray: Any
    order: WorkOrder
    sharing: Sharing

    def hire(self) -> Any:
        """Start an actor, whose steps have threads of their own, as those of a local batch have."""
        threads = {step: self.order.settings.readers if step == "read" else 1 for step in STEPS}
        actor = self.ray.remote(concurrency_groups=threads)(CaseWorker)
        return actor.options(
            num_cpus=self.sharing.cpus,
            num_gpus=self.sharing.gpus,
            max_restarts=0,
            max_task_retries=0,
            scheduling_strategy="SPREAD",
        ).remote(self.order)


class Post:
    """Starts workers, one after another; every method may be called from any thread.

    Attributes
    ----------
    refusal : Failure or None
        Why the last worker that did not become ready did not.
    is_closed : bool
        No further worker will be started here.
    """

    def __init__(self, hiring: Hiring) -> None:
        self.refusal: Failure | None = None
        self.is_closed = False
        self._hiring, self._ray = hiring, hiring.ray
        self._lock = threading.RLock()
        self._number = self._failed_starts = 0
        self._actor: Any = None
        self._prepared: Any = None
        self._is_ready = False
        self._start()

    def look(self) -> bool:
        """Say whether there is a worker that is ready; start the next one where one did not become so."""
        with self._lock:
            if self._is_ready or self.is_closed:
                return self._is_ready
            if not self._ray.wait([self._prepared], timeout=0)[0]:
                return False
            self.refusal = self._prepare_reply()
            if self.refusal is None:
                self._is_ready, self._failed_starts = True, 0
                return True
            self._failed_starts += 1
            self._end()
            if self._failed_starts < STARTS:
                self._start()
            else:
                self.is_closed = True
            return False

    def worker(self) -> int:
        """Return the number of the worker that is ready.

        Raises
        ------
        NotBegunError
            If there is none.
        """
        with self._lock:
            if not self._is_ready:
                raise NotBegunError("the worker was lost before it had this scan")
            return self._number

    def call(self, worker: int, step: str, *arguments: Any) -> Any:
        """Let a worker do a step, and return what comes back.

        Parameters
        ----------
        worker : int
            From `worker`; what it has in work no other one knows.
        step : str
            One of `STEPS`.

        Raises
        ------
        WorkerLostError
            If the worker, its machine or its device gave out; the next one is on its way then.
        FailedElsewhereError
            If the scan failed there.
        """
        with self._lock:
            if worker != self._number or not self._is_ready:
                raise WorkerLostError("the worker that had this scan was lost")
            actor = self._actor
        try:
            method = getattr(actor, step).options(concurrency_group=step)
            reply = self._ray.get(method.remote(*arguments))
        except self._ray.exceptions.RayTaskError as error:
            raise FailedElsewhereError(failure_of(error.cause)) from error
        except self._ray.exceptions.RayError as error:
            self._lose(worker, _in_one_line(error))
        if isinstance(reply, Failure):
            if isinstance(reply.error, DeviceError) and reply.ends_everything:
                self._lose(worker, reply.text)
            raise FailedElsewhereError(reply)
        return reply

    def forget(self, worker: int, case_id: str) -> None:
        """Let a worker let go of a case; without waiting, and whether or not it is still there."""
        with self._lock:
            if worker == self._number and self._is_ready:
                self._actor.forget.remote(case_id)

    def close(self) -> None:
        """End the worker."""
        with self._lock:
            self.is_closed = True
            self._end()

    def _lose(self, worker: int, found: str) -> NoReturn:
        with self._lock:
            if worker == self._number and self._is_ready:
                self._end()
                if not self.is_closed:
                    self._start()
        raise WorkerLostError(
            "the worker that had this scan was lost",
            found=found,
            remedy="If it is lost each time, see whether the machines have memory enough for this scan",
        )

    def _start(self) -> None:
        self._number += 1
        self._actor = self._hiring.hire()
        self._prepared = self._actor.prepare.options(concurrency_group="segment").remote()

    def _end(self) -> None:
        self._is_ready = False
        self._ray.kill(self._actor, no_restart=True)

    def _prepare_reply(self) -> Failure | None:
        try:
            reply: Failure | None = self._ray.get(self._prepared)
        except self._ray.exceptions.RayError as error:
            return failure_of(ClusterError("a worker could not be started", found=_in_one_line(error)))
        return reply


def _in_one_line(error: Exception) -> str:
    """Leave out what Ray indents: numbers of processes and classes."""
    lines = [line for line in str(error).splitlines() if line and not line[0].isspace()]
    return " ".join(lines) or type(error).__name__
