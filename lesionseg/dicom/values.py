"""Raw element bytes to Python values. What is absent, empty or malformed gives None or an empty text."""

from __future__ import annotations

import math
import re
import struct
from functools import lru_cache
from typing import Final

from lesionseg.dicom.elements import Element, Elements

_DECIMAL: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_UID: Final = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))+")
_MAXIMUM_UID_LENGTH: Final = 64
_BINARY_FORMATS: Final = {
    "FD": "d",
    "FL": "f",
    "US": "H",
    "SS": "h",
    "UL": "L",
    "SL": "l",
    "UV": "Q",
    "SV": "q",
}
_REMEMBERED: Final = 4096
"""Values whose reading is remembered: most are the same in all slices of a series."""
_INTEGER_FORMATS: Final = {2: "H", 4: "L"}


def text(elements: Elements, tag: int) -> str:
    """Text without its padding; UTF-8 where it is that, otherwise Latin-1."""
    element = elements.get(tag)
    if element is None:
        return ""
    return _decoded(element.value)


def texts(elements: Elements, tag: int) -> tuple[str, ...]:
    """All values of a multi-valued text, each without padding; empty where absent."""
    return _parts(text(elements, tag))


def decimals(elements: Elements, tag: int, count: int) -> tuple[float, ...] | None:
    """Exactly `count` finite numbers, or None."""
    element = elements.get(tag)
    if element is None:
        return None
    found = _binary(element) if element.vr in _BINARY_FORMATS else _written(text(elements, tag))
    if found is None or len(found) != count or not all(math.isfinite(number) for number in found):
        return None
    return found


def decimal(elements: Elements, tag: int) -> float | None:
    """One finite number, or None."""
    found = decimals(elements, tag, 1)
    return found[0] if found else None


def unsigned(elements: Elements, tag: int) -> int | None:
    """Return a binary unsigned integer of 2 or 4 bytes, or None."""
    element = elements.get(tag)
    if element is None or len(element.value) not in _INTEGER_FORMATS:
        return None
    layout = ("<" if element.little_endian else ">") + _INTEGER_FORMATS[len(element.value)]
    return int(struct.unpack(layout, element.value)[0])


def whole(elements: Elements, tag: int) -> int | None:
    """Return an integer string's number, or None."""
    found = decimal(elements, tag)
    return int(found) if found is not None and found == int(found) else None


def offsets(elements: Elements, tag: int) -> tuple[int, ...]:
    """Unsigned 64-bit integers of an offset table; empty where absent or malformed."""
    element = elements.get(tag)
    if element is None or len(element.value) % 8:
        return ()
    return struct.unpack(f"<{len(element.value) // 8}Q", element.value)


def is_valid_uid(uid: str) -> bool:
    """Whether a UID follows PS3.5 9.1; real archives carry others, which are read as they are."""
    return len(uid) <= _MAXIMUM_UID_LENGTH and _UID.fullmatch(uid) is not None


def _parts(joined: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in joined.split("\\")) if joined else ()


@lru_cache(maxsize=_REMEMBERED)
def _decoded(raw: bytes) -> str:
    try:
        decoded = raw.decode("utf-8")
    except UnicodeDecodeError:
        decoded = raw.decode("latin-1")
    return decoded.strip(" \0\r\n\t")


def _binary(element: Element) -> tuple[float, ...] | None:
    code = _BINARY_FORMATS[element.vr]
    order = "<" if element.little_endian else ">"
    count, rest = divmod(len(element.value), struct.calcsize(order + code))
    return None if rest else tuple(float(n) for n in struct.unpack(f"{order}{count}{code}", element.value))


@lru_cache(maxsize=_REMEMBERED)
def _written(joined: str) -> tuple[float, ...] | None:
    parts = _parts(joined)
    if not all(_DECIMAL.fullmatch(part) for part in parts):
        return None
    return tuple(float(part) for part in parts)
