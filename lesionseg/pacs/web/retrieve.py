"""Retrieving one series (WADO-RS, PS3.18 10.4): as a whole, and what a break left over one by one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import requests

from lesionseg.core.errors import PacsAnswerError, PacsConnectionError, PacsContentError
from lesionseg.pacs.settings import PullLimits
from lesionseg.pacs.web.archive import Archive
from lesionseg.pacs.web.faults import no_dicomweb
from lesionseg.pacs.web.inbox import Inbox, Promised, StoredInstance
from lesionseg.pacs.web.multipart import MultipartError, MultipartReader, Part, boundary_of


def retrieve_series(
    archive: Archive, promised: Promised, folder: Path, limits: PullLimits
) -> tuple[StoredInstance, ...]:
    """Write every object of a series into `folder`, an empty one.

    Raises
    ------
    PacsError
        One of its kinds; the folder then holds part of the series.
    """
    inbox = Inbox(folder, promised, limits)
    path = f"studies/{quote(promised.study_uid)}/series/{quote(promised.series_uid)}"
    archive.retried(lambda: _take_whole(archive, inbox, path, promised.case), promised.case)
    for uid in inbox.missing:
        _retrieve_one(archive, inbox, f"{path}/instances/{quote(uid)}", promised, uid)
    return inbox.instances


def _take_whole(archive: Archive, inbox: Inbox, path: str, case: str) -> None:
    try:
        _take(archive, inbox, path, case)
    except PacsConnectionError:
        if not inbox.instances:  # what has arrived need not come again
            raise


def _retrieve_one(archive: Archive, inbox: Inbox, path: str, promised: Promised, uid: str) -> None:
    case = f"{promised.case}, instance {uid}"
    try:
        archive.retried(lambda: _take(archive, inbox, path, case), case)
    except PacsAnswerError as error:
        raise _undelivered(promised, uid, error.found) from error
    if uid in inbox.missing:
        raise _undelivered(promised, uid, "an answer without it")


def _take(archive: Archive, inbox: Inbox, path: str, case: str) -> None:
    with archive.retrieving(path, case) as answer:
        try:
            for part in _parts(archive, answer):
                inbox.take(part)
        except MultipartError as error:
            raise PacsConnectionError(
                "the archive's answer is not whole", case=case, found=str(error), remedy="Try again"
            ) from error


def _parts(archive: Archive, answer: requests.Response) -> Iterator[Part]:
    kind = answer.headers.get("Content-Type", "")
    boundary = boundary_of(kind)
    if boundary is not None:
        return MultipartReader(archive.blocks(answer), boundary).parts()
    if kind.partition(";")[0].strip().lower() == "application/dicom":
        return iter((Part(None, archive.blocks(answer)),))
    raise no_dicomweb(archive.host, "", f"Content-Type {kind or 'missing'}")


def _undelivered(promised: Promised, uid: str, found: str) -> PacsContentError:
    return PacsContentError(
        "the archive does not deliver an object that it lists",
        case=promised.case,
        expected=f"{len(promised.sop_instance_uids)} objects, {uid} among them",
        found=found,
        remedy="Try again once the study is complete in the archive; nothing of this series was kept",
    )
