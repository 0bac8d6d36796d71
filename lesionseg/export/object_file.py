"""Writing a derived object as a DICOM file, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from lesionseg.core.files import staged_file

IMPLEMENTATION_NAME: Final = "LESIONSEG"


def write_object(dataset: Dataset, path: Path) -> None:
    """Write a data set as explicit VR little endian with its file meta information.

    Raises
    ------
    OutputError
        If the folder cannot be written or the disk is full; nothing is left behind.
    """
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.ImplementationVersionName = IMPLEMENTATION_NAME
    with staged_file(path) as staged:
        dataset.save_as(staged, enforce_file_format=True)
