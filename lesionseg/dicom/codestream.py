"""What a compressed frame says of itself, read before a decoder is let at it.

Codecs allocate what the codestream asks for, some return half a picture for half a codestream without
complaint, and some end the whole process on a marker that they did not expect. So size and precision must be
the header's, the end must be there, and the markers of a JPEG must make sense.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from lesionseg.dicom.jpeg_markers import JpegFrame, damaged_tables, read_jpeg_frame

MAXIMUM_TILES: Final = 1024
"""Most tiles of a JPEG 2000 codestream; openjpeg reserves about 6 KB for each before it decodes any."""

_JPEG_START: Final = b"\xff\xd8"
_J2K_START: Final = b"\xff\x4f\xff\x51"
_JP2_SEARCH_BYTES: Final = 4096
_END: Final = b"\xff\xd9"


@dataclass(frozen=True, slots=True)
class CodestreamFacts:
    """What a codestream declares, and what is wrong with it (empty: nothing that can be seen)."""

    rows: int
    columns: int
    components: int
    precision_bits: int
    problem: str = ""


def codestream_facts(frame: bytes) -> CodestreamFacts | None:
    """Read what a JPEG, JPEG-LS or JPEG 2000 frame declares; None where it has no readable start."""
    try:
        facts = _jpeg_facts(frame) if frame.startswith(_JPEG_START) else _j2k_facts(frame)
    except (struct.error, IndexError):
        return None
    if facts is None or facts.problem or frame.rstrip(b"\0").endswith(_END):
        return facts
    return CodestreamFacts(
        facts.rows, facts.columns, facts.components, facts.precision_bits, "it has no end marker"
    )


def _jpeg_facts(frame: bytes) -> CodestreamFacts | None:
    found: JpegFrame | None = read_jpeg_frame(frame)
    if found is None:
        return None
    return CodestreamFacts(
        found.rows, found.columns, found.components, found.precision_bits, damaged_tables(frame, found)
    )


def _j2k_facts(frame: bytes) -> CodestreamFacts | None:
    """Read the SIZ marker segment (ITU-T T.800 A.5.1)."""
    start = frame.find(_J2K_START, 0, _JP2_SEARCH_BYTES)
    if start < 0:
        return None
    x1, y1, x0, y0, tile_width, tile_height, tile_x0, tile_y0, components = struct.unpack_from(
        ">8LH", frame, start + 8
    )
    precision_bits = (frame[start + 42] & 0x7F) + 1
    if not tile_width or not tile_height or x1 <= x0 or y1 <= y0:
        return None
    tiles = -(-(x1 - tile_x0) // tile_width) * -(-(y1 - tile_y0) // tile_height)
    problem = "" if 0 < tiles <= MAXIMUM_TILES else f"it is cut into {tiles} tiles"
    return CodestreamFacts(y1 - y0, x1 - x0, components, precision_bits, problem)
