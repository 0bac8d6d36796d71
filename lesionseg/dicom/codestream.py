"""What a compressed frame says of itself, read before a decoder is let at it.

Codecs allocate what the codestream asks for, and some return half a picture for half a codestream without
complaint; so its size must be the header's, and its end must be there.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

MAXIMUM_TILES: Final = 1024
"""Most tiles of a JPEG 2000 codestream; openjpeg reserves about 6 KB for each before it decodes any."""

_JPEG_START: Final = b"\xff\xd8"
_J2K_START: Final = b"\xff\x4f\xff\x51"
_JP2_SEARCH_BYTES: Final = 4096
_END: Final = b"\xff\xd9"
_STANDALONE_MARKERS: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_NOT_FRAME_MARKERS: Final = frozenset({0xC4, 0xC8, 0xCC})
_JPEG_LS_FRAME_MARKER: Final = 0xF7


@dataclass(frozen=True, slots=True)
class CodestreamSize:
    """Rows, columns, components and tiles that a codestream declares."""

    rows: int
    columns: int
    components: int
    tiles: int = 1


def codestream_size(frame: bytes) -> CodestreamSize | None:
    """Read the declared size of a JPEG, JPEG-LS or JPEG 2000 frame; None where damaged."""
    try:
        if frame.startswith(_JPEG_START):
            return _jpeg_size(frame)
        start = frame.find(_J2K_START, 0, _JP2_SEARCH_BYTES)
        return _j2k_size(frame, start) if start >= 0 else None
    except struct.error:
        return None


def has_end(frame: bytes) -> bool:
    """Whether the codestream ends with its end marker, padding aside."""
    return frame.rstrip(b"\0").endswith(_END)


def _jpeg_size(frame: bytes) -> CodestreamSize | None:
    """Follow the marker segments to the frame header (ITU-T T.81 B.2.2, T.87 C.2.2)."""
    position = 2
    while position < len(frame):
        (mark,) = struct.unpack_from(">B", frame, position)
        (code,) = struct.unpack_from(">B", frame, position + 1)
        if mark != 0xFF:
            return None
        if code == 0xFF:  # fill byte
            position += 1
        elif code in _STANDALONE_MARKERS:
            position += 2
        elif _is_frame_marker(code):
            rows, columns, components = struct.unpack_from(">HHB", frame, position + 5)
            return CodestreamSize(rows, columns, components)
        else:
            (length,) = struct.unpack_from(">H", frame, position + 2)
            position += 2 + length
    return None


def _is_frame_marker(code: int) -> bool:
    return (0xC0 <= code <= 0xCF and code not in _NOT_FRAME_MARKERS) or code == _JPEG_LS_FRAME_MARKER


def _j2k_size(frame: bytes, start: int) -> CodestreamSize | None:
    """Read the SIZ marker segment (ITU-T T.800 A.5.1)."""
    x1, y1, x0, y0, tile_width, tile_height, tile_x0, tile_y0, components = struct.unpack_from(
        ">8LH", frame, start + 8
    )
    if not tile_width or not tile_height or x1 <= x0 or y1 <= y0:
        return None
    across = -(-(x1 - tile_x0) // tile_width)
    down = -(-(y1 - tile_y0) // tile_height)
    return CodestreamSize(y1 - y0, x1 - x0, components, across * down)
