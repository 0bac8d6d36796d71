"""One scan of the work list: where it lies, what it is called, and how its headers are read again.

The headers of all scans together would outgrow the pixels of one, so a case keeps names of files alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from lesionseg.core.errors import InputError, UnreadableFileError

if TYPE_CHECKING:
    from lesionseg.batch.sources import RemoteStudy
    from lesionseg.dicom.discovery import Findings, UnreadableFile
    from lesionseg.dicom.headers import SliceHeader


@dataclass(frozen=True)
class FileSet:
    """Files as one folder and the names below it, which takes little memory."""

    folder: str = ""
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, paths: Iterable[Path]) -> Self:
        """Keep each file once, in the order given."""
        full = list(dict.fromkeys(str(path) for path in paths))
        folder = os.path.commonpath([str(Path(path).parent) for path in full]) if full else ""
        return cls(folder, tuple(os.path.relpath(path, folder) for path in full))

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files."""
        return tuple(Path(self.folder, name) for name in self.names)


@dataclass(frozen=True)
class BatchCase:
    """One scan that the batch is to measure.

    Attributes
    ----------
    case_id : str
        Unique in the batch, and a file name.
    identity : str
        By which the scan is known again in a later run: its study, the file, or the name that a manifest
        gives it.
    path : Path
        Folder that holds all of its slices, or a volume file; folder for what is fetched, where it is remote.
    files : FileSet
        Of the series that is measured; empty where none could be chosen.
    slices : FileSet
        Every image of the study, among which the loader chooses; empty of a volume file.
    unreadable : tuple of UnreadableFile
        Damaged files that count against the study.
    asked_series : str or None
    patient_id, study_uid, series_uid, study_date : str
        As the files say; empty where they do not.
    error : InputError or None
        Why there is nothing to measure, where that is known already.
    remote : RemoteStudy or None
        The study, while it is elsewhere: there are no files yet.
    """

    case_id: str
    identity: str
    path: Path
    files: FileSet = field(default_factory=FileSet)
    slices: FileSet = field(default_factory=FileSet)
    unreadable: tuple[UnreadableFile, ...] = ()
    asked_series: str | None = None
    patient_id: str = ""
    study_uid: str = ""
    series_uid: str = ""
    study_date: str = ""
    error: InputError | None = None
    remote: RemoteStudy | None = None

    @property
    def is_dicom(self) -> bool:
        """Whether the scan is DICOM slices, not a volume file."""
        return bool(self.slices.names) or self.remote is not None

    def find_again(self) -> Findings | None:
        """Read the headers of the study again; None of a volume file.

        Raises
        ------
        InputError
            If a file has gone or holds no image any more since it was listed.
        """
        from lesionseg.dicom.discovery import Findings, find_slices

        if not self.is_dicom:
            return None
        slices: list[SliceHeader] = []
        unreadable = list(self.unreadable)
        for path in self.slices.paths:
            found = find_slices(path)
            if not found.slices and not found.unreadable:
                raise _changed(path)
            slices.extend(found.slices)
            unreadable.extend(found.unreadable)
        return Findings(self.path, tuple(slices), tuple(unreadable), {})


def forget_frames(error: InputError) -> InputError:
    """Return an error without its traceback, which would keep the headers of a study in memory."""
    error.__context__ = error.__cause__ = None
    return error.with_traceback(None)


def _changed(path: Path) -> UnreadableFileError:
    return UnreadableFileError(
        "the file was a slice when the scans were listed, and is none any more",
        case=str(path),
        remedy="Run the batch again when the scans are at rest",
    )
