"""The header of an ordinary file in one pass over its first bytes; whatever is not ordinary is left alone.

Nearly every CT slice is a preamble, a meta header and little-endian elements of known length up to the pixel
data. For those, this pass finds what `lesionseg.dicom.elements` finds, without a call for every element.
"""

from __future__ import annotations

import struct
from typing import Final

from lesionseg.dicom.elements import LONG_VRS, SHORT_VRS, Element, Elements, PixelElement
from lesionseg.dicom.tags import PIXEL_DATA, SEQUENCES, UNDEFINED_LENGTH, WANTED

QUICK_BYTES: Final = 1 << 15
"""Bytes of a file that are looked at; headers of CT slices have 2 to 20 KiB."""

_BEHIND_META: Final = 0x00030000
_FIRST_PIXEL_TAG: Final = 0x7FE00008
_EXPLICIT, _IMPLICIT = struct.Struct("<HH2sH"), struct.Struct("<HHL")
_LENGTH: Final = struct.Struct("<L")
_SHORT: Final = {code: code.decode("ascii") for code in SHORT_VRS}
_LONG: Final = {code: code.decode("ascii") for code in LONG_VRS}


def quick_meta(head: bytes, start: int) -> tuple[Elements, int] | None:
    """Read the wanted elements of the file meta group, and tell where it ends; None: not ordinary."""
    found: Elements = {}
    try:
        end = _walk_explicit(head, start, found, _BEHIND_META)
    except struct.error:
        return None
    return None if end is None else (found, end)


def quick_dataset(
    head: bytes, start: int, size: int, found: Elements, *, explicit: bool
) -> PixelElement | None:
    """Add the wanted elements of a little-endian data set to `found`.

    Parameters
    ----------
    head : bytes
        The first bytes of the file.
    start : int
        Where the data set begins.
    size : int
        Of the file in bytes.
    found : Elements
        Filled; of no use where None is returned.
    explicit : bool
        Whether elements name their VR.

    Returns
    -------
    PixelElement or None
        None: not ordinary, longer than `head`, or followed by something.
    """
    walk = _walk_explicit if explicit else _walk_implicit
    try:
        position = walk(head, start, found, _FIRST_PIXEL_TAG)
        return None if position is None else _pixel_element(head, position, size, explicit=explicit)
    except struct.error:
        return None


def _pixel_element(head: bytes, position: int, size: int, *, explicit: bool) -> PixelElement | None:
    if explicit:
        group, number, code, _ = _EXPLICIT.unpack_from(head, position)
        if code not in (b"OW", b"OB"):
            return None
        (length,) = _LENGTH.unpack_from(head, position + 8)
        value, vr = position + 12, _LONG[code]
    else:
        group, number, length = _IMPLICIT.unpack_from(head, position)
        value, vr = position + 8, ""
    if group << 16 | number != PIXEL_DATA:
        return None
    if length == UNDEFINED_LENGTH:
        return PixelElement(value, None, vr)
    return PixelElement(value, length, vr) if value + length >= size else None


def _walk_explicit(head: bytes, position: int, found: Elements, stop: int) -> int | None:
    """Walk to the first element whose tag is not below `stop`, and tell its place; None: not ordinary."""
    size = len(head)
    while True:
        group, number, code, length = _EXPLICIT.unpack_from(head, position)
        tag = group << 16 | number
        if tag >= stop:
            return position
        value = position + 8
        vr = _SHORT.get(code)
        if vr is None:
            vr = _LONG.get(code)
            (length,) = _LENGTH.unpack_from(head, value)
            value += 4
        position = value + length
        if vr is None or group < 2 or position > size:
            return None
        if tag in WANTED:
            if vr == "SQ" or tag in SEQUENCES:
                return None
            found[tag] = Element(vr, head[value:position])


def _walk_implicit(head: bytes, position: int, found: Elements, stop: int) -> int | None:
    """Walk as `_walk_explicit` does over elements that do not name their VR."""
    size = len(head)
    while True:
        group, number, length = _IMPLICIT.unpack_from(head, position)
        tag = group << 16 | number
        if tag >= stop:
            return position
        value = position + 8
        position = value + length
        if group < 2 or position > size:
            return None
        if tag in WANTED:
            if tag in SEQUENCES:
                return None
            found[tag] = Element("", head[value:position])
