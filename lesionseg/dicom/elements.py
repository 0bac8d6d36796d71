"""A strict walk over DICOM data elements (PS3.5 chapter 7) that stops at the pixel data.

It keeps the raw bytes of wanted attributes, never trusts a length beyond the end of the file, warns about
nothing and touches no global state, so that it may run in any thread over any bytes.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from struct import Struct
from typing import BinaryIO, Final, NamedTuple, TypeAlias

from lesionseg.core.errors import UnreadableFileError
from lesionseg.dicom.tags import (
    ITEM,
    ITEM_DELIMITER,
    OTHER_PIXEL_DATA,
    PIXEL_DATA,
    SEQUENCE_DELIMITER,
    SEQUENCES,
    UNDEFINED_LENGTH,
    WANTED,
)

MAXIMUM_DEPTH: Final = 12
"""Deepest nesting of sequences; enhanced CT needs three."""
MAXIMUM_ELEMENTS: Final = 2_000_000
"""Most elements of one header; an enhanced CT of 10,000 frames has about 600,000."""
MAXIMUM_VALUE_BYTES: Final = 1 << 20
"""Longest wanted value; the largest real one is an offset table of 8 bytes a frame."""

_LONGEST_PADDING_BYTES: Final = 1 << 16
LONG_VRS: Final = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)
SHORT_VRS: Final = frozenset(
    {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL",
     b"SS", b"ST", b"TM", b"UI", b"UL", b"US"}
)  # fmt: skip
KNOWN_VRS: Final = LONG_VRS | SHORT_VRS


@dataclass(frozen=True, slots=True)
class Encoding:
    """How elements are written: with or without their VR, and in which byte order."""

    explicit: bool = True
    little_endian: bool = True

    @property
    def order(self) -> str:
        """Byte order as `struct` and NumPy write it."""
        return "<" if self.little_endian else ">"


class Element(NamedTuple):
    """One wanted element: raw bytes, or the items of a sequence. A tuple, for there are 30 to a slice."""

    vr: str
    value: bytes
    little_endian: bool = True
    items: tuple[Elements, ...] = ()


Elements: TypeAlias = "dict[int, Element]"


@dataclass(frozen=True, slots=True)
class PixelElement:
    """Where the value of the pixel data begins, and how long it says it is (None: undefined)."""

    offset: int
    length: int | None
    vr: str


@dataclass
class ElementWalker:
    """Walks one stream from its present position.

    Parameters
    ----------
    stream : binary file
        Positioned at the first element.
    size : int
        Length of the stream in bytes; no value may reach beyond.
    encoding : Encoding
        Of the elements.
    case : str
        What messages call the file.
    """

    stream: BinaryIO
    size: int
    encoding: Encoding
    case: str
    seen: int = 0
    pixel_element: PixelElement | None = None
    _layouts: tuple[Struct, Struct] = field(init=False)

    def __post_init__(self) -> None:
        order = self.encoding.order
        self._layouts = (Struct(f"{order}HHL"), Struct(f"{order}L"))

    def walk_meta(self, found: Elements) -> None:
        """Add the wanted elements of the file meta group 0002 to `found`; stops before any other group."""
        while self.stream.tell() < self.size:
            group = self.stream.read(2)
            self.stream.seek(-len(group), io.SEEK_CUR)
            if group != b"\x02\x00":
                return
            tag, vr, length = self._element_head(self.encoding.explicit)
            self._take(found, tag, vr, length, explicit=True, depth=0, end=self.size)

    def walk(self, found: Elements) -> None:
        """Add the wanted elements to `found` up to the pixel data or the end of the stream.

        What was found before damage stays in `found`. Behind native pixel data that is all there, nothing may
        stand but further elements or zeros: otherwise bytes were inserted, and every pixel may be shifted.

        Raises
        ------
        UnreadableFileError
            If an element is cut off, has no valid form, or nesting or number go beyond the limits.
        """
        while self.stream.tell() < self.size:
            tag, vr, length = self._element_head(self.encoding.explicit)
            if tag == PIXEL_DATA or tag in OTHER_PIXEL_DATA:
                known = None if length == UNDEFINED_LENGTH else length
                if tag == PIXEL_DATA:
                    self.pixel_element = PixelElement(self.stream.tell(), known, vr)
                if known is not None and self.stream.tell() + known < self.size:
                    self.stream.seek(known, io.SEEK_CUR)
                    self._walk_tail()
                return
            self._take(found, tag, vr, length, explicit=self.encoding.explicit, depth=0, end=self.size)

    def _walk_tail(self) -> None:
        start = self.stream.tell()
        if self.size - start <= _LONGEST_PADDING_BYTES and not self.stream.read().strip(b"\0"):
            return
        self.stream.seek(start)
        tail: Elements = {}
        try:
            while self.stream.tell() < self.size:
                tag, vr, length = self._element_head(self.encoding.explicit)
                self._take(tail, tag, vr, length, explicit=self.encoding.explicit, depth=0, end=self.size)
        except UnreadableFileError as error:
            raise self._damaged("what stands behind the pixel data is no element") from error

    def _element_head(self, explicit: bool) -> tuple[int, str, int]:  # noqa: FBT001
        self._count()
        head = self._exactly(8)
        group, element, length = self._layouts[0].unpack(head)
        tag = group << 16 | element
        if not explicit or group == 0xFFFE:
            return tag, "", length
        code = head[4:6]
        if code in SHORT_VRS:
            return (
                tag,
                code.decode("ascii"),
                int.from_bytes(head[6:8], "little" if self.encoding.little_endian else "big"),
            )
        if code in LONG_VRS:
            return tag, code.decode("ascii"), self._layouts[1].unpack(self._exactly(4))[0]
        if code == b"\0\0" or length <= self.size - self.stream.tell():
            return tag, "", length  # some writers slip implicit elements into explicit files
        raise self._damaged(f"element ({group:04X},{element:04X}) has no known value representation")

    def _take(
        self, found: Elements, tag: int, vr: str, length: int, *, explicit: bool, depth: int, end: int
    ) -> None:
        wanted = tag in WANTED
        if length == UNDEFINED_LENGTH:
            # PS3.5 6.2.2: a UN of undefined length holds items in implicit VR
            items = self._items(None, explicit=explicit and vr != "UN", depth=depth + 1, end=end)
            if wanted:
                found[tag] = Element("SQ", b"", items=items)
            return
        value_end = self.stream.tell() + length
        if value_end > end:
            raise self._damaged(f"element ({tag >> 16:04X},{tag & 0xFFFF:04X}) reaches beyond the end")
        if wanted and (vr == "SQ" or tag in SEQUENCES):
            inner_explicit = explicit and vr != "UN"
            found[tag] = Element(
                "SQ", b"", items=self._items(value_end, explicit=inner_explicit, depth=depth + 1, end=end)
            )
        elif wanted and length <= MAXIMUM_VALUE_BYTES:
            found[tag] = Element(vr, self._exactly(length), self.encoding.little_endian)
        self.stream.seek(value_end)

    def _items(self, items_end: int | None, *, explicit: bool, depth: int, end: int) -> tuple[Elements, ...]:
        if depth > MAXIMUM_DEPTH:
            raise self._damaged("sequences are nested too deeply")
        items: list[Elements] = []
        while items_end is None or self.stream.tell() < items_end:
            tag, _, length = self._element_head(explicit=False)
            if tag == SEQUENCE_DELIMITER:
                break
            if tag != ITEM:
                raise self._damaged("a sequence holds something that is not an item")
            items.append(self._item(length, explicit=explicit, depth=depth, end=end))
        return tuple(items)

    def _item(self, length: int, *, explicit: bool, depth: int, end: int) -> Elements:
        found: Elements = {}
        item_end = None if length == UNDEFINED_LENGTH else self.stream.tell() + length
        if item_end is not None and item_end > end:
            raise self._damaged("an item reaches beyond the end")
        while item_end is None or self.stream.tell() < item_end:
            tag, vr, element_length = self._element_head(explicit)
            if tag == ITEM_DELIMITER:
                break
            self._take(found, tag, vr, element_length, explicit=explicit, depth=depth, end=item_end or end)
        return found

    def _exactly(self, count: int) -> bytes:
        data = self.stream.read(count)
        if len(data) < count:
            raise self._damaged("the file ends inside an element")
        return data

    def _count(self) -> None:
        self.seen += 1
        if self.seen > MAXIMUM_ELEMENTS:
            raise self._damaged("the header holds too many elements")

    def _damaged(self, problem: str) -> UnreadableFileError:
        return UnreadableFileError(
            f"the DICOM header is damaged: {problem}",
            case=self.case,
            found=f"byte {self.stream.tell()} of {self.size}",
            remedy="Export the file from the archive again",
        )
