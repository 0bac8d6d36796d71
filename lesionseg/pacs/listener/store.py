"""Received objects on disk: whole, synced, never overwritten, in the journal before they are acknowledged."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from lesionseg.core.errors import OutputError
from lesionseg.core.file_names import safe_file_name
from lesionseg.core.files import STAGING_PREFIX, staged_file
from lesionseg.pacs.listener.identity import Identity
from lesionseg.pacs.listener.journal import Journal, ReceivedObject
from lesionseg.pacs.listener.refusals import OUT_OF_RESOURCES, RefusedError

STUDIES: Final = "studies"
_OBJECTS, _ASIDE = "objects", "aside"
_HASH_CHARACTERS: Final = 12


class Stored(StrEnum):
    """What became of an object: ``new``, the same bytes ``known`` already, or others kept ``aside``."""

    NEW = "new"
    KNOWN = "known"
    ASIDE = "aside"


@dataclass(frozen=True)
class Room:
    """How much may be stored.

    Attributes
    ----------
    stored_bytes : int
        Of received objects, all together.
    free_bytes : int
        Left free on the disk.
    """

    stored_bytes: int
    free_bytes: int


class ObjectStore:
    """Writes received objects below ``FOLDER/studies``; one at a time, from any thread."""

    def __init__(self, folder: Path, journal: Journal, room: Room) -> None:
        self._folder = folder
        self._journal = journal
        self._room = room
        self._lock = threading.Lock()
        self._stored_bytes = journal.objects.stored_bytes()

    def store(self, content: bytes, identity: Identity, calling: str) -> Stored:
        """Keep an object; when this returns it is on disk and in the journal.

        Raises
        ------
        RefusedError
            If there is no room for it.
        OutputError
            If it cannot be written. Nothing of it is left.
        """
        received = ReceivedObject(
            sop_instance_uid=identity.sop_instance_uid,
            study_uid=identity.study_uid,
            series_uid=identity.series_uid,
            file=f"{study_folder(identity.study_uid)}/{_OBJECTS}/{safe_file_name(identity.sop_instance_uid)}.dcm",
            sha256=hashlib.sha256(content).hexdigest(),
            size_bytes=len(content),
            calling=calling,
        )
        with self._lock:
            known = self._journal.objects.find(received.sop_instance_uid)
            if known is None:
                self._keep(content, received)
                return Stored.NEW
            if known.sha256 == received.sha256:
                return Stored.KNOWN
            if not self._journal.objects.is_aside(received.sop_instance_uid, received.sha256):
                self._keep_aside(content, received, known.study_uid)
            return Stored.ASIDE

    def _keep(self, content: bytes, received: ReceivedObject) -> None:
        path = self._write(content, received)
        try:
            self._journal.objects.add(received)
        except OutputError:
            path.unlink(missing_ok=True)
            raise
        self._stored_bytes += received.size_bytes

    def _keep_aside(self, content: bytes, received: ReceivedObject, study_uid: str) -> None:
        name = f"{safe_file_name(received.sop_instance_uid)}-{received.sha256[:_HASH_CHARACTERS]}.dcm"
        aside = replace(received, study_uid=study_uid, file=f"{study_folder(study_uid)}/{_ASIDE}/{name}")
        path = self._write(content, aside)
        try:
            self._journal.objects.add_aside(aside)
        except OutputError:
            path.unlink(missing_ok=True)
            raise
        self._stored_bytes += received.size_bytes

    def _write(self, content: bytes, received: ReceivedObject) -> Path:
        path = self._folder / received.file
        self._refuse_without_room(len(content))
        make_folders(path.parent)
        with staged_file(path) as staging:
            staging.write_bytes(content)
        return path

    def _refuse_without_room(self, size_bytes: int) -> None:
        if self._stored_bytes + size_bytes > self._room.stored_bytes:
            raise RefusedError(OUT_OF_RESOURCES, "the listener's quota is used up")
        if shutil.disk_usage(self._folder).free - size_bytes < self._room.free_bytes:
            raise RefusedError(OUT_OF_RESOURCES, "the disk is nearly full")


def study_folder(study_uid: str) -> str:
    """Return where a study lies, relative to the listener's folder; any text makes a safe name."""
    return f"{STUDIES}/{safe_file_name(study_uid)}"


def tidy(folder: Path, journal: Journal) -> int:
    """Drop what a killed process left half-written, and rows whose files somebody removed.

    Returns
    -------
    int
        How many objects are gone.
    """
    for left in folder.glob(f"{STUDIES}/*/{_OBJECTS}/{STAGING_PREFIX}*"):
        left.unlink(missing_ok=True)
    for left in folder.glob(f"{STUDIES}/*/{_ASIDE}/{STAGING_PREFIX}*"):
        left.unlink(missing_ok=True)
    gone = [one for one in journal.objects.all() if not (folder / one.file).is_file()]
    if gone:
        journal.objects.forget(gone)
    return len(gone)


def make_folders(folder: Path) -> None:
    """Create a folder so that it is there after a power cut too: each new name is synced in its parent."""
    if folder.is_dir():
        return
    make_folders(folder.parent)
    try:
        folder.mkdir(exist_ok=True)
        handle = os.open(folder.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise OutputError("a folder could not be made", case=str(folder), found=str(error)) from error
