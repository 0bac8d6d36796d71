"""Refusing an output folder before any work is done for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lesionseg.core.errors import OutputError, OutputExistsError
from lesionseg.core.files import refuse_existing_output
from lesionseg.core.provenance import sha256_of_file

_SHOWN = 5
_MARKER_BYTES = 200


@dataclass(frozen=True)
class OwnOutput:
    """How to tell an earlier result of ours from somebody's files.

    Attributes
    ----------
    names : tuple of str
        All that the folder may hold.
    marker : str
        The one of these that is always there,
    marker_text : str
        and what stands near its beginning.
    parts : tuple of (str, OwnOutput)
        Folders that it may hold too, and how to tell what is in them.
    recorded : callable, optional
        Reads from the marker the SHA-256 of other files by their names. A file that has another is somebody's
        work by now.
    """

    names: tuple[str, ...]
    marker: str
    marker_text: str
    parts: tuple[tuple[str, OwnOutput], ...] = ()
    recorded: Callable[[Path], Mapping[str, str]] | None = None


def refuse_output(folder: Path, own: OwnOutput, *, overwrite: bool) -> None:
    """Raise where results must not or cannot be written.

    With `overwrite` only an earlier result of the same kind is replaced, so that a slip of the hand does not
    cost somebody's files.

    Raises
    ------
    OutputExistsError
        If the folder is filled and `overwrite` is not set, or it holds something else.
    OutputError
        If the folder cannot be written.
    """
    refuse_existing_output(folder, overwrite=overwrite)
    if folder.is_dir():
        _refuse_foreign_files(folder, own)
    _refuse_unwritable(folder)


def _refuse_foreign_files(folder: Path, own: OwnOutput) -> None:
    present = sorted(path.name for path in folder.iterdir())
    if not present:
        return
    parts = {name: part for name, part in own.parts if (folder / name).is_dir()}
    foreign = [name for name in present if name not in (*own.names, *parts)]
    if foreign or not _is_marked(folder / own.marker, own.marker_text):
        raise _refusal(folder, "files that are not an earlier result", foreign or present)
    changed = _changed(folder, own)
    if changed:
        raise _refusal(folder, "an earlier result that was changed since", changed)
    for name, part in parts.items():
        _refuse_foreign_files(folder / name, part)


def _refusal(folder: Path, held: str, names: list[str]) -> OutputExistsError:
    return OutputExistsError(
        f"the output folder holds {held}, so it is not overwritten",
        case=str(folder),
        found=", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else ""),
        remedy="Choose another folder",
    )


def _changed(folder: Path, own: OwnOutput) -> list[str]:
    """Return the files that are there with another content than the marker records."""
    recorded = own.recorded(folder / own.marker) if own.recorded else {}
    return [
        name
        for name, sha256 in recorded.items()
        if (folder / name).is_file() and sha256_of_file(folder / name) != sha256
    ]


def _is_marked(path: Path, text: str) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return text.encode() in stream.read(_MARKER_BYTES)


def _refuse_unwritable(folder: Path) -> None:
    parent = next(part for part in folder.absolute().parents if part.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise OutputError(
            "the results could not be written",
            case=str(folder),
            found=f"{parent} is not a folder that you may write to",
            remedy="Choose a folder you may write to",
        )
