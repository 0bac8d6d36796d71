"""One file's header: is it DICOM, how is it encoded, what does it hold, where do its pixels begin."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from lesionseg.core.errors import UnreadableFileError
from lesionseg.dicom.deflate import inflate
from lesionseg.dicom.elements import KNOWN_VRS, Elements, ElementWalker, Encoding, PixelElement
from lesionseg.dicom.quick_header import QUICK_BYTES, quick_dataset, quick_meta
from lesionseg.dicom.tags import Tag
from lesionseg.dicom.values import text

IMPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2"
EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1"
EXPLICIT_VR_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"
DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1.99"
MAXIMUM_INFLATED_HEADER_BYTES: Final = 64 << 20
"""Deflated headers are unpacked no further than this; ten thousand enhanced frames need about 20 MiB."""

_EXPLICIT, _IMPLICIT = Encoding(explicit=True), Encoding(explicit=False)
_PREAMBLE_BYTES: Final = 128
_SNIFFED_BYTES: Final = 512
_DICOM_SIGNS: Final = (b"DICM", b"1.2.840.10008.")
"""The prefix, and the root of every standard UID: no file of another kind has them near its start."""
DAMAGED_DICOM: Final = "damaged DICOM"
EMPTY: Final = "empty file"
UNKNOWN: Final = "other"
_STRAY_SIGNATURES: Final = (
    (b"\x89PNG", "picture"), (b"\xff\xd8\xff", "picture"), (b"GIF8", "picture"), (b"BM", "picture"),
    (b"PK\x03\x04", "archive"), (b"\x1f\x8b", "archive"), (b"7z\xbc\xaf", "archive"), (b"Rar!", "archive"),
    (b"%PDF", "document"), (b"NRRD", "volume file"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FileHeader:
    """What one DICOM file says of itself.

    Attributes
    ----------
    path : Path
    transfer_syntax : str
        As declared; worked out from the first element where the file has no meta header.
    encoding : Encoding
        As found.
    elements : dict
        The wanted elements.
    pixel_element : PixelElement or None
        Its offset counts from the start of the file, or of the inflated data set where deflated.
    deflated_from : int or None
        Where the deflated data set begins in the file; None where it is not deflated.
    size : int
        Bytes of the file.
    damage : UnreadableFileError or None
        Why the header could not be read to its end; `elements` then holds what came before.
    """

    path: Path
    transfer_syntax: str
    encoding: Encoding
    elements: Elements
    pixel_element: PixelElement | None
    deflated_from: int | None
    size: int
    damage: UnreadableFileError | None = None


@dataclass(frozen=True, slots=True)
class StrayFile:
    """A file that is not DICOM: its path, and what it seems to be."""

    path: Path
    kind: str


def read_file_header(path: Path) -> FileHeader | StrayFile:
    """Read the header of one file, up to the pixel data.

    Returns
    -------
    FileHeader or StrayFile
        A damaged DICOM file gives a `FileHeader` with `damage`; anything else is a stray.

    Raises
    ------
    UnreadableFileError
        If the file cannot be opened or read.
    """
    header: FileHeader | None = None
    try:
        with path.open("rb", buffering=0) as stream:
            size = stream.seek(0, io.SEEK_END)
            stream.seek(0)
            start = stream.read(QUICK_BYTES)
            dataset_start = _dataset_start(start)
            if dataset_start is not None:
                header = _read_quickly(start, dataset_start, path, size)
                header = header or _read_dicom(_buffered(stream, dataset_start), path, size)
    except OSError as error:
        raise cannot_read(path, error) from error
    if header is not None and (dataset_start or _looks_like_an_image(header)):
        return header
    kind = _stray_kind(start[:_SNIFFED_BYTES])
    if kind == DAMAGED_DICOM:
        raise not_a_slice_any_more(path, "parts of a DICOM file without its start")
    return StrayFile(path, kind)


def not_a_slice_any_more(path: Path, found: str) -> UnreadableFileError:
    """Say that a file which stands where a slice should is not one."""
    return UnreadableFileError(
        "the file seems to be what is left of a slice",
        case=str(path),
        expected="a DICOM file",
        found=found,
        remedy="Export it from the archive again, or remove it if it is no part of the series",
    )


def cannot_read(path: Path, error: OSError) -> UnreadableFileError:
    """Say that a file or folder could not be opened or read."""
    return UnreadableFileError(
        "the file cannot be read",
        case=str(path),
        found=error.strerror or str(error),
        remedy="Grant read permission or copy the file again; it may hold a slice of the series",
    )


def _dataset_start(start: bytes) -> int | None:
    """Byte where elements begin, or None where the file is certainly not DICOM."""
    if start[_PREAMBLE_BYTES : _PREAMBLE_BYTES + 4] == b"DICM":
        return _PREAMBLE_BYTES + 4
    first_tag = start[:4]
    # without preamble: first element of the meta header, or of group 0008, in either byte order
    plausible = first_tag[:2] in (b"\x02\x00", b"\x08\x00") and first_tag[3:] == b"\0"
    return 0 if len(start) >= 8 and (plausible or first_tag[:3] == b"\x00\x08\x00") else None


def _stray_kind(start: bytes) -> str:
    if not start:
        return EMPTY
    for signature, kind in _STRAY_SIGNATURES:
        if start.startswith(signature):
            return kind
    printable = sum(32 <= byte < 127 or byte in b"\t\r\n" for byte in start)
    if printable > 0.95 * len(start):
        return "text"
    return DAMAGED_DICOM if any(sign in start for sign in _DICOM_SIGNS) else UNKNOWN


def _looks_like_an_image(header: FileHeader) -> bool:
    """Without the DICM prefix, only a file that names its class and series counts as DICOM."""
    return bool(
        text(header.elements, Tag.SOP_CLASS_UID) or text(header.elements, Tag.MEDIA_STORAGE_SOP_CLASS_UID)
    )


def _buffered(stream: io.FileIO, position: int) -> BinaryIO:
    buffered = io.BufferedReader(stream)
    buffered.seek(position)
    return buffered


def _read_quickly(head: bytes, start: int, path: Path, size: int) -> FileHeader | None:
    """Read an ordinary header; None for all others, damaged ones among them."""
    meta = quick_meta(head, start)
    if meta is None:
        return None
    elements, dataset_start = meta
    declared = text(elements, Tag.TRANSFER_SYNTAX_UID)
    if declared in ("", DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN):
        return None
    encoding = _EXPLICIT if head[dataset_start + 4 : dataset_start + 6] in KNOWN_VRS else _IMPLICIT
    pixels = quick_dataset(head, dataset_start, size, elements, explicit=encoding.explicit)
    if pixels is None:
        return None
    return FileHeader(path, declared, encoding, elements, pixels, None, size)


def _read_dicom(stream: BinaryIO, path: Path, size: int) -> FileHeader:
    elements: Elements = {}
    layout = _Layout("", Encoding(), None)
    pixel_element: PixelElement | None = None
    damage: UnreadableFileError | None = None
    try:
        ElementWalker(stream, size, Encoding(), str(path)).walk_meta(elements)
        layout = _layout(stream, text(elements, Tag.TRANSFER_SYNTAX_UID))
        if layout.deflated_from is not None:
            stream = io.BytesIO(inflate(stream, MAXIMUM_INFLATED_HEADER_BYTES, case=str(path)))
            size_to_walk = len(stream.getvalue())
        else:
            size_to_walk = size
        walker = ElementWalker(stream, size_to_walk, layout.encoding, str(path))
        walker.walk(elements)
        pixel_element = walker.pixel_element
    except UnreadableFileError as error:
        damage = error
    return FileHeader(
        path,
        layout.transfer_syntax,
        layout.encoding,
        elements,
        pixel_element,
        layout.deflated_from,
        size,
        damage,
    )


@dataclass(frozen=True, slots=True)
class _Layout:
    transfer_syntax: str
    encoding: Encoding
    deflated_from: int | None


def _layout(stream: BinaryIO, declared: str) -> _Layout:
    """Tell the encoding of the data set that begins here: as declared, or as its first element shows."""
    start = stream.tell()
    if declared == DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
        return _Layout(declared, Encoding(), start)
    first = stream.read(6)
    stream.seek(start)
    little_endian = first[:1] != b"\0" if not declared else declared != EXPLICIT_VR_BIG_ENDIAN
    encoding = Encoding(first[4:6] in KNOWN_VRS, little_endian)
    return _Layout(declared or _guessed_syntax(encoding), encoding, None)


def _guessed_syntax(encoding: Encoding) -> str:
    if not encoding.little_endian:
        return EXPLICIT_VR_BIG_ENDIAN
    return EXPLICIT_VR_LITTLE_ENDIAN if encoding.explicit else IMPLICIT_VR_LITTLE_ENDIAN
