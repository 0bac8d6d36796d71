"""Whether every machine sees the scans and the results, under the same paths."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lesionseg.batch.cases import BatchCase, FileSet
from lesionseg.core.errors import ClusterError, OutputError
from lesionseg.core.files import STAGING_PREFIX

SAMPLES = 50
"""Scans of the work list, spread over it, of which one file is looked for."""
_REMEDY = "Mount the folder under the same path on every machine, or leave this machine out of the cluster"


@dataclass(frozen=True)
class Places:
    """What every machine must see.

    Attributes
    ----------
    token : Path
        A file in the folder of the case folders,
    word : str
        and what it says.
    samples : tuple of (str, int)
        Files of scans with their sizes in bytes.
    """

    token: Path
    word: str
    samples: tuple[tuple[str, int], ...]


@contextmanager
def marked_places(folder: Path, cases: Sequence[BatchCase]) -> Iterator[Places]:
    """Leave a token in the results' folder until the block ends.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    word = uuid.uuid4().hex
    token = folder.absolute() / f"{STAGING_PREFIX}token-{word}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        token.write_text(word, encoding="ascii")
    except OSError as error:
        found = error.strerror or str(error)
        raise OutputError("the results could not be written", case=str(folder), found=found) from error
    try:
        yield Places(token, word, tuple(_samples(cases)))
    finally:
        token.unlink(missing_ok=True)


def refuse_unseen(places: Places, host: str) -> None:
    """Raise if this machine does not see what the others see.

    Parameters
    ----------
    places : Places
    host : str
        What messages call this machine.

    Raises
    ------
    ClusterError
        Naming machine, path and what was found.
    """
    _refuse_other_results(places, host)
    for name, size in places.samples:
        try:
            found = Path(name).stat().st_size
        except OSError as error:
            raise _unseen("the scans", host, name, error.strerror or str(error)) from error
        if found != size:
            raise _unseen("the scans", host, name, f"{found} bytes instead of {size}")


def with_full_paths(case: BatchCase) -> BatchCase:
    """Return the case with paths that hold in every working directory."""
    return replace(case, path=case.path.absolute(), files=_full(case.files), slices=_full(case.slices))


def _refuse_other_results(places: Places, host: str) -> None:
    folder = places.token.parent
    try:
        word = places.token.read_text(encoding="ascii")
        with tempfile.NamedTemporaryFile(prefix=STAGING_PREFIX, dir=folder):
            pass
    except OSError as error:
        raise _unseen("the results' folder", host, str(folder), error.strerror or str(error)) from error
    if word != places.word:
        raise _unseen("the results' folder", host, str(folder), "another folder under the same path")


def _unseen(what: str, host: str, path: str, found: str) -> ClusterError:
    return ClusterError(
        f"a machine of the cluster does not see {what} as the others do",
        case=path,
        expected=f"the same files under the same path on {host}",
        found=found,
        remedy=_REMEDY,
    )


def _samples(cases: Sequence[BatchCase]) -> Iterator[tuple[str, int]]:
    with_files = [case for case in cases if case.files.names or case.slices.names]
    for case in with_files[:: max(1, len(with_files) // SAMPLES)]:
        path = with_full_paths(case).files.paths or with_full_paths(case).slices.paths
        try:
            yield str(path[0]), path[0].stat().st_size
        except OSError:  # gone since it was listed: the case's own failure, told when it is read
            continue


def _full(files: FileSet) -> FileSet:
    return replace(files, folder=os.path.abspath(files.folder)) if files.names else files  # noqa: PTH100
