"""One file: read, judged, cleaned, written, and searched for what should have gone."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID

from lesionseg.core.errors import UnreadableFileError
from lesionseg.dicom.deflate import inflate
from lesionseg.dicom.deidentify.dataset import clean_dataset
from lesionseg.dicom.deidentify.identity import READING_ERRORS, Identity, identity_of, residue
from lesionseg.dicom.deidentify.key import PseudonymKey
from lesionseg.dicom.deidentify.outcome import Change, left_out, refused
from lesionseg.dicom.deidentify.subjects import Patient, Subject, Subjects, plain_id
from lesionseg.dicom.deidentify.suspicion import refuse_other_class, refuse_suspects
from lesionseg.dicom.deidentify.uids import class_name, is_transfer_syntax, new_uid, uid_of_content
from lesionseg.dicom.deidentify.values import Context
from lesionseg.dicom.discovery import MEDIA_STORAGE_DIRECTORY
from lesionseg.dicom.file_header import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    FileHeader,
    StrayFile,
    read_file_header,
)
from lesionseg.dicom.slice_headers import sop_class_uid
from lesionseg.dicom.tags import Tag
from lesionseg.dicom.values import text

IMPLEMENTATION_NAME: Final = "LESIONSEG"
_LONGEST_DEFLATED: Final = 1 << 32


@dataclass(frozen=True)
class Settings:
    """What every file of a run has in common.

    Attributes
    ----------
    key : PseudonymKey
    version : str
        Of lesionseg; stands in DeidentificationMethod.
    more_words : frozenset of str
        May stay in descriptions; in small letters.
    characteristics : bool
        Keep age, sex, size, weight, pregnancy and smoking status.
    """

    key: PseudonymKey
    version: str
    more_words: frozenset[str] = frozenset()
    characteristics: bool = False


@dataclass(frozen=True)
class CleanFile:
    """A CT image without identities, not yet written.

    Attributes
    ----------
    dataset : Dataset
        With its file meta information.
    subject : Subject
    identity : Identity
        What must not be found in the file that is written.
    changes : tuple of Change
    sha256 : str
        Of the source file.
    """

    dataset: Dataset
    subject: Subject
    identity: Identity
    changes: tuple[Change, ...]
    sha256: str

    @property
    def study_uid(self) -> str:
        """The new Study Instance UID."""
        return str(self.dataset.StudyInstanceUID)

    @property
    def series_uid(self) -> str:
        """The new Series Instance UID."""
        return str(self.dataset.SeriesInstanceUID)

    @property
    def sop_instance_uid(self) -> str:
        """The new SOP Instance UID."""
        return str(self.dataset.SOPInstanceUID)

    @property
    def study_date(self) -> str:
        """The moved study date, ``YYYYMMDD``; empty where there is none."""
        return str(self.dataset.get("StudyDate", "") or "")


def clean_file(path: Path, subjects: Subjects, settings: Settings) -> CleanFile:
    """Read one file and keep of it what may leave.

    Raises
    ------
    NotCopied
        With the status and the reason, if it is no CT image, or a damaged, suspect or anonymous one.
    """
    try:
        header = read_file_header(path)
    except UnreadableFileError as error:
        raise refused("unreadable", "the file is damaged or cannot be opened") from error
    syntax = _ct_transfer_syntax(header)
    try:
        sha256 = hashlib.sha256(content := path.read_bytes()).hexdigest()
        source = dcmread(io.BytesIO(content), force=True)
        refuse_suspects(source)
        patient = Patient(plain_id(source.get("PatientID")), plain_id(source.get("IssuerOfPatientID")))
        return _cleaned(source, syntax, sha256, subjects.of(patient), settings)
    except READING_ERRORS as error:
        raise refused("unreadable", "the header holds values that cannot be read") from error


def new_series_uid_of(path: Path, key: PseudonymKey) -> str:
    """Return the new series UID of a file that was not copied; empty where it names none."""
    try:
        header = read_file_header(path)
    except UnreadableFileError:
        return ""
    carried = "" if isinstance(header, StrayFile) else text(header.elements, Tag.SERIES_INSTANCE_UID)
    return new_uid(key, carried) if carried else ""


def write_clean(clean: CleanFile, path: Path) -> None:
    """Write the file, then search its bytes for names, identifiers, dates and UIDs of the source.

    Raises
    ------
    NotCopied
        If one of them is found, or the encoding does not fit the pixels; the file is removed again.
    """
    try:
        clean.dataset.save_as(path, enforce_file_format=True)
    except READING_ERRORS as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise
        raise refused("unreadable", "the data set cannot be written in its transfer syntax") from error
    dates = {str(element.value)[:8] for element in clean.dataset.iterall() if element.VR in ("DA", "DT")}
    found = residue(clean.identity, _bytes_to_search(clean, path), {clean.subject.name, *dates})
    if found:
        path.unlink()
        raise refused(
            "residue", f"{found} identifying texts would still stand in the file, perhaps in its pixel data"
        )


def _ct_transfer_syntax(header: FileHeader | StrayFile) -> str:
    if isinstance(header, StrayFile):
        raise left_out("not-dicom", f"not a DICOM file ({header.kind})")
    sop_class = sop_class_uid(header.elements)
    if sop_class == MEDIA_STORAGE_DIRECTORY:
        raise left_out("dicomdir", f"a directory of files ({class_name(sop_class)})")
    if sop_class or not header.damage:
        refuse_other_class(sop_class)
    if header.damage:
        raise refused("unreadable", "the header is damaged")
    if not is_transfer_syntax(header.transfer_syntax):
        raise refused("transfer-syntax", "the transfer syntax is not one of the standard's")
    return header.transfer_syntax


def _cleaned(source: Dataset, syntax: str, sha256: str, subject: Subject, settings: Settings) -> CleanFile:
    if not (source.get("StudyInstanceUID") and source.get("SeriesInstanceUID")):
        raise refused("no-uid", "the file names no study or no series")
    identity = identity_of(source)
    context = Context(settings.key, subject, identity, settings.more_words, settings.characteristics)
    dataset, changes = clean_dataset(source, context, settings.version)
    if not dataset.get("SOPInstanceUID"):
        dataset.SOPInstanceUID = UID(uid_of_content(settings.key, sha256))
        changes += (Change("SOPInstanceUID", "replaced"),)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.file_meta.ImplementationVersionName = IMPLEMENTATION_NAME
    return CleanFile(dataset, subject, identity, changes, sha256)


def _bytes_to_search(clean: CleanFile, path: Path) -> bytes:
    """Bytes of the file that was written, unpacked where its data set is deflated."""
    content = path.read_bytes()
    if clean.dataset.file_meta.TransferSyntaxUID != DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
        return content
    header = read_file_header(path)
    start = header.deflated_from if isinstance(header, FileHeader) else None
    return inflate(io.BytesIO(content[start or 0 :]), _LONGEST_DEFLATED, case=str(path))
