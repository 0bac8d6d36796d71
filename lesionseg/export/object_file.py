"""Writing a derived object as a DICOM file, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from lesionseg.core.files import staged_file

IMPLEMENTATION_NAME: Final = "LESIONSEG"
UTF_8: Final = "ISO_IR 192"


def write_object(dataset: Dataset, path: Path, transfer_syntax_uid: str = ExplicitVRLittleEndian) -> None:
    """Write a data set with its file meta information; all of its text becomes UTF-8.

    What is copied from the source may be in any character set, and what the program adds (a reader's name,
    a unit such as cm²) may not fit into that one.

    Raises
    ------
    OutputError
        If the folder cannot be written or the disk is full; nothing is left behind.
    """
    dataset.decode()
    dataset.SpecificCharacterSet = UTF_8
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(transfer_syntax_uid)
    dataset.file_meta.ImplementationVersionName = IMPLEMENTATION_NAME
    with staged_file(path) as staged:
        dataset.save_as(staged, enforce_file_format=True)
