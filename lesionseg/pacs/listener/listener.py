"""The listener as a whole: server, worker and courier over one journal, started and stopped together."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lesionseg.core.errors import ConfigurationError, LesionSegError, OutputError
from lesionseg.pacs.listener.courier import Courier
from lesionseg.pacs.listener.journal import Journal, Transition
from lesionseg.pacs.listener.receiver import Receiver
from lesionseg.pacs.listener.send import Send
from lesionseg.pacs.listener.server import DicomServer
from lesionseg.pacs.listener.settings import ListenSettings
from lesionseg.pacs.listener.store import ObjectStore, Room, tidy
from lesionseg.pacs.listener.study import SegmentStudy
from lesionseg.pacs.listener.worker import Worker
from lesionseg.pacs.settings import BYTES_PER_MB

LOCK: Final = "listener.lock"
_POLL_SECONDS: Final = 0.25
_FAULT_SECONDS: Final = 10.0
"""Waited after the journal could not be read or written."""
_PATIENCE_SECONDS: Final = 10.0
"""For associations that are open when the listener stops."""
Audit = Callable[[Transition], None]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Parts:
    """What the listener works with.

    Attributes
    ----------
    segment_study : SegmentStudy
    send : Send or None
        None: results stay on disk.
    audit : callable or None
        Gets every change of a job's state at least once, in order.
    say : callable
        Takes one line for the person who runs the listener.
    """

    segment_study: SegmentStudy
    send: Send | None
    audit: Audit | None
    say: Say


def listen(settings: ListenSettings, parts: Parts, stop: threading.Event) -> None:
    """Receive, segment and send until `stop` is set; then end in good order.

    What an earlier run left unfinished is taken up first. A study under way when `stop` is set is begun anew
    at the next start.

    Raises
    ------
    ConfigurationError
        If the folder is in use by another listener, or the address cannot be used.
    OutputError
        If the folder cannot be written.
    """
    with _sole_user(settings.folder), Journal(settings.folder) as journal:
        _take_up(settings, journal, parts.say)
        room = Room(
            stored_bytes=int(settings.limits.stored_mb * BYTES_PER_MB),
            free_bytes=int(settings.limits.free_mb * BYTES_PER_MB),
        )
        receiver = Receiver(ObjectStore(settings.folder, journal, room), settings.limits, parts.say)
        server = DicomServer(settings, receiver.handlers(), parts.say)
        threads = _threads(settings, journal, parts, stop)
        server.start()
        parts.say(f"{settings.ae_title} listens on {settings.host} port {settings.port}")
        for thread in threads:
            thread.start()
        stop.wait()
        parts.say("stopping")
        server.stop(_PATIENCE_SECONDS)
        for thread in threads:
            thread.join()
        _audit(journal, parts)


def _take_up(settings: ListenSettings, journal: Journal, say: Say) -> None:
    gone = tidy(settings.folder, journal)
    if gone:
        say(f"{gone} received objects are no longer on disk and are forgotten")
    for job in journal.jobs.resume(settings.starts):
        say(f"study {job.study_uid}, revision {job.revision}: {job.state}: {job.reason}")


def _threads(
    settings: ListenSettings, journal: Journal, parts: Parts, stop: threading.Event
) -> list[threading.Thread]:
    worker = Worker(settings, journal, parts.segment_study, stop=stop, say=parts.say)
    # nobody could send while the listener was away: a study cut off by that gets its quiet time anew
    steps: dict[str, Callable[[], bool]] = {"worker": worker.step}
    waits = {"worker": settings.quiet_seconds}
    if parts.send is not None:
        steps["courier"] = Courier(settings, journal, parts.send, stop=stop, say=parts.say).step
    if parts.audit is not None:
        steps["auditor"] = lambda: _audit(journal, parts)
    return [
        threading.Thread(
            target=_repeat,
            args=(step, stop, parts.say),
            kwargs={"after_seconds": waits.get(name, 0.0)},
            name=name,
        )
        for name, step in steps.items()
    ]


def _repeat(step: Callable[[], bool], stop: threading.Event, say: Say, *, after_seconds: float) -> None:
    """Take steps until told to stop; a fault of the disk is waited out, since the sender was promised."""
    stop.wait(after_seconds)
    while not stop.is_set():
        try:
            pause = 0.0 if step() else _POLL_SECONDS
        except LesionSegError as error:
            say(str(error))
            pause = _FAULT_SECONDS
        except Exception as error:  # noqa: BLE001 - a thread that ends silently would be worse
            say(f"a fault of the listener's own: {type(error).__name__}: {error}")
            pause = _FAULT_SECONDS
        stop.wait(pause)


def _audit(journal: Journal, parts: Parts) -> bool:
    """Append what the audit log lacks; after a crash the last change may stand there twice, by its number."""
    if parts.audit is not None:
        for change in journal.transitions.unaudited():
            parts.audit(change)
            journal.transitions.mark_audited(change.number)
    return False


@contextmanager
def _sole_user(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the system lets go of it when the process ends, however it does."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise OutputError(
            "the listener's folder cannot be used",
            case=str(folder),
            found=str(error),
            remedy="Choose a folder you may write to",
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigurationError(
                "another listener uses this folder",
                case=str(folder),
                remedy="Stop it, or give this one a folder of its own",
            ) from error
        yield
    finally:
        os.close(handle)
