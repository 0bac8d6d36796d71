"""Finding the files: any depth, any name, strays tolerated, loops and special files left alone."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lesionseg.core.errors import EmptyInputError, InputNotFoundError, UnreadableFileError
from lesionseg.core.files import STAGING_PREFIX
from lesionseg.dicom.file_header import (
    EMPTY,
    UNKNOWN,
    FileHeader,
    StrayFile,
    cannot_read,
    not_a_slice_any_more,
    read_file_header,
)
from lesionseg.dicom.headers import SliceHeader
from lesionseg.dicom.settings import Note
from lesionseg.dicom.slice_headers import slices_of, sop_class_uid
from lesionseg.dicom.tags import Tag
from lesionseg.dicom.values import text

MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"


@dataclass(frozen=True)
class UnreadableFile:
    """A file that may hold a slice but cannot be used, and what is known of it."""

    path: Path
    series_uid: str
    modality: str
    error: UnreadableFileError


@dataclass(frozen=True)
class Findings:
    """Everything found under a path.

    Attributes
    ----------
    path : Path
        Where the search began.
    slices : tuple of SliceHeader
        Every image, of whatever kind.
    unreadable : tuple of UnreadableFile
        Files that are, or may be, damaged DICOM.
    strays : dict of str to int
        Files that hold no image, counted by kind.
    """

    path: Path
    slices: tuple[SliceHeader, ...]
    unreadable: tuple[UnreadableFile, ...]
    strays: dict[str, int]

    @property
    def notes(self) -> tuple[Note, ...]:
        """One note on all strays, none where there are none."""
        if not self.strays:
            return ()
        counted = ", ".join(f"{number} x {kind}" for kind, number in sorted(self.strays.items()))
        return (Note("strays-ignored", f"files without an image were ignored: {counted}"),)


def find_slices(path: Path) -> Findings:
    """Read the header of every file under a folder, or of one file.

    Raises
    ------
    InputNotFoundError
        If the path does not exist.
    UnreadableFileError
        If the path itself cannot be opened.
    EmptyInputError
        If there is no file at all.
    """
    slices: list[SliceHeader] = []
    unreadable: list[UnreadableFile] = []
    strays: list[StrayFile] = []
    files = 0
    for found in _files(path):
        files += 1
        if isinstance(found, UnreadableFileError):
            unreadable.append(UnreadableFile(Path(found.case), "", "", found))
            continue
        _sort_in(found, slices, unreadable, strays)
    if not files:
        raise EmptyInputError(
            "the folder holds no files", case=str(path), remedy="Name the folder that holds the DICOM files"
        )
    lost = _lost_slices(strays, slices)
    unreadable.extend(UnreadableFile(error_path, "", "", error) for error_path, error in lost.items())
    kinds = Counter(stray.kind for stray in strays if stray.path not in lost)
    return Findings(path, tuple(slices), tuple(unreadable), dict(kinds))


def _lost_slices(
    strays: Sequence[StrayFile], slices: Sequence[SliceHeader]
) -> dict[Path, UnreadableFileError]:
    """Tell which files without sense are named like the slices beside them, and so may have been slices."""
    suspects = [stray for stray in strays if stray.kind in (EMPTY, UNKNOWN)]
    families = (
        {family for header in slices for family in _families(header.source.path)} if suspects else set()
    )
    return {
        stray.path: not_a_slice_any_more(stray.path, f"{stray.kind}, named like a slice")
        for stray in suspects
        if not families.isdisjoint(_families(stray.path))
    }


def _families(path: Path) -> set[tuple[Path, str]]:
    """Folder and suffix, and folder and name without its numbers; numbers alone are no suffix."""
    shapes = {re.sub(r"[\d.]+", "#", path.name), path.suffix.lower()}
    return {(path.parent, shape) for shape in shapes if re.search("[a-z]|#", shape, re.IGNORECASE)}


def _sort_in(
    path: Path, slices: list[SliceHeader], unreadable: list[UnreadableFile], strays: list[StrayFile]
) -> None:
    try:
        header = read_file_header(path)
    except UnreadableFileError as error:
        unreadable.append(UnreadableFile(path, "", "", error))
        return
    if isinstance(header, StrayFile):
        strays.append(header)
        return
    kind = _not_an_image(header)
    if kind:
        strays.append(StrayFile(path, kind))
        return
    try:
        if header.damage:
            raise header.damage
        slices.extend(slices_of(header))
    except UnreadableFileError as error:
        uid, modality = text(header.elements, Tag.SERIES_INSTANCE_UID), text(header.elements, Tag.MODALITY)
        unreadable.append(UnreadableFile(path, uid, modality, error))


def _not_an_image(header: FileHeader) -> str:
    """Kind of a sound DICOM file that has no pixels and never had any; empty for images."""
    if sop_class_uid(header.elements) == MEDIA_STORAGE_DIRECTORY:
        return "DICOMDIR"
    if header.damage or header.pixel_element or Tag.ROWS in header.elements:
        return ""
    modality = text(header.elements, Tag.MODALITY)
    if modality and modality != "CT":
        return f"DICOM without pixels ({modality})"
    return ""


def _files(path: Path) -> Iterator[Path | UnreadableFileError]:
    """Yield regular files in a fixed order, each once; what cannot be listed is yielded as its error."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise InputNotFoundError(
            "the path does not exist", case=str(path), remedy="Check the spelling"
        ) from error
    except OSError as error:
        raise cannot_read(path, error) from error
    if stat.S_ISREG(mode):
        yield path
    elif stat.S_ISDIR(mode):
        yield from _files_below(path)


def _files_below(top: Path) -> Iterator[Path | UnreadableFileError]:
    seen: set[tuple[int, int]] = set()
    pending = [top]
    while pending:
        folder = pending.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            if folder == top:
                raise cannot_read(folder, error) from error
            yield cannot_read(folder, error)
            continue
        folders: list[Path] = []
        for entry in entries:
            if entry.name.startswith(STAGING_PREFIX):  # half a series, left by a pull that was killed
                continue
            found = _visit(Path(entry.path), seen)
            if isinstance(found, _Folder):
                folders.append(found.path)
            elif found is not None:
                yield found
        pending.extend(reversed(folders))


@dataclass(frozen=True)
class _Folder:
    path: Path


def _visit(path: Path, seen: set[tuple[int, int]]) -> Path | _Folder | UnreadableFileError | None:
    """Tell a file or folder not met before; None for repeats, broken links, pipes and devices."""
    try:
        status = path.stat()
    except OSError as error:
        return None if error.errno in (errno.ENOENT, errno.ELOOP) else cannot_read(path, error)
    is_folder = stat.S_ISDIR(status.st_mode)
    key = (status.st_dev, status.st_ino)
    if key in seen or not (is_folder or stat.S_ISREG(status.st_mode)):
        return None
    seen.add(key)
    return _Folder(path) if is_folder else path
