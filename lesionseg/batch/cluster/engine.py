"""The work of a batch done by Ray actors, one pipeline for each."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lesionseg.batch.cases import BatchCase
from lesionseg.batch.cluster.extra import refuse_without_ray
from lesionseg.batch.cluster.fleet import Fleet
from lesionseg.batch.cluster.foreman import ClusterForeman
from lesionseg.batch.cluster.places import marked_places
from lesionseg.batch.cluster.post import Hiring, Post
from lesionseg.batch.cluster.session import ray_session
from lesionseg.batch.cluster.settings import ClusterSettings
from lesionseg.batch.cluster.sharing import machines_of, share_out
from lesionseg.batch.cluster.source import Source
from lesionseg.batch.cluster.stages import RemoteStages
from lesionseg.batch.cluster.worker import SegmenterRecipe, WorkOrder
from lesionseg.batch.crew import UNTIL_STOP, Crew
from lesionseg.batch.engine import Job, Shift
from lesionseg.batch.pipeline import Pipeline
from lesionseg.core.files import STAGING_PREFIX

_GOODBYE_SECONDS = 5.0


@dataclass(frozen=True)
class RayEngine:
    """Workers on the machines of a Ray cluster; this process directs them and alone writes the ledger.

    Raises
    ------
    MissingFeatureError
        If Ray is not installed.
    """

    settings: ClusterSettings = field(default_factory=ClusterSettings)

    def __post_init__(self) -> None:
        refuse_without_ray()

    @contextmanager
    def open(self, job: Job) -> Iterator[Shift]:
        """Connect, start the workers, and yield their pipelines.

        Raises
        ------
        ClusterError
            If there is no cluster, no room in it, or a machine that does not see scans and results.
        BundleError, DeviceError
            If a worker cannot open the network.
        """
        folder = job.folder.absolute()
        with ray_session(self.settings.address) as ray, marked_places(folder, job.cases) as places:
            wanted = job.wanted
            sharing = share_out(machines_of(ray.nodes()), self.settings, wanted.settings.case.segmenter)
            recipe = SegmenterRecipe.of(wanted.segmenter)
            order = WorkOrder(wanted.settings, recipe, places, folder, sharing.cpus)
            posts = [Post(Hiring(ray, order, sharing)) for _ in range(sharing.workers)]
            fleet = Fleet(posts, self.settings.patience_seconds)
            shift = _ClusterShift(_pipelines(job, fleet, Source(job.cases, self.settings.tries)))
            try:
                fleet.wait_until_ready(job.asked)
                yield shift
            finally:
                job.stop.set()
                fleet.close()
                shift.wait(_GOODBYE_SECONDS)
                _sweep(folder)


@dataclass(frozen=True)
class _ClusterShift:
    pipelines: Sequence[Pipeline[BatchCase]]

    @property
    def error(self) -> BaseException | None:
        return next((each.error for each in self.pipelines if each.error is not None), None)

    @property
    def is_running(self) -> bool:
        return any(each.is_running for each in self.pipelines)

    def start(self) -> None:
        for each in self.pipelines:
            each.start()

    def join(self) -> None:
        for each in self.pipelines:
            each.join()

    def wait(self, seconds: float) -> None:
        """Wait for threads whose workers are gone."""
        last = time.monotonic() + seconds
        while self.is_running and time.monotonic() < last:
            time.sleep(0.02)


def _pipelines(job: Job, fleet: Fleet, source: Source) -> list[Pipeline[BatchCase]]:
    found = []
    for post in fleet.posts:
        crew = Crew(job.ledger, job.wanted, job.folder, job.tell, RemoteStages(post, job.folder))
        foreman = ClusterForeman(crew, post, fleet, source, job.stop)
        slots = job.wanted.settings.scans_in_memory
        steps = foreman.steps()
        found.append(
            Pipeline(foreman.cases(), steps, foreman, slots=slots, stop=job.stop, until_stop=UNTIL_STOP)
        )
    return found


def _sweep(folder: Path) -> None:
    """Remove what lost workers left half-written."""
    for path in folder.glob(f"{STAGING_PREFIX}*"):
        shutil.rmtree(path, ignore_errors=True)
