"""The DICOM objects under a path, as they are about to be sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydicom import dcmread
from pydicom.errors import InvalidDicomError
from pydicom.uid import MediaStorageDirectoryStorage

from lesionseg.core.errors import EmptyInputError, InputError, InputNotFoundError, UnreadableFileError
from lesionseg.core.files import STAGING_PREFIX
from lesionseg.core.provenance import sha256_of_file

_PREAMBLE: Final = 128
_MAGIC: Final = b"DICM"
_WANTED: Final = (
    "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality", "SeriesDescription",
)  # fmt: skip


@dataclass(frozen=True)
class OutgoingObject:
    """One DICOM file.

    Attributes
    ----------
    file : Path
    study_uid, series_uid, sop_instance_uid, sop_class_uid, modality, description : str
    bytes : int
    """

    file: Path
    study_uid: str
    series_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    modality: str
    description: str
    bytes: int


def find_objects(path: Path) -> tuple[OutgoingObject, ...]:
    """Read the header of every DICOM file under a path, in the order of names; other files are left alone.

    A file that is there twice, byte for byte, counts once.

    Raises
    ------
    InputNotFoundError, EmptyInputError, UnreadableFileError
    InputError
        If two different files have one SOP Instance UID.
    """
    if not path.exists():
        raise InputNotFoundError("there is no such file or folder", case=str(path))
    found: dict[str, OutgoingObject] = {}
    for file in _dicom_files(path):
        one = _read(file)
        if one is None:
            continue
        earlier = found.setdefault(one.sop_instance_uid, one)
        if earlier is not one and sha256_of_file(earlier.file) != sha256_of_file(file):
            raise InputError(
                "two different objects have one SOP Instance UID",
                case=str(file),
                found=f"{one.sop_instance_uid} in {earlier.file} too",
                remedy="Push the folders one by one, and only the one that is right",
            )
    if not found:
        raise EmptyInputError(
            "there is no DICOM object here",
            case=str(path),
            remedy="Make some with `lesionseg export`, or name the folder that holds them",
        )
    return tuple(found.values())


def _dicom_files(path: Path) -> Iterator[Path]:
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    for file in files:
        staged = any(part.startswith(STAGING_PREFIX) for part in file.relative_to(path).parts)
        if file.is_file() and not staged and _is_dicom(file):
            yield file


def _is_dicom(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return stream.read(_PREAMBLE + len(_MAGIC))[_PREAMBLE:] == _MAGIC
    except OSError as error:
        raise UnreadableFileError(
            "a file cannot be opened", case=str(file), found=error.strerror or str(error)
        ) from error


def _read(file: Path) -> OutgoingObject | None:
    """Return the object; None for a DICOMDIR, which no archive takes."""
    try:
        header = dcmread(file, stop_before_pixels=True, specific_tags=list(_WANTED))
    except (InvalidDicomError, OSError, EOFError, ValueError, NotImplementedError) as error:
        raise UnreadableFileError("a DICOM file is damaged", case=str(file), found=str(error)) from error
    if header.file_meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
        return None
    texts = {keyword: str(header.get(keyword, "") or "") for keyword in _WANTED}
    lacking = [name for name in _WANTED[:4] if not texts[name]]
    if lacking:
        raise UnreadableFileError(
            "a DICOM file lacks identifiers, so no archive can take it",
            case=str(file),
            expected=", ".join(lacking),
            remedy="Remove it from the folder, or make it anew",
        )
    return OutgoingObject(
        file=file,
        study_uid=texts["StudyInstanceUID"],
        series_uid=texts["SeriesInstanceUID"],
        sop_instance_uid=texts["SOPInstanceUID"],
        sop_class_uid=texts["SOPClassUID"],
        modality=texts["Modality"],
        description=texts["SeriesDescription"],
        bytes=file.stat().st_size,
    )
