"""One study on its way through the segmenter: its objects gathered, its results hashed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from lesionseg.core.errors import InputError, OutputError
from lesionseg.core.provenance import sha256_of_file
from lesionseg.pacs.listener.journal import Job, ReceivedObject, Result
from lesionseg.pacs.listener.store import make_folders, study_folder

_INPUT: Final = "input"
Checkpoint = Callable[[], None]
"""Called by the segmenter every few seconds; raises `StopRequestedError` when the listener is to stop."""


class StopRequestedError(Exception):
    """The listener stops in good order; the case is begun anew at the next start."""


@dataclass(frozen=True)
class StudyTask:
    """What a segmenter gets.

    Attributes
    ----------
    study_uid : str
    input_folder : Path
        Holds the study's objects and nothing else; not to be changed.
    output_folder : Path
        There, and empty but for the input.
    """

    study_uid: str
    input_folder: Path
    output_folder: Path


class SegmentStudy(Protocol):
    """Makes DICOM files of a study."""

    def __call__(self, task: StudyTask, checkpoint: Checkpoint) -> Sequence[Path]:
        """Return the files to send, below the output folder and synced.

        Raises
        ------
        OutputError
            If they cannot be written: tried again later.
        LesionSegError
            If the study cannot be segmented: set aside with this reason.
        """


def prepare(folder: Path, job: Job, objects: Sequence[ReceivedObject]) -> StudyTask:
    """Gather the objects of a job; what an earlier start left is dropped, since nothing of it was sent.

    Raises
    ------
    InputError
        If a received file has gone or changed.
    OutputError
        If the folder cannot be written.
    """
    output = folder / study_folder(job.study_uid) / f"revision-{job.revision}"
    task = StudyTask(job.study_uid, output / _INPUT, output)
    try:
        if output.exists():
            shutil.rmtree(output)
        make_folders(task.input_folder)
        for one in objects:
            _refuse_altered(folder / one.file, one)
            _link(folder / one.file, task.input_folder / Path(one.file).name)
    except OSError as error:
        raise OutputError(
            "the study's objects could not be gathered",
            case=job.study_uid,
            found=str(error),
            remedy="Free space, or see that the folder may be written",
        ) from error
    return task


def results_of(folder: Path, job: Job, files: Sequence[Path]) -> tuple[Result, ...]:
    """Describe the files that are to be sent."""
    from pydicom.filereader import read_file_meta_info

    return tuple(
        Result(
            job=job.number,
            sop_instance_uid=str(read_file_meta_info(path).MediaStorageSOPInstanceUID),
            file=path.relative_to(folder).as_posix(),
            sha256=sha256_of_file(path),
        )
        for path in files
    )


def _link(source: Path, target: Path) -> None:
    """Give a file a second name: it takes no space, and stays whatever happens to the first."""
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copy2(source, target)


def _refuse_altered(path: Path, received: ReceivedObject) -> None:
    if not path.is_file() or sha256_of_file(path) != received.sha256:
        raise InputError(
            "a received object is no longer what was received",
            case=str(path),
            expected=f"SHA-256 {received.sha256}",
            found="another content" if path.is_file() else "no such file",
            remedy="Have the study sent again",
        )
