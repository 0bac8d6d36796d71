"""Reading and writing NIfTI files, plain and gzipped: streamed, checked to the last byte, repeatable."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import UnreadableFileError
from lesionseg.core.files import staged_file
from lesionseg.volume.ct_volume import HUArray
from lesionseg.volume.geometry import VolumeGeometry
from lesionseg.volume.nifti import (
    NIFTI2_BYTES,
    NiftiHeader,
    nifti_header_bytes,
    parse_nifti_header,
)
from lesionseg.volume.voxels import allocate_hounsfield, compact_hounsfield

GZIP_LEVEL = 4
"""Compression of what is written: level 6 takes 3 times as long on a CT for 2 % less."""
_DEFLATE_MAXIMUM_RATIO = 1032  # zlib technical details: no deflate stream expands more
_BLOCK_BYTES = 1 << 24


def read_nifti_volume(path: Path) -> tuple[HUArray, VolumeGeometry]:
    """Read a NIfTI image of a CT, scaling applied, as int16 or float32.

    Raises
    ------
    UnreadableFileError
        If the file is damaged or shorter than its header says.
    GeometryError, IntensityError
        As `parse_nifti_header` and `compact_hounsfield` do.
    """
    with _opened(path) as stream:
        header = _header(stream, path)
        values = allocate_hounsfield(header.geometry.shape, header.voxel_type, header.slope, header.intercept)
        _stream_into(values, stream, header, path)
    return compact_hounsfield(values, str(path)), header.geometry


def read_nifti_array(path: Path) -> tuple[npt.NDArray[np.generic], VolumeGeometry]:
    """Read a NIfTI image in the type it is stored as, scaling applied as float64 where there is one."""
    with _opened(path) as stream:
        header = _header(stream, path)
        scaled = (header.slope, header.intercept) != (1.0, 0.0)
        kind = np.dtype(np.float64) if scaled else header.voxel_type.newbyteorder("=")
        values = np.empty(header.geometry.shape, kind)
        _stream_into(values, stream, header, path)
    return values, header.geometry


def write_nifti(
    values: npt.NDArray[np.generic], geometry: VolumeGeometry, path: Path, intent_code: int = 0
) -> None:
    """Write an array as NIfTI-1, gzipped where the name ends in ``.gz``; equal input gives equal bytes.

    The affine is kept to float32, which moves no corner of a chest CT by 1e-4 mm.

    Raises
    ------
    OutputError
        If the file cannot be written; nothing is left half-written.
    """
    header = nifti_header_bytes(geometry, values.dtype, intent_code)
    little_endian = values.dtype.newbyteorder("<")
    with staged_file(path) as staged, staged.open("wb") as raw, _compressed(raw, path) as stream:
        stream.write(header)
        for plane in values:
            stream.write(np.ascontiguousarray(plane, dtype=little_endian).data)


@contextmanager
def _compressed(raw: BufferedIOBase, path: Path) -> Iterator[BufferedIOBase]:
    if path.suffix.lower() != ".gz":
        yield raw
        return
    # no file name and no time in the gzip header: they would make equal results differ
    with gzip.GzipFile(filename="", mode="wb", compresslevel=GZIP_LEVEL, fileobj=raw, mtime=0) as stream:
        yield stream


@contextmanager
def _opened(path: Path) -> Iterator[BufferedIOBase]:
    """Open a file, uncompressing it if its first bytes say gzip, whatever its name."""
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if zipped:
                with gzip.GzipFile(fileobj=raw, mode="rb") as stream:
                    yield stream
            else:
                yield raw
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFileError(
            "the file is damaged or cannot be opened",
            case=str(path),
            found=str(error),
            remedy="Copy or export it again",
        ) from error


def _header(stream: BufferedIOBase, path: Path) -> NiftiHeader:
    head = stream.read(NIFTI2_BYTES)
    header = parse_nifti_header(head, str(path))
    expected = header.data_offset + int(np.prod(header.geometry.shape)) * header.voxel_type.itemsize
    on_disk = path.stat().st_size
    most = on_disk * _DEFLATE_MAXIMUM_RATIO if isinstance(stream, gzip.GzipFile) else on_disk
    if expected > most:
        raise _truncated(path, f"{expected} bytes", f"{on_disk} bytes in the file")
    stream.seek(header.data_offset)
    return header


def _stream_into(
    values: npt.NDArray[np.generic], stream: BufferedIOBase, header: NiftiHeader, path: Path
) -> None:
    """Fill `values` block by block of slices, then read on to the end so that gzip checks its sum."""
    slices, rows, columns = header.geometry.shape
    step = max(1, _BLOCK_BYTES // (rows * columns * header.voxel_type.itemsize))
    plain = (header.slope, header.intercept) == (1.0, 0.0)
    for first in range(0, slices, step):
        part = values[first : first + step]
        block = stream.read(part.size * header.voxel_type.itemsize)
        if len(block) < part.size * header.voxel_type.itemsize:
            raise _truncated(path, f"{slices} slices", f"data up to slice {first} to {first + len(part)}")
        stored = np.frombuffer(block, header.voxel_type).reshape(part.shape)
        with np.errstate(over="ignore", invalid="ignore"):
            part[...] = stored if plain else stored * np.float64(header.slope) + header.intercept
    while stream.read(_BLOCK_BYTES):
        pass


def _truncated(path: Path, expected: str, found: str) -> UnreadableFileError:
    return UnreadableFileError(
        "the file ends before its image does",
        case=str(path),
        expected=expected,
        found=found,
        remedy="Copy or export it again",
    )
