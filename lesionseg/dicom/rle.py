"""RLE Lossless (PS3.5 annex G), strictly: every segment must unpack to exactly one plane of octets.

The decoders at hand fill what is missing or drop what is too much; a damaged slice would pass unseen.
"""

from __future__ import annotations

import struct
from typing import Final

import numpy as np
import numpy.typing as npt

_HEADER_BYTES: Final = 64


class DamagedRunLengthError(ValueError):
    """The run-length data does not unpack to a whole image."""


def decode_rle(
    encoded: bytes, pixel_count: int, octets_per_pixel: int
) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    """Unpack one frame.

    Parameters
    ----------
    encoded : bytes
        Header of 16 little-endian words, then one segment per octet of a pixel, most significant first.
    pixel_count : int
    octets_per_pixel : int
        1 or 2.

    Returns
    -------
    ndarray, shape (pixel_count,), uint8 or uint16

    Raises
    ------
    DamagedRunLengthError
        If the header is impossible or a segment unpacks to another length.
    """
    if len(encoded) < _HEADER_BYTES:
        raise DamagedRunLengthError("the RLE header is cut off")
    number, *starts = struct.unpack_from("<16L", encoded)
    ends = [*starts[1:number], len(encoded)]
    spans = list(zip(starts[:number], ends, strict=False))
    possible = all(_HEADER_BYTES <= start < end <= len(encoded) for start, end in spans)
    if number != octets_per_pixel or not possible:
        raise DamagedRunLengthError(f"the RLE header names {number} segments at {starts[:2]}")
    octets = np.empty((pixel_count, octets_per_pixel), np.uint8)
    for index, (start, end) in enumerate(spans):
        octets[:, octets_per_pixel - 1 - index] = _plane(encoded[start:end], pixel_count)
    if octets_per_pixel == 1:
        return octets[:, 0]
    return octets.reshape(-1).view("<u2").astype(np.uint16, copy=False)


def _plane(segment: bytes, pixel_count: int) -> npt.NDArray[np.uint8]:
    unpacked = _unpack(segment)
    if len(unpacked) != pixel_count:
        raise DamagedRunLengthError(f"an RLE segment holds {len(unpacked)} of {pixel_count} octets")
    return np.frombuffer(unpacked, np.uint8)


def _unpack(segment: bytes) -> bytes:
    try:
        import imagecodecs
    except ImportError:
        return unpack_bits(segment)
    try:
        return bytes(imagecodecs.packbits_decode(segment))
    except imagecodecs.PackbitsError as error:
        raise DamagedRunLengthError(f"an RLE segment is damaged: {error}") from error


def unpack_bits(segment: bytes) -> bytes:
    """Unpack one segment in plain Python, for where imagecodecs is not installed (PS3.5 G.3.2)."""
    parts: list[bytes] = []
    position, end = 0, len(segment)
    while position + 1 < end:  # a last byte alone is padding
        control = segment[position]
        if control < 128:
            parts.append(segment[position + 1 : position + 2 + control])
            position += control + 2
        elif control > 128:
            parts.append(segment[position + 1 : position + 2] * (257 - control))
            position += 2
        else:
            position += 1
    return b"".join(parts)
