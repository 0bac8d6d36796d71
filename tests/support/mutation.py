"""Seeded damage to DICOM files: flipped, overwritten, cut, spliced bytes, and spiteful values."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from tests.support.ct_series import chest_volume, save, write_series
from tests.support.encode import encode
from tests.support.enhanced_series import enhanced_dataset

FUZZ_SHAPE, FUZZ_SPACING_MM = (6, 32, 32), (40.0, 11.0, 11.0)
FUZZ_SYNTAXES: dict[str, UID] = {
    "explicit": ExplicitVRLittleEndian,
    "implicit": ImplicitVRLittleEndian,
    "big endian": ExplicitVRBigEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
    "RLE": RLELossless,
    "JPEG-LS": JPEGLSLossless,
    "JPEG 2000": JPEG2000Lossless,
    "JPEG lossless": JPEGLosslessSV1,
}
_PIXEL_TAGS = (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10")
_SPITEFUL_LENGTHS = (0, 1, 3, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF, 0x10000000)
_SPITEFUL_TEXTS = (
    b"nan", b"inf", b"-inf", b"1e400", b"1e-400", b"\\\\\\", b"", b"\0\0", b"0", b"-1", b"99999999999999",
    b"\xff\xfe", b"1.2.3.", b"..", b"+-+", b"0x10", b"1_0", b"ISO 2022 IR 999", b"1.2.840.10008.1.2.4.90",
)  # fmt: skip
_NUMERIC_KEYWORDS = (
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns", "BitsAllocated",
    "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel", "RescaleSlope", "RescaleIntercept",
    "NumberOfFrames", "PixelPaddingValue",
)  # fmt: skip


@dataclass(frozen=True)
class FuzzSource:
    """Good files of one series, one of which is to be damaged at a time."""

    name: str
    files: tuple[tuple[str, bytes], ...] = field(repr=False)


def phantom_sources(folder: Path) -> list[FuzzSource]:
    """A six-slice phantom in every encoding at hand, and as one enhanced multi-frame file."""
    volume = chest_volume(FUZZ_SHAPE, FUZZ_SPACING_MM)
    series = write_series(folder / "good", volume)
    sources = []
    for name, syntax in FUZZ_SYNTAXES.items():
        paths = [
            save(encode(dataset, syntax), folder / name / path.name)
            for dataset, path in zip(series.datasets(), series.paths, strict=True)
        ]
        sources.append(_source(name, paths))
    enhanced = save(enhanced_dataset(volume), folder / "enhanced" / "enhanced.dcm")
    return [*sources, _source("enhanced", [enhanced])]


def real_sources(folders: list[Path], count: int = 6) -> list[FuzzSource]:
    """The middle slices of each folder's files, in order of their z position."""
    sources = []
    for folder in folders:
        located = []
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            dataset = dcmread(path, force=True, stop_before_pixels=True)
            located.append((float(dataset.get("ImagePositionPatient", [0, 0, 0])[2]), str(path), path))
        located.sort()
        first = max(0, (len(located) - count) // 2)
        sources.append(_source(folder.name, [path for *_, path in located[first : first + count]]))
    return sources


def _source(name: str, paths: list[Path]) -> FuzzSource:
    return FuzzSource(name, tuple((path.name, path.read_bytes()) for path in paths))


def mutate(content: bytes, random: np.random.Generator) -> tuple[bytes, str]:
    """Damage a file once to three times; returns the bytes and what was done."""
    done = []
    for _ in range(int(random.choice([1, 1, 1, 2, 3]))):
        name = str(random.choice(list(MUTATIONS)))
        content = MUTATIONS[name](content, random)
        done.append(name)
    return content, " + ".join(done)


def header_end(content: bytes) -> int:
    """Offset of the last pixel data tag, or the end of the file where none stands in the clear."""
    return max([content.rfind(tag) for tag in _PIXEL_TAGS if tag in content], default=len(content))


def _header_place(content: bytes, random: np.random.Generator) -> int:
    return int(random.integers(0, max(1, min(len(content), header_end(content) + 12))))


def _pixel_place(content: bytes, random: np.random.Generator) -> int:
    start = min(header_end(content), max(0, len(content) - 1))
    return int(random.integers(start, max(start + 1, len(content))))


def _flip(content: bytes, place: int, random: np.random.Generator) -> bytes:
    if not content:
        return content
    damaged = bytearray(content)
    damaged[min(place, len(content) - 1)] ^= 1 << int(random.integers(8))
    return bytes(damaged)


def _flip_header(content: bytes, random: np.random.Generator) -> bytes:
    return _flip(content, _header_place(content, random), random)


def _flip_pixels(content: bytes, random: np.random.Generator) -> bytes:
    return _flip(content, _pixel_place(content, random), random)


def _overwrite_header(content: bytes, random: np.random.Generator) -> bytes:
    place, noise = _header_place(content, random), random.bytes(int(random.integers(1, 17)))
    return content[:place] + noise + content[place + len(noise) :]


def _overwrite_pixels(content: bytes, random: np.random.Generator) -> bytes:
    place, noise = _pixel_place(content, random), random.bytes(int(random.integers(1, 65)))
    return content[:place] + noise + content[place + len(noise) :]


def _cut(content: bytes, random: np.random.Generator) -> bytes:
    return content[: int(random.integers(0, len(content) + 1))]


def _cut_header(content: bytes, random: np.random.Generator) -> bytes:
    return content[: _header_place(content, random)]


def _remove(content: bytes, random: np.random.Generator) -> bytes:
    place = _any_place(content, random)
    return content[:place] + content[place + int(random.integers(1, 200)) :]


def _insert(content: bytes, random: np.random.Generator) -> bytes:
    place = _any_place(content, random)
    return content[:place] + random.bytes(int(random.integers(1, 100))) + content[place:]


def _repeat(content: bytes, random: np.random.Generator) -> bytes:
    place = _any_place(content, random)
    piece = content[place : place + int(random.integers(1, 400))]
    return content[:place] + piece * int(random.integers(2, 5)) + content[place + len(piece) :]


def _move(content: bytes, random: np.random.Generator) -> bytes:
    source, target, length = (
        _any_place(content, random),
        _any_place(content, random),
        int(random.integers(4, 300)),
    )
    piece = content[source : source + length]
    return content[:target] + piece + content[target + length :]


def _any_place(content: bytes, random: np.random.Generator) -> int:
    return _header_place(content, random) if random.random() < 0.7 else _pixel_place(content, random)


def _spiteful_length(content: bytes, random: np.random.Generator) -> bytes:
    """Write an extreme number where an element's length may stand."""
    place = _element_place(content, random) + int(random.choice([4, 6, 8]))
    number = int(random.choice(_SPITEFUL_LENGTHS))
    packed = struct.pack("<H", number & 0xFFFF) if random.random() < 0.5 else struct.pack("<I", number)
    return content[:place] + packed + content[place + len(packed) :]


def _spiteful_vr(content: bytes, random: np.random.Generator) -> bytes:
    place = _element_place(content, random) + 4
    vr = bytes(random.choice([b"SQ", b"OB", b"UN", b"US", b"DS", b"UI", b"OW", b"FD", b"ZZ"]))
    return content[:place] + vr + content[place + 2 :]


def _spiteful_text(content: bytes, random: np.random.Generator) -> bytes:
    """Overwrite the beginning of a value, keeping the length."""
    place = _element_place(content, random) + 8
    text = bytes(_SPITEFUL_TEXTS[int(random.integers(len(_SPITEFUL_TEXTS)))])
    return content[:place] + text + content[place + len(text) :]


def _spiteful_number(content: bytes, random: np.random.Generator) -> bytes:
    """Overwrite a value that decides shape, geometry or intensity."""
    from pydicom.datadict import tag_for_keyword

    tag = tag_for_keyword(str(random.choice(_NUMERIC_KEYWORDS))) or 0
    for order in ("<", ">"):
        place = content.rfind(struct.pack(f"{order}HH", tag >> 16, tag & 0xFFFF), 0, header_end(content))
        if place >= 0:
            value = _spiteful_value(random, order)
            return content[: place + 8] + value + content[place + 8 + len(value) :]
    return _overwrite_header(content, random)


def _spiteful_value(random: np.random.Generator, order: str) -> bytes:
    if random.random() < 0.5:
        return struct.pack(
            f"{order}H", int(random.choice([0, 1, 2, 7, 8, 12, 16, 25, 32, 64, 0x7FFF, 0xFFFF]))
        )
    return bytes(_SPITEFUL_TEXTS[int(random.integers(len(_SPITEFUL_TEXTS)))])


def _element_place(content: bytes, random: np.random.Generator) -> int:
    """A place that looks like the begin of an element: a low group number in either byte order."""
    groups = np.frombuffer(content[: header_end(content) + 4], np.uint8)
    if len(groups) < 8:
        return 0
    likely = np.flatnonzero(np.isin(groups[:-1], (2, 8, 16, 24, 32, 40, 0xE0, 0xFE)) & (groups[1:] <= 0xFF))
    return int(random.choice(likely)) if len(likely) else 0


MUTATIONS: dict[str, Callable[[bytes, np.random.Generator], bytes]] = {
    "flip header": _flip_header,
    "flip pixels": _flip_pixels,
    "overwrite header": _overwrite_header,
    "overwrite pixels": _overwrite_pixels,
    "cut": _cut,
    "cut in header": _cut_header,
    "remove": _remove,
    "insert": _insert,
    "repeat": _repeat,
    "move": _move,
    "length": _spiteful_length,
    "VR": _spiteful_vr,
    "text": _spiteful_text,
    "number": _spiteful_number,
}
