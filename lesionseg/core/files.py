"""Writing that is either whole or absent: write aside, fsync, rename."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lesionseg.core.errors import OutputError, OutputExistsError

STAGING_PREFIX = ".lesionseg-"


@contextmanager
def staged_file(target: Path) -> Iterator[Path]:
    """Yield a path beside `target` to write to; on success it is fsynced and renamed into place.

    The yielded name ends like the target's, so that writers which look at the suffix work.

    Raises
    ------
    OutputError
        If the folder cannot be written or the disk is full. Nothing is left behind.
    """
    handle, name = -1, ""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=STAGING_PREFIX, suffix=target.name, dir=target.parent)
        os.close(handle)
        _give_usual_permissions(Path(name))
        yield Path(name)
        _fsync(Path(name))
        Path(name).replace(target)
        _fsync(target.parent)
    except OSError as error:
        raise _output_error(target, error) from error
    finally:
        if name:
            Path(name).unlink(missing_ok=True)


@contextmanager
def staged_folder(target: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield an empty folder beside `target`; on success it is fsynced and takes the target's place.

    An empty existing target is replaced; a filled one only with `overwrite`, and only once the new
    content is complete.

    Raises
    ------
    OutputExistsError
        If the target is a file, or holds anything and `overwrite` is not set.
    OutputError
        If the folder cannot be written or the disk is full. Nothing is left behind.
    """
    refuse_existing_output(target, overwrite=overwrite)
    staging: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=STAGING_PREFIX, dir=target.parent))
        _give_usual_permissions(staging)
        yield staging
        for path in sorted(staging.rglob("*")):
            _fsync(path)
        _replace_folder(staging, target)
        _fsync(target.parent)
    except OSError as error:
        raise _output_error(target, error) from error
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)


def write_text(target: Path, text: str) -> None:
    """Write UTF-8 text to `target`, whole or not at all."""
    with staged_file(target) as path:
        path.write_text(text, encoding="utf-8")


def refuse_existing_output(target: Path, *, overwrite: bool) -> None:
    """Raise `OutputExistsError` where `target` must not be written; called before any costly work."""
    if target.is_file():
        raise OutputExistsError("the output path is a file", case=str(target), remedy="Name a folder")
    if overwrite or not target.exists():
        return
    try:
        filled = any(target.iterdir())
    except OSError as error:
        raise _output_error(target, error) from error
    if filled:
        raise OutputExistsError(
            "the output folder already holds files",
            case=str(target),
            remedy="Choose another folder or pass --overwrite",
        )


def _replace_folder(staging: Path, target: Path) -> None:
    if not target.exists():
        staging.rename(target)
        return
    retired = Path(tempfile.mkdtemp(prefix=STAGING_PREFIX, dir=target.parent))
    try:
        target.rename(retired / target.name)
        _rename_or(staging, target, lambda: (retired / target.name).rename(target))
    finally:
        shutil.rmtree(retired, ignore_errors=True)


def _rename_or(source: Path, target: Path, undo: Callable[[], object]) -> None:
    try:
        source.rename(target)
    except OSError:
        undo()
        raise


def _give_usual_permissions(path: Path) -> None:
    mask = os.umask(0)
    os.umask(mask)
    path.chmod((0o777 if path.is_dir() else 0o666) & ~mask)


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _output_error(target: Path, error: OSError) -> OutputError:
    return OutputError(
        "the results could not be written",
        case=str(target),
        found=error.strerror or str(error),
        remedy="Free space or choose a folder you may write to; nothing was left half-written",
    )
