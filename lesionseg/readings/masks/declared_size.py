"""How large a volume file says it is, asked before any of its voxels are unpacked."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Final

import numpy as np

from lesionseg.core.errors import MaskMismatchError, UnreadableFileError
from lesionseg.readings.masks.reader_mask import Misfit, ReferenceScan
from lesionseg.volume.compressed import refuse_damaged_stream
from lesionseg.volume.nifti import NIFTI2_BYTES, parse_nifti_header

LARGEST_TO_SCAN: Final = 4
"""A mask's grid may hold this many times the scan's voxels: margins around it, no more."""
MAXIMUM_LAYERS: Final = 32
_SLACK_BYTES: Final = 1 << 20  # headers and extensions
_LARGEST_VOXEL_BYTES: Final = 8
_BLOCK_BYTES: Final = 1 << 20


def refuse_oversized(path: Path, scan: ReferenceScan) -> None:
    """Refuse a file whose header, or whose compressed voxels, are far larger than the scan.

    Raises
    ------
    MaskMismatchError
        If the grid is too large.
    UnreadableFileError
        If the header cannot be read, or more is compressed in the file than its header says.
    """
    most_voxels = LARGEST_TO_SCAN * int(np.prod(scan.geometry.shape))
    is_nifti = path.name.lower().endswith((".nii", ".nii.gz"))
    shape = _nifti_shape(path) if is_nifti else _itk_shape(path)
    if int(np.prod(shape)) > most_voxels * (MAXIMUM_LAYERS if len(shape) == 4 else 1):
        raise MaskMismatchError(
            "the mask is far larger than the scan",
            reason=Misfit.SIZE,
            case=str(path),
            expected=f"about {' x '.join(map(str, scan.geometry.shape))} voxels",
            found=" x ".join(map(str, shape)),
            remedy="Give the scan that the mask was drawn on",
        )
    most_bytes = int(np.prod(shape)) * _LARGEST_VOXEL_BYTES + _SLACK_BYTES
    if is_nifti:
        _refuse_long_gzip(path, most_bytes)
    else:
        refuse_damaged_stream(path, limit_bytes=most_bytes)


def _nifti_shape(path: Path) -> tuple[int, ...]:
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else path.open("rb") as stream:
            head = stream.read(NIFTI2_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFileError(
            "the file is damaged or cannot be opened",
            case=str(path),
            found=str(error),
            remedy="Copy or export it again",
        ) from error
    return parse_nifti_header(head, str(path)).geometry.shape


def _itk_shape(path: Path) -> tuple[int, ...]:
    """Sizes in array order, and the number of layers last where there are several."""
    import SimpleITK

    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise UnreadableFileError(
            "the file is damaged or cannot be opened", case=str(path), remedy="Copy or export it again"
        ) from error
    layers = reader.GetNumberOfComponents()
    return (*reader.GetSize()[::-1], *((layers,) if layers > 1 else ()))


def _refuse_long_gzip(path: Path, most_bytes: int) -> None:
    """Unpack once, keeping nothing, until it is over or too much."""
    with path.open("rb") as raw:
        if raw.read(2) != b"\x1f\x8b":
            return
    unpacked = 0
    try:
        with gzip.open(path) as stream:
            while block := stream.read(_BLOCK_BYTES):
                unpacked += len(block)
                if unpacked > most_bytes:
                    break
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFileError(
            "the file is damaged or cannot be opened",
            case=str(path),
            found=str(error),
            remedy="Copy or export it again",
        ) from error
    if unpacked > most_bytes:
        raise UnreadableFileError(
            "more is compressed in the file than its header says",
            case=str(path),
            expected=f"at most {most_bytes} bytes",
            remedy="Export it again",
        )
