"""``lesionseg pacs listen``: a DICOM node that segments what is sent to it; ``pacs studies``: what it did."""

from __future__ import annotations

import signal
import sys
import threading
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lesionseg.cli.options import (
    DeterministicOption,
    DeviceOption,
    FlipsOption,
    JsonOption,
    ModelOption,
    QuietOption,
    RuntimeOption,
    ThreadsOption,
    VerboseOption,
)
from lesionseg.cli.pacs import pacs
from lesionseg.cli.screen import BAD, GOOD, HINT, Screen

if TYPE_CHECKING:
    from lesionseg.pacs.listener.journal import Job
    from lesionseg.pacs.listener.send import Send
    from lesionseg.pacs.listener.settings import ListenerSettings
    from lesionseg.workflow.request import SegmenterSettings

__all__ = ["pacs"]  # with the listener's verbs

SettingsFileOption = Annotated[
    Path,
    typer.Option(
        "--settings", metavar="FILE", show_default=False, help="Settings (YAML); see docs/pacs-listen.md."
    ),
]


@pacs.command("listen")
def listen_for_studies(
    *,
    settings: SettingsFileOption,
    model: ModelOption = None,
    device: DeviceOption = "auto",
    runtime: RuntimeOption = "auto",
    threads: ThreadsOption = None,
    deterministic: DeterministicOption = False,
    flips: FlipsOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Receive CT studies, segment each once it has gone quiet, and send SEG and SR back.

    Runs until it is told to stop (Ctrl-C, SIGTERM), and goes on where it was when it is started again.
    Nothing but this machine can connect unless the settings name another address.
    """
    del verbose
    from lesionseg.pacs.listener.listener import listen
    from lesionseg.pacs.listener.settings import read_listener_settings
    from lesionseg.workflow.request import SegmenterSettings

    screen = Screen("pacs listen", as_json=as_json, quiet=quiet)
    chosen = read_listener_settings(settings)
    if chosen.listen.tls is None and not chosen.listen.is_loopback:
        screen.caution(f"{chosen.listen.host} is listened on without TLS: patients' data travel readable")
    how = SegmenterSettings(model, device, runtime, threads, deterministic, flips)
    parts = _parts(chosen, how, screen)
    listen(chosen.listen, parts, _stop_on_signals())
    screen.result({"folder": str(chosen.listen.folder), "studies": _counts(chosen)})


@pacs.command("studies")
def list_studies(
    *,
    settings: SettingsFileOption,
    again: Annotated[
        list[str],
        typer.Option(
            "--again",
            metavar="UID",
            show_default=False,
            help="Segment this study once more; may be repeated.",
        ),
    ] = [],  # noqa: B006 - Typer makes a new list for every call
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Say what became of each study that the listener received; it may be running meanwhile."""
    del verbose
    from lesionseg.core.errors import InputNotFoundError
    from lesionseg.pacs.listener.journal import Journal
    from lesionseg.pacs.listener.settings import read_listener_settings

    screen = Screen("pacs studies", as_json=as_json, quiet=quiet)
    folder = read_listener_settings(settings).listen.folder
    if not folder.is_dir():
        raise InputNotFoundError("no listener has run in this folder yet", case=str(folder))
    with Journal(folder) as journal:
        for study_uid in again:
            if not journal.jobs.reopen(study_uid):
                raise typer.BadParameter(f"study {study_uid} is not known, or not ended yet")
        jobs = journal.jobs.all()
        aside = {job.study_uid: journal.objects.count_aside(job.study_uid) for job in jobs}
    for job in jobs:
        _show(screen, job, aside[job.study_uid])
    screen.result({"studies": [_job_dict(job, aside[job.study_uid]) for job in jobs]})


def _parts(settings: ListenerSettings, how: SegmenterSettings, screen: Screen) -> Any:
    from lesionseg.cli.licence import note_licence
    from lesionseg.pacs.listener.audit import open_audit_log
    from lesionseg.pacs.listener.case import CaseSegmenter
    from lesionseg.pacs.listener.listener import Parts
    from lesionseg.workflow.request import CaseSettings
    from lesionseg.workflow.segmenting import DeferredSegmenter

    segmenter = DeferredSegmenter.from_settings(how)
    note_licence(screen, getattr(segmenter, "bundle", None))
    own = settings.listen
    return Parts(
        segment_study=CaseSegmenter(segmenter, CaseSettings(segmenter=how), own.formats),
        send=_send(settings),
        audit=open_audit_log(own.audit_log, own.audit_key) if own.audit_log is not None else None,
        say=_no_words if screen.quiet else _say,
    )


def _send(settings: ListenerSettings) -> Send | None:
    from lesionseg.pacs.listener.send import StoreSender
    from lesionseg.pacs.listener.send_by_web import WebSender

    if settings.listen.send_by_web and settings.web is not None:
        return WebSender(settings.web)
    if settings.listen.send_to is not None:
        return StoreSender(settings.listen.send_to, settings.listen.ae_title)
    return None


def _stop_on_signals() -> threading.Event:
    """Return an event that the first signal sets; a second one ends the process where it is."""
    stop = threading.Event()

    def on_signal(number: int, _: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    return stop


def _say(line: str) -> None:
    moment = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    sys.stderr.write(f"{moment} {line}\n")
    sys.stderr.flush()


def _no_words(line: str) -> None:
    del line


def _counts(settings: ListenerSettings) -> dict[str, int]:
    from lesionseg.pacs.listener.journal import Journal

    with Journal(settings.listen.folder) as journal:
        return dict(Counter(job.state.value for job in journal.jobs.all()))


def _show(screen: Screen, job: Job, aside: int) -> None:
    mark = {"sent": GOOD, "done": GOOD, "failed": BAD}.get(job.state.value, HINT)
    reason = f": {job.reason}" if job.reason else ""
    note = f" ({aside} objects kept aside)" if aside else ""
    screen.mark(mark, f"study {job.study_uid}, revision {job.revision}: {job.state.value}{reason}{note}")


def _job_dict(job: Job, aside: int) -> dict[str, Any]:
    return {
        "study_uid": job.study_uid,
        "revision": job.revision,
        "state": job.state.value,
        "reason": job.reason,
        "starts": job.starts,
        "kept_aside": aside,
    }
