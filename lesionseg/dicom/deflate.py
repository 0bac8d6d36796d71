"""Unpacking deflated data sets (PS3.5 A.5) to a bounded length."""

from __future__ import annotations

import zlib
from typing import BinaryIO, Final

from lesionseg.core.errors import UnreadableFileError

_BLOCK_BYTES: Final = 1 << 20


def inflate(stream: BinaryIO, limit_bytes: int, *, case: str) -> bytes:
    """Unpack the deflated stream from its present position, to at most `limit_bytes`.

    Raises
    ------
    UnreadableFileError
        If the stream is damaged. A stream that merely ends early gives what it held.
    """
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    parts: list[bytes] = []
    room = limit_bytes
    try:
        while room > 0 and not unpacker.eof:
            packed = unpacker.unconsumed_tail or stream.read(_BLOCK_BYTES)
            if not packed:
                break
            part = unpacker.decompress(packed, room)
            parts.append(part)
            room -= len(part)
    except zlib.error as error:
        raise UnreadableFileError(
            "the deflated data set is damaged",
            case=case,
            found=str(error),
            remedy="Export the file from the archive again",
        ) from error
    return b"".join(parts)
