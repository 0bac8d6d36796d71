"""Refusing an output folder before any work is done for it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from lesionseg.core.errors import OutputError, OutputExistsError
from lesionseg.core.files import refuse_existing_output

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
    """

    names: tuple[str, ...]
    marker: str
    marker_text: str


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
    foreign = [name for name in present if name not in own.names]
    if not foreign and _is_marked(folder / own.marker, own.marker_text):
        return
    shown = foreign or present
    raise OutputExistsError(
        "the output folder holds files that are not an earlier result, so it is not overwritten",
        case=str(folder),
        found=", ".join(shown[:_SHOWN]) + (" …" if len(shown) > _SHOWN else ""),
        remedy="Choose another folder",
    )


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
