"""Checking the compressed part of NRRD and MetaImage files, whose readers do not look at its checksum.

A flipped bit in such a file otherwise yields an image with wrong voxels and no complaint.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from lesionseg.core.errors import UnreadableFileError

_HEADER_LIMIT_BYTES = 1 << 20
_BLOCK_BYTES = 1 << 20
_ANY_WRAPPER = 32 + zlib.MAX_WBITS  # zlib finds out by itself whether it reads gzip or zlib


@dataclass(frozen=True)
class _Stream:
    path: Path
    offset: int


def refuse_damaged_stream(path: Path, *, limit_bytes: int | None = None) -> None:
    """Uncompress the voxels of a NRRD or MetaImage file once, keeping nothing, to check their checksum.

    Files with uncompressed voxels, or with voxels spread over a list of files, are left to their reader.

    Parameters
    ----------
    path : Path
    limit_bytes : int, optional
        Most that the voxels may uncompress to.

    Raises
    ------
    UnreadableFileError
        If the compressed data is damaged or cut short, or longer than the limit.
    OSError
        If the file cannot be opened.
    """
    stream = _compressed_stream(path)
    if stream is None:
        return
    inflater = zlib.decompressobj(wbits=_ANY_WRAPPER)
    try:
        with stream.path.open("rb") as source:
            source.seek(stream.offset)
            room = limit_bytes
            while not inflater.eof and (block := inflater.unconsumed_tail or source.read(_BLOCK_BYTES)):
                length = len(inflater.decompress(block, _BLOCK_BYTES))
                room = room - length if room is not None else None
                if room is not None and room < 0:
                    raise _damaged(path, f"more than the {limit_bytes} bytes that its header allows")
            if not inflater.eof:
                inflater.flush()  # what a full output block held back, at most a few matches
    except zlib.error as error:
        raise _damaged(path, str(error)) from error
    if not inflater.eof:
        raise _damaged(path, "the compressed data ends early")


def _compressed_stream(path: Path) -> _Stream | None:
    with path.open("rb") as source:
        head = source.read(_HEADER_LIMIT_BYTES)
    if head.startswith(b"NRRD"):
        return _nrrd_stream(path, head)
    return _metaimage_stream(path, head)


def _nrrd_stream(path: Path, head: bytes) -> _Stream | None:
    gap = re.search(rb"\r?\n\r?\n", head)
    text = (head[: gap.start()] if gap else head).decode("latin-1")
    fields = dict(re.findall(r"^([^:#\n]+): ?(.*?)\r?$", text, re.MULTILINE))
    if fields.get("encoding", "").lower() not in ("gzip", "gz"):
        return None
    detached = fields.get("data file") or fields.get("datafile")
    if detached is not None:
        return _beside(path, detached)
    return _Stream(path, gap.end()) if gap else None


def _metaimage_stream(path: Path, head: bytes) -> _Stream | None:
    last = re.search(rb"^ElementDataFile\s*=\s*(.*?)\s*?\r?\n", head, re.MULTILINE)
    if last is None or not re.search(rb"^CompressedData\s*=\s*true", head[: last.start()], re.M | re.I):
        return None
    place = last.group(1).decode("latin-1")
    return _Stream(path, last.end()) if place.upper() == "LOCAL" else _beside(path, place)


def _beside(path: Path, name: str) -> _Stream | None:
    data = path.parent / name
    return _Stream(data, 0) if data.is_file() else None


def _damaged(path: Path, found: str) -> UnreadableFileError:
    return UnreadableFileError(
        "the file's compressed data is damaged", case=str(path), found=found, remedy="Copy or export it again"
    )
