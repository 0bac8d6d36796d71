"""The batch's folder: whose it is, one process at a time, and nothing half-written from a killed one."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lesionseg.batch.request import BATCH_FILES, BATCH_FORMAT, CASES, PULLED
from lesionseg.core.errors import OutputError, OutputExistsError
from lesionseg.core.files import STAGING_PREFIX
from lesionseg.workflow.request import MANIFEST

_SHOWN = 5
_MARKER_BYTES = 200


class BusyFolderError(OutputError):
    """Another batch is at work in the folder."""


@contextmanager
def own_folder(folder: Path) -> Iterator[None]:
    """Make the folder, refuse somebody else's, and keep other batches out until the block ends.

    The lock is the kernel's, on the folder itself: it goes when the process ends, however it ends.

    Raises
    ------
    OutputExistsError
        If the folder holds anything that is not an earlier batch.
    BusyFolderError
        If another batch is at work in it.
    OutputError
        If it cannot be written.
    """
    if folder.is_file():
        raise OutputExistsError("the output path is a file", case=str(folder), remedy="Name a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _unwritable(folder, error.strerror or str(error)) from error
    try:
        _lock(descriptor, folder)
        if _is_ours(folder):
            _sweep(folder)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise _unwritable(folder, "you may not write to it")
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise BusyFolderError(
            "another batch is at work in this folder",
            case=str(folder),
            remedy="Wait until it has ended, or stop it with Ctrl-C; then run this command again",
        ) from error
    except OSError as error:
        raise OutputError(
            "the folder cannot be locked against other batches",
            case=str(folder),
            found=error.strerror or str(error),
            remedy="Choose a folder on a local disk",
        ) from error


def _is_ours(folder: Path) -> bool:
    """Tell an earlier batch from an empty folder; refuse everything else.

    What a killed process left half-written does not count.
    """
    present = sorted(path.name for path in folder.iterdir() if not path.name.startswith(STAGING_PREFIX))
    if not present:
        return False
    foreign = [name for name in present if name not in BATCH_FILES]
    if foreign or not _is_marked(folder / MANIFEST):
        raise OutputExistsError(
            "the output folder holds files that are not an earlier batch, so it is left alone",
            case=str(folder),
            found=", ".join((foreign or present)[:_SHOWN]),
            remedy="Choose another folder",
        )
    return True


def _is_marked(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return BATCH_FORMAT.encode() in stream.read(_MARKER_BYTES)


def _sweep(folder: Path) -> None:
    """Remove what an earlier process of ours left half-written when it was killed."""
    for place in (folder, folder / CASES, *folder.glob(f"{PULLED}/*")):
        for path in place.glob(f"{STAGING_PREFIX}*"):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _unwritable(folder: Path, found: str) -> OutputError:
    return OutputError(
        "the results could not be written",
        case=str(folder),
        found=found,
        remedy="Choose a folder you may write to",
    )
