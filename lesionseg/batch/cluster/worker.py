"""What runs on a machine of the cluster: the model, and the cases that are in work with it.

Nothing here imports Ray, so that the worker is a plain object to its tests.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lesionseg import __version__
from lesionseg.batch.cases import BatchCase
from lesionseg.batch.cluster.places import Places, refuse_unseen
from lesionseg.batch.failures import Failure, failure_of
from lesionseg.batch.request import BatchSettings
from lesionseg.batch.stages import OwnStages, WrittenCase
from lesionseg.core.errors import BundleError, ClusterError
from lesionseg.segmentation import Segmenter
from lesionseg.workflow.request import SegmenterSettings, Watch
from lesionseg.workflow.segmenting import DeferredSegmenter


@dataclass(frozen=True)
class SegmenterRecipe:
    """From which every worker makes the same segmenter: settings, and the bundle's hash."""

    settings: SegmenterSettings
    bundle_sha256: str

    @classmethod
    def of(cls, segmenter: Segmenter) -> SegmenterRecipe | Segmenter:
        """Return the recipe; the segmenter itself where it is none of ours, and can be sent as it is."""
        if not isinstance(segmenter, DeferredSegmenter):
            return segmenter
        model = segmenter.settings.model
        if model is not None and Path(model).is_dir():
            model = str(Path(model).absolute())
        return cls(replace(segmenter.settings, model=model), segmenter.bundle.sha256)

    def open(self, threads: int) -> Segmenter:
        """Load the network.

        Raises
        ------
        BundleError, DeviceError
            If bundle or device cannot be used, or the bundle is another one on this machine.
        """
        threads = self.settings.threads or threads
        segmenter = DeferredSegmenter.from_settings(replace(self.settings, threads=threads))
        if segmenter.bundle.sha256 != self.bundle_sha256:
            raise BundleError(
                "the model bundle is another one on a machine of the cluster",
                case=f"{segmenter.bundle.folder} on {host_name()}",
                expected=f"SHA-256 {self.bundle_sha256[:12]}",
                found=segmenter.bundle.sha256[:12],
                remedy="Install the same bundle everywhere, or name a folder that every machine sees",
            )
        _ = segmenter.device  # opens the network, which is the slow part
        return segmenter


@dataclass(frozen=True)
class WorkOrder:
    """What a worker is told once.

    Attributes
    ----------
    settings : BatchSettings
    segmenter : SegmenterRecipe or Segmenter
    places : Places
    folder : Path
        Of the case folders in the end, for messages.
    threads : int
        CPU threads of the network.
    version : str
        Of lesionseg.
    """

    settings: BatchSettings
    segmenter: SegmenterRecipe | Segmenter
    places: Places
    folder: Path
    threads: int
    version: str = __version__


@dataclass
class _InWork:
    case: BatchCase
    stages: OwnStages
    content: Any


class CaseWorker:
    """Holds the model and takes cases through the steps; failures are returned, never raised.

    Each step may be called for another case at the same time, but by one thread each, `read` excepted.
    """

    def __init__(self, order: WorkOrder) -> None:
        self._order = order
        self._segmenter: Segmenter | None = None
        self._in_work: dict[str, _InWork] = {}

    def prepare(self) -> Failure | None:
        """Open the network, and see whether this machine sees what the others see."""
        try:
            self._prepare()
        except Exception as error:  # noqa: BLE001 - told in the driver
            return failure_of(error)
        return None

    def read(self, case: BatchCase, folder: Path) -> Failure | None:
        """Load a scan, whose results will lie in `folder`."""
        if self._segmenter is None:
            return failure_of(ClusterError("a worker was given a scan before it was ready"))
        order = self._order
        stages = OwnStages(order.settings, self._segmenter, folder, Watch(), shown_folder=order.folder)
        work = _InWork(case, stages, None)
        failure = _tried(work, lambda: stages.read(case))
        if failure is None:
            self._in_work[case.case_id] = work
        return failure

    def segment(self, case_id: str) -> Failure | None:
        """Run the network on a scan that was read."""
        work = self._in_work[case_id]
        return self._step(case_id, lambda: work.stages.segment(work.case, work.content))

    def measure(self, case_id: str) -> Failure | None:
        """Measure what was segmented."""
        work = self._in_work[case_id]
        return self._step(case_id, lambda: work.stages.measure(work.case, work.content))

    def write(self, case_id: str) -> Failure | WrittenCase:
        """Write what was measured."""
        work = self._in_work[case_id]
        failure = self._step(case_id, lambda: work.stages.write(work.case, work.content))
        self.forget(case_id)
        return failure or work.content

    def forget(self, case_id: str) -> None:
        """Let go of a case."""
        self._in_work.pop(case_id, None)

    def _prepare(self) -> None:
        order = self._order
        if order.version != __version__:
            raise ClusterError(
                "a machine of the cluster has another version of lesionseg",
                case=host_name(),
                expected=order.version,
                found=__version__,
                remedy="Install the same version everywhere",
            )
        refuse_unseen(order.places, host_name())
        known = order.segmenter
        self._segmenter = known.open(order.threads) if isinstance(known, SegmenterRecipe) else known

    def _step(self, case_id: str, do: Callable[[], Any]) -> Failure | None:
        failure = _tried(self._in_work[case_id], do)
        if failure is not None:
            self.forget(case_id)
        return failure


def host_name() -> str:
    """Name this machine and process."""
    return f"{socket.gethostname()} (process {os.getpid()})"


def _tried(work: _InWork, do: Callable[[], Any]) -> Failure | None:
    """Let the content of a case become that of its next step."""
    try:
        work.content = do()
    except Exception as error:  # noqa: BLE001 - the driver tells a scan's fault from everybody's
        return failure_of(error)
    return None
