"""A whole batch: a work list goes in, every scan comes out done or explained."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lesionseg.batch.arrivals import remote_cases
from lesionseg.batch.cases import BatchCase
from lesionseg.batch.engine import Engine, Job, LocalEngine
from lesionseg.batch.events import BatchEvent, Happening, Observer, Tally, nobody
from lesionseg.batch.folder import own_folder
from lesionseg.batch.ledger import Ledger
from lesionseg.batch.records import State
from lesionseg.batch.request import CASES, LEDGER, BatchRequest, BatchResult, BatchSettings
from lesionseg.batch.results import BatchFacts, begin_folder, write_results
from lesionseg.batch.wanted import WantedBatch
from lesionseg.batch.work_list import list_cases
from lesionseg.core.errors import ConfigurationError
from lesionseg.segmentation import Segmenter
from lesionseg.workflow.request import Watch

_LISTEN_SECONDS = 0.2


@dataclass(frozen=True)
class BatchWatch:
    """Who watches a batch, and who may stop it.

    Attributes
    ----------
    observer : callable
        Hears every event, in the thread that runs the batch.
    stop : Event
        Set by anybody: what is segmented is finished, everything else waits for the next run.
    case : Watch
        Clocks; its progress is called from several threads.
    """

    observer: Observer = nobody
    stop: threading.Event | None = None
    case: Watch = field(default_factory=Watch)


def run_batch(
    request: BatchRequest,
    segmenter: Segmenter,
    *,
    settings: BatchSettings | None = None,
    watch: BatchWatch | None = None,
    engine: Engine | None = None,
) -> BatchResult:
    """Measure every scan of the inputs that is not done already.

    A case is done when its folder is on disk and then in the ledger. Run again on the same folder, whatever
    ended the run before, done cases whose input, model, settings and version are the same are taken over.

    Parameters
    ----------
    request : BatchRequest
    segmenter : Segmenter
        Used by one thread.
    settings : BatchSettings, optional
    watch : BatchWatch, optional
    engine : Engine, optional
        Who does the work: this process by default, or `lesionseg.batch.cluster.RayEngine`.

    Returns
    -------
    BatchResult
        Scans that failed are in it, in the summary and on the index page; they stop nothing.

    Raises
    ------
    InputError, ConfigurationError
        If an input is absent or holds no scan; the results would lie among the inputs.
    BundleError, DeviceError
        If the network cannot be run at all.
    OutputExistsError, OutputError
        If the folder holds something else, another batch is at work in it, it cannot be written, or the disk
        is full; what is done stays done.
    ClusterError
        If there is nobody who could do the work.
    PacsError
        If an archive cannot be asked which studies it has, or has none that fits.
    """
    settings, watch = settings or BatchSettings(), watch or BatchWatch()
    _refuse_own_input(request)
    started, timer = watch.case.now(), watch.case.stopwatch()
    with timer.stage("list"):
        work = list_cases(request.inputs, remote_cases(request), shard=request.shard)
    facts = BatchFacts(request, settings, segmenter, work.left_over, started, work.share)
    with own_folder(request.output):
        begin_folder(facts)
        with Ledger(request.output / LEDGER, now=watch.case.now) as ledger:
            cases = _in_order(ledger, ledger.enlist(work.cases))
            with timer.stage("cases"):
                events: queue.SimpleQueue[BatchEvent] = queue.SimpleQueue()
                wanted, asked = WantedBatch(settings, segmenter), watch.stop or threading.Event()
                job = Job(cases, wanted, ledger, request.output / CASES, events.put, watch.case, asked)
                taken_over, stopped = _work(engine or LocalEngine(), job, events, watch.observer)
            records = ledger.records()
        with timer.stage("results"):
            manifest = write_results(facts, records, timer, taken_over)
    return BatchResult(request.output, records, manifest, stopped)


def _refuse_own_input(request: BatchRequest) -> None:
    for path in request.inputs:
        if path.is_dir() and request.output.resolve().is_relative_to(path.resolve()):
            raise ConfigurationError(
                "the results cannot lie in a folder that is searched for scans",
                case=str(request.output),
                expected=f"a folder outside {path}",
                remedy="Name another output folder",
            )


def _in_order(ledger: Ledger, cases: Sequence[BatchCase]) -> list[BatchCase]:
    """Put what is done last, where it is only verified, and before it what a process may have died of."""
    found = {record.case_id: record for record in ledger.records()}
    return sorted(
        cases, key=lambda case: (found[case.case_id].state is State.DONE, found[case.case_id].starts)
    )


def _work(
    engine: Engine, job: Job, events: queue.SimpleQueue[BatchEvent], observer: Observer
) -> tuple[list[str], bool]:
    """Let the engine work and hand its events on; return what was taken over, and whether it was stopped."""
    tally, taken_over = Tally(total=len(job.cases)), list[str]()

    def hand_on(event: BatchEvent) -> None:
        tally.count(event)
        if event.kind is Happening.TAKEN_OVER:
            taken_over.append(event.case_id)
        observer(event, tally)

    hand_on(BatchEvent(Happening.LISTED))
    with engine.open(job) as shift:
        shift.start()
        while shift.is_running:
            if job.asked.is_set() and not job.stop.is_set():
                job.stop.set()
                hand_on(BatchEvent(Happening.STOPPING))
            _hand_on_all(events, hand_on, wait_seconds=_LISTEN_SECONDS)
        shift.join()
        _hand_on_all(events, hand_on, wait_seconds=0.0)
        if shift.error is not None:
            raise shift.error
    hand_on(BatchEvent(Happening.FINISHED))
    return taken_over, job.asked.is_set() and tally.ended < tally.total


def _hand_on_all(
    events: queue.SimpleQueue[BatchEvent], hand_on: Callable[[BatchEvent], None], *, wait_seconds: float
) -> None:
    """Wait for one event, then hand on all that are there."""
    try:
        hand_on(events.get(timeout=wait_seconds) if wait_seconds else events.get_nowait())
        while True:
            hand_on(events.get_nowait())
    except queue.Empty:
        return
