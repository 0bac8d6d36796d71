"""Opening a DICOM mask: what it unpacks to is bounded, and whatever is wrong with it is one kind of error."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_file_meta_info
from pydicom.uid import DeflatedExplicitVRLittleEndian

from lesionseg.core.errors import LesionSegError, UnreadableFileError
from lesionseg.dicom.deflate import inflate

MAXIMUM_INFLATED_BYTES: Final = 1 << 30
"""Most that a deflated mask may unpack to: 1000 label map slices of 1024 x 1024, or 8000 in bits."""
_DAMAGE: Final = (
    OSError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError, NotImplementedError,
    RecursionError, OverflowError, RuntimeError, struct.error,
)  # fmt: skip
"""What pydicom raises on damaged files; its own exceptions derive from these."""


@contextmanager
def damage_named(path: Path, what: str) -> Iterator[None]:
    """Turn what pydicom raises on a damaged file into an `UnreadableFileError`."""
    try:
        yield
    except LesionSegError:
        raise
    except _DAMAGE as error:
        raise UnreadableFileError(
            f"the {what} cannot be read",
            case=str(path),
            found=f"{type(error).__name__}: {error}"[:200],
            remedy="Export it again from the program it was drawn in",
        ) from error


def open_dicom(path: Path) -> Dataset:
    """Read a DICOM file, deflated ones to a bounded length.

    Raises
    ------
    UnreadableFileError
        If it is damaged or unpacks to more than `MAXIMUM_INFLATED_BYTES`.
    """
    with damage_named(path, "file"):
        meta = read_file_meta_info(path)
        if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
            return dcmread(path)
        return _inflated(path, meta)


def _inflated(path: Path, meta: FileMetaDataset) -> Dataset:
    """Unpack the data set to a bounded length, and read it as what it then is."""
    with path.open("rb") as stream:
        stream.seek(132 + 12 + int(meta.FileMetaInformationGroupLength))  # preamble, prefix, group length
        unpacked = inflate(stream, MAXIMUM_INFLATED_BYTES + 1, case=str(path))
    if len(unpacked) > MAXIMUM_INFLATED_BYTES:
        raise UnreadableFileError(
            "the deflated file unpacks to more than a mask can hold",
            case=str(path),
            expected=f"at most {MAXIMUM_INFLATED_BYTES >> 20} MiB",
            remedy="Save it uncompressed",
        )
    dataset = dcmread(io.BytesIO(unpacked), force=True)
    dataset.file_meta = meta
    return dataset
