"""Sending objects to an archive: what it has already is not sent again, and each object gets a verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final
from uuid import uuid4

from lesionseg.core.errors import PacsAnswerError, PacsError
from lesionseg.pacs.web.archive import Archive
from lesionseg.pacs.web.multipart import MultipartBody
from lesionseg.pacs.web.outgoing import OutgoingObject, find_objects
from lesionseg.pacs.web.query import instance_uids
from lesionseg.pacs.web.stow_answer import Verdict, verdicts_of
from lesionseg.workflow.progress import CaseProgress, no_progress

PUSHED_STAGE: Final = "Objects"
_MOST_OBJECTS: Final = 50
_MOST_BYTES: Final = 64_000_000
"""Of one request; a larger object goes alone."""
_UNSENT: Final = Verdict("failed", "not sent")


@dataclass(frozen=True)
class PushedObject:
    """What became of one object.

    Attributes
    ----------
    sent : OutgoingObject
    state : str
        ``stored``, ``already there`` (an object of this UID, not sent again) or ``failed``.
    reason : str
        Why it failed, or what the archive changed in storing it.
    """

    sent: OutgoingObject
    state: str
    reason: str = ""


def push(
    archive: Archive,
    path: Path,
    *,
    progress: CaseProgress = no_progress,
    boundary: Callable[[], str] = lambda: uuid4().hex,
) -> tuple[PushedObject, ...]:
    """Send every DICOM object under a path: a file, a folder, the export of a case.

    The archive is asked first which UIDs it has. They are hashed from what the objects were made of, so a
    second push of the same results sends nothing.

    Returns
    -------
    tuple of PushedObject
        In the order of the files. Those that fail are named with the archive's reason.

    Raises
    ------
    InputError
        If there is no DICOM object, or two differ under one UID.
    PacsError
        If the archive cannot be asked at all.
    """
    objects = find_objects(path)
    verdicts = _already_there(archive, objects)
    waiting = [one for one in objects if one.sop_instance_uid not in verdicts]
    for batch in _batches(waiting):
        progress(PUSHED_STAGE, len(verdicts), len(objects))
        try:
            verdicts |= _send(archive, batch, boundary())
        except PacsError as error:
            verdicts |= {one.sop_instance_uid: Verdict("failed", str(error)) for one in batch}
            if not isinstance(error, PacsAnswerError):  # no use in trying the others
                break
    return tuple(_pushed(one, verdicts.get(one.sop_instance_uid, _UNSENT)) for one in objects)


def _already_there(archive: Archive, objects: Sequence[OutgoingObject]) -> dict[str, Verdict]:
    there: dict[str, Verdict] = {}
    series = {(one.study_uid, one.series_uid) for one in objects}
    for study_uid, series_uid in sorted(series):
        held = instance_uids(archive, study_uid, series_uid)
        there |= {uid: Verdict("already there") for uid in held}
    return {
        one.sop_instance_uid: there[one.sop_instance_uid] for one in objects if one.sop_instance_uid in there
    }


def _send(archive: Archive, batch: Sequence[OutgoingObject], boundary: str) -> dict[str, Verdict]:
    case = f"study {batch[0].study_uid}"
    told = verdicts_of(archive.store(MultipartBody([one.file for one in batch], boundary), case))
    silent = [one for one in batch if one.sop_instance_uid not in told]
    held = _already_there(archive, silent)  # no word on them: look
    for one in silent:
        found = one.sop_instance_uid in held
        told[one.sop_instance_uid] = (
            Verdict("stored") if found else Verdict("failed", "the archive says nothing of it and lacks it")
        )
    return {one.sop_instance_uid: told[one.sop_instance_uid] for one in batch}


def _batches(objects: Sequence[OutgoingObject]) -> Iterator[list[OutgoingObject]]:
    """Cut into requests of one study each that are neither too long nor too large."""
    for _, of_study in groupby(sorted(objects, key=lambda one: one.study_uid), key=lambda one: one.study_uid):
        batch: list[OutgoingObject] = []
        for one in of_study:
            full = len(batch) >= _MOST_OBJECTS or sum(each.bytes for each in batch) + one.bytes > _MOST_BYTES
            if batch and full:
                yield batch
                batch = []
            batch.append(one)
        yield batch


def _pushed(one: OutgoingObject, verdict: Verdict) -> PushedObject:
    return PushedObject(one, verdict.state, verdict.reason)
