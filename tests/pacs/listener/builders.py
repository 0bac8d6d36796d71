"""A listener in a thread, senders that talk to it, an archive that takes its results, a quick segmenter."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ComprehensiveSRStorage, ExplicitVRLittleEndian, SegmentationStorage, generate_uid
from pynetdicom import AE, evt

from lesionseg.pacs.listener.journal import Journal, State
from lesionseg.pacs.listener.listener import Parts, listen
from lesionseg.pacs.listener.settings import ListenSettings
from lesionseg.pacs.listener.study import Checkpoint, StudyTask
from tests.pacs.orthanc import free_port

CALLING = "SCANNER"
WAIT_SECONDS = 150.0
"""A limit for what hangs: on a busy machine a process alone may take a minute to start."""


def settings_for(folder: Path, **changes: Any) -> ListenSettings:
    given = {
        "folder": folder,
        "calling": (CALLING,),
        "port": free_port(),
        "quiet_seconds": 0.6,
        "limits": {"free_mb": 0},
        "retries": {"first_seconds": 0.1, "longest_seconds": 0.2},
    }
    return ListenSettings.model_validate({**given, **changes})


@contextmanager
def running_listener(settings: ListenSettings, **parts: Any) -> Iterator[list[str]]:
    """Run a listener in a thread until the block ends; yields what it says."""
    said: list[str] = []
    stop = threading.Event()
    faults: list[BaseException] = []
    given = {"segment_study": QuickSegmenter(), "send": None, "audit": None, "say": said.append}

    def run() -> None:
        try:
            listen(settings, Parts(**{**given, **parts}), stop)
        except BaseException as error:  # noqa: BLE001 - raised in the test's thread
            faults.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        wait_until(lambda: faults or any("listens on" in line for line in said))
        if faults:
            raise faults[0]
        yield said
    finally:
        stop.set()
        thread.join(WAIT_SECONDS)
    if faults:
        raise faults[0]


def wait_until(condition: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("what was waited for did not happen")
        time.sleep(0.02)


def wait_for_states(folder: Path, *states: State) -> None:
    """Wait until the jobs have these states, in the order in which they were made."""

    def reached() -> bool:
        with Journal(folder) as journal:
            return tuple(job.state for job in journal.jobs.all()) == states

    wait_until(reached)


def send(settings: ListenSettings, datasets: Sequence[Dataset | Path], calling: str = CALLING) -> list[int]:
    """Send by C-STORE in one association; the status of each, -1 where there was no answer."""
    with association(settings, calling) as assoc:
        assert assoc.is_established
        return [status_of(assoc, one) for one in datasets]


def status_of(assoc: Any, dataset: Dataset | Path) -> int:
    if not assoc.is_established:
        return -1
    answer = assoc.send_c_store(dataset)
    return int(answer.Status) if "Status" in answer else -1


@contextmanager
def association(
    settings: ListenSettings,
    calling: str = CALLING,
    *,
    called: str | None = None,
    contexts: Sequence[tuple[str, Sequence[str]]] = (
        ("1.2.840.10008.5.1.4.1.1.2", ("1.2.840.10008.1.2.1",)),
        ("1.2.840.10008.1.1", ("1.2.840.10008.1.2",)),
    ),
    tls: Any = None,
) -> Iterator[Any]:
    ae = AE(ae_title=calling)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = ae.connection_timeout = 20
    for sop_class, syntaxes in contexts:
        ae.add_requested_context(sop_class, list(syntaxes))
    title = settings.ae_title if called is None else called
    assoc = ae.associate("127.0.0.1", settings.port, ae_title=title, tls_args=tls)
    if assoc.is_established:
        PausePoint.install(assoc)
    try:
        yield assoc
    finally:
        if assoc.is_established:
            assoc.release()


class PausePoint(threading.Event):
    """Where pynetdicom's own thread waits while an answer is awaited; here it cannot slip past.

    The library's thread says that it is paused before it waits. Held up in between, on a busy machine, it
    takes an answer that is meant for the sender, who then waits for it until the time is up.
    """

    def __init__(self, assoc: Any) -> None:
        super().__init__()
        self._assoc = assoc
        self._passing = threading.Lock()
        self._reached = threading.Event()

    @classmethod
    def install(cls, assoc: Any) -> None:
        checkpoint = cls(assoc)
        assoc._reactor_checkpoint = checkpoint
        while not checkpoint._reached.wait(0.05) and assoc.is_established:
            pass  # of a listener that was killed just now the thread ends without coming here
        checkpoint.set()

    def wait(self, timeout: float | None = None) -> bool:
        self._reached.set()
        while True:
            super().wait(timeout)
            with self._passing:
                if self.is_set():
                    self._assoc._is_paused = False
                    return True

    def clear(self) -> None:
        with self._passing:
            super().clear()


@dataclass
class Archive:
    """Takes SEG and SR by C-STORE and keeps each object under its UID."""

    port: int
    answers: list[int] = field(default_factory=list)
    """Statuses to give first; success afterwards."""
    objects: dict[str, list[bytes]] = field(default_factory=dict)
    on_stored: Callable[[], None] | None = None

    def take(self, event: Any) -> int:
        status = self.answers.pop(0) if self.answers else 0x0000
        if status == 0x0000:
            uid = str(event.request.AffectedSOPInstanceUID)
            self.objects.setdefault(uid, []).append(event.encoded_dataset())
            if self.on_stored is not None:
                self.on_stored()
        return status

    @property
    def settings(self) -> dict[str, Any]:
        return {"ae_title": "ARCHIVE", "host": "127.0.0.1", "port": self.port, "timeout_seconds": 20}

    def datasets(self) -> list[Dataset]:
        from io import BytesIO

        return [dcmread(BytesIO(versions[0])) for versions in self.objects.values()]


@contextmanager
def running_archive(
    sop_classes: Sequence[str] = (SegmentationStorage, ComprehensiveSRStorage), **given: Any
) -> Iterator[Archive]:
    archive = Archive(free_port(), **given)
    ae = AE(ae_title="ARCHIVE")
    for sop_class in sop_classes:
        ae.add_supported_context(sop_class)
    server = ae.start_server(
        ("127.0.0.1", archive.port), block=False, evt_handlers=[(evt.EVT_C_STORE, archive.take)]
    )
    try:
        yield archive
    finally:
        server.shutdown()


@dataclass
class QuickSegmenter:
    """Writes a SEG and an SR that name their source objects, and have other UIDs each time they are made."""

    errors: list[Exception] = field(default_factory=list)
    """Raised in the first calls."""
    before: Callable[[StudyTask, Checkpoint], None] | None = None
    tasks: list[StudyTask] = field(default_factory=list)

    def __call__(self, task: StudyTask, checkpoint: Checkpoint) -> tuple[Path, ...]:
        self.tasks.append(task)
        checkpoint()
        if self.errors:
            raise self.errors.pop(0)
        if self.before is not None:
            self.before(task, checkpoint)
        sources = sorted(str(dcmread(path).SOPInstanceUID) for path in task.input_folder.iterdir())
        return tuple(
            _write_result(task, sources, sop_class, name)
            for sop_class, name in ((SegmentationStorage, "seg.dcm"), (ComprehensiveSRStorage, "sr.dcm"))
        )


def _write_result(task: StudyTask, sources: Sequence[str], sop_class: str, name: str) -> Path:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, generate_uid()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = task.study_uid, generate_uid()
    dataset.PatientID = "P"
    dataset.ReferencedInstanceSequence = [_reference(uid) for uid in sources]
    path = task.output_folder / name
    dataset.save_as(path, enforce_file_format=True)
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
    return path


def _reference(uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPInstanceUID = uid
    return item


def sources_of(dataset: Dataset) -> list[str]:
    """The objects that a result was made of."""
    return [str(item.ReferencedSOPInstanceUID) for item in dataset.ReferencedInstanceSequence]


def received_files(folder: Path) -> list[Path]:
    """The whole objects; what a kill left half-written under a staging name is not one of them."""
    return sorted(folder.glob("studies/*/objects/[!.]*"))
