"""The marker segments of a JPEG or JPEG-LS codestream (ITU-T T.81 annex B, T.87 annex C)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

_STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_NOT_FRAMES: Final = frozenset({0xC4, 0xC8, 0xCC})  # DHT, reserved, DAC
_JPEG_LS_FRAME: Final = 0xF7
_HUFFMAN_TABLE, _START_OF_SCAN, _END_OF_IMAGE = 0xC4, 0xDA, 0xD9
_SEQUENTIAL_HUFFMAN: Final = frozenset({0xC0, 0xC1, 0xC3})  # baseline, extended, lossless
_ORDINARY: Final = frozenset({_HUFFMAN_TABLE, 0xDB, 0xDD, 0xFE, *range(0xE0, 0xF0)})
"""DHT, DQT, DRI, COM and APPn: all that stands before the scan besides the frame header."""
_CODE_LENGTHS: Final = 16


@dataclass(frozen=True, slots=True)
class JpegFrame:
    """A frame header: its marker, where it lies, and what it declares."""

    marker: int
    position: int
    rows: int
    columns: int
    components: int
    precision_bits: int


@dataclass(frozen=True, slots=True)
class _Segment:
    marker: int
    position: int
    length: int


def read_jpeg_frame(codestream: bytes) -> JpegFrame | None:
    """Follow the segments to the frame header; None where there is none."""
    for segment in _segments(codestream):
        if _is_frame(segment.marker):
            precision, rows, columns, components = struct.unpack_from(
                ">BHHB", codestream, segment.position + 4
            )
            return JpegFrame(segment.marker, segment.position, rows, columns, components, precision)
    return None


def damaged_tables(codestream: bytes, frame: JpegFrame) -> str:
    """Say what is wrong with the segments of a sequential Huffman-coded image; empty where nothing is.

    Checked are: only known markers before the scan, complete Huffman tables, a scan that uses a table which
    exists, and no marker inside the scan. JPEG-LS and progressive images are left to their decoders.
    """
    if frame.marker not in _SEQUENTIAL_HUFFMAN:
        return ""
    tables: set[int] = set()
    for segment in _segments(codestream):
        content = codestream[segment.position + 4 : segment.position + 2 + segment.length]
        if len(content) != segment.length - 2:
            return "a segment is cut off"
        if segment.marker == _START_OF_SCAN:
            return _damaged_scan(codestream, segment, content, tables)
        if segment.marker == _HUFFMAN_TABLE:
            defined = _huffman_tables(content)
            if defined is None:
                return "a Huffman table is damaged"
            tables |= defined
        elif segment.marker not in _ORDINARY and segment.position != frame.position:
            return f"it holds an unexpected marker {segment.marker:02X}"
    return "it has no scan"


def _segments(codestream: bytes) -> Iterator[_Segment]:
    """Yield the segments up to the first scan."""
    position = 2
    while position + 4 <= len(codestream) and codestream[position] == 0xFF:
        marker = codestream[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
        elif marker in _STANDALONE:
            position += 2
        else:
            (length,) = struct.unpack_from(">H", codestream, position + 2)
            yield _Segment(marker, position, length)
            if marker == _START_OF_SCAN or length < 2:
                return
            position += 2 + length


def _is_frame(marker: int) -> bool:
    return (0xC0 <= marker <= 0xCF and marker not in _NOT_FRAMES) or marker == _JPEG_LS_FRAME


def _huffman_tables(content: bytes) -> set[int] | None:
    """Collect the identifiers of a segment's tables; None where they do not add up (T.81 B.2.4.2)."""
    defined: set[int] = set()
    while content:
        counts = content[1 : 1 + _CODE_LENGTHS]
        used = 1 + _CODE_LENGTHS + sum(counts)
        space = sum(count << (_CODE_LENGTHS - length) for length, count in enumerate(counts, start=1))
        if used > len(content) or space > 1 << _CODE_LENGTHS or sum(counts) > 256:
            return None
        defined.add(content[0])
        content = content[used:]
    return defined


def _damaged_scan(codestream: bytes, segment: _Segment, content: bytes, tables: set[int]) -> str:
    """Check a scan of one component; only stuffed and restart bytes may follow 0xFF in it (T.81 B.2.3)."""
    if len(content) != 6 or content[0] != 1:
        return "the scan header is damaged"
    if content[2] >> 4 not in tables:
        return "the scan uses a Huffman table that is not there"
    inside = np.frombuffer(codestream, np.uint8, offset=segment.position + 2 + segment.length)
    places = np.flatnonzero(inside[:-1] == 0xFF)
    following = inside[places + 1]
    in_data = (following == 0) | (following == 0xFF) | ((following >= 0xD0) & (following <= 0xD7))
    markers = places[~in_data]
    if not markers.size:
        return "it has no end marker"
    marker = int(inside[markers[0] + 1])
    ends = marker == _END_OF_IMAGE and not inside[markers[0] + 2 :].any()
    return "" if ends else f"a marker {marker:02X} stands inside the scan"
