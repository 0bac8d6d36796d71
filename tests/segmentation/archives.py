"""Zip files of bundles: sound ones, and damaged ones by the seed."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import numpy as np

CENTRAL, LOCAL = b"PK\x01\x02", b"PK\x03\x04"


def zip_folder(folder: Path, archive: Path, *, top: str = "", method: int = zipfile.ZIP_DEFLATED) -> Path:
    """Zip a bundle's files under `top`."""
    with zipfile.ZipFile(archive, "w", method) as writer:
        for path in sorted(folder.iterdir()):
            writer.write(path, top + path.name)
    return archive


def zip_with(folder: Path, archive: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    """Zip a bundle's files and further entries, whatever they are called."""
    zip_folder(folder, archive)
    with zipfile.ZipFile(archive, "a") as writer:
        for name, content in entries:
            writer.writestr(name, content)
    return archive


def rename_inside(archive: Path, old: bytes, new: bytes) -> Path:
    """Replace bytes of equal length wherever they stand, names in both headers included."""
    archive.write_bytes(archive.read_bytes().replace(old, new))
    return archive


def set_central(archive: Path, name: str, offset: int, layout: str, value: int) -> Path:
    """Overwrite a field of a file's entry in the archive's directory (APPNOTE.TXT 4.3.12)."""
    content = bytearray(archive.read_bytes())
    start = content.rindex(name.encode()) - 46
    struct.pack_into("<" + layout, content, start + offset, value)
    archive.write_bytes(content)
    return archive


def mutated(content: bytes, seed: int) -> bytes:
    """Damage an archive in one of several ways, with its headers hit more often than its data."""
    random = np.random.default_rng(seed)
    data = bytearray(content)
    ways = (_flip_bits, _hit_headers, _cut, _insert, _swap_names, _splice, _odd_numbers, _hit_tail)
    ways[seed % len(ways)](data, random)
    return bytes(data)


def _headers(data: bytearray) -> list[int]:
    found = []
    for signature in (LOCAL, CENTRAL):
        start = data.find(signature)
        while start >= 0:
            found.append(start)
            start = data.find(signature, start + 1)
    return found


def _flip_bits(data: bytearray, random: np.random.Generator) -> None:
    for position in random.integers(0, len(data), random.integers(1, 5)):
        data[position] ^= 1 << int(random.integers(8))


def _hit_headers(data: bytearray, random: np.random.Generator) -> None:
    for start in random.choice(_headers(data), 2):
        data[min(len(data) - 1, int(start) + int(random.integers(4, 60)))] = int(random.integers(256))


def _cut(data: bytearray, random: np.random.Generator) -> None:
    first, last = sorted(int(place) for place in random.integers(0, len(data), 2))
    del data[first:last]


def _insert(data: bytearray, random: np.random.Generator) -> None:
    place = int(random.integers(0, len(data)))
    data[place:place] = random.bytes(int(random.integers(1, 64)))


def _swap_names(data: bytearray, random: np.random.Generator) -> None:
    old, new = [
        (b"metadata.json", b"../adata.json"), (b"MODEL_CARD.md", b"/tmp/fuzzy.md"),
        (b"MODEL_CARD.md", b"..\\..\\card.md"), (b"SHA256SUMS", b"SHA256SUM\0"),
        (b"weights.safetensors", b"../../x.safetensors"), (b"MODEL_CARD.md", b"metadata.json"),
        (b"MODEL_CARD.md", b"METADATA.JSON"), (b"MODEL_CARD.md", b"C:\\x\\fuzzy.md"),
        (b"metadata.json", b"tiny/../a.txt"), (b"metadata.json", "ünïcode.json".encode("cp437") + b"n"),
    ][int(random.integers(10))]  # fmt: skip
    places = 1 if random.integers(3) == 0 else -1
    data[:] = data.replace(old, new, places)


def _splice(data: bytearray, random: np.random.Generator) -> None:
    starts = sorted(_headers(data))
    first, second = (int(start) for start in random.choice(starts, 2))
    data[first : first + 60] = data[second : second + 60]


def _odd_numbers(data: bytearray, random: np.random.Generator) -> None:
    entries = [start for start in _headers(data) if data[start : start + 4] == CENTRAL]
    start = int(random.choice(entries))
    offset, layout = [
        (8, "H"), (10, "H"), (20, "I"), (24, "I"), (28, "H"), (30, "H"), (32, "H"), (38, "I"), (42, "I"),
    ][int(random.integers(9))]  # fmt: skip
    value = [0, 1, 0x7FFF, 0xFFFF, 0xA1FF0000, 0xFFFFFFFF][int(random.integers(6))]
    struct.pack_into("<" + layout, data, start + offset, value & (0xFFFF if layout == "H" else 0xFFFFFFFF))


def _hit_tail(data: bytearray, random: np.random.Generator) -> None:
    for back in random.integers(1, 23, 2):
        data[-int(back)] = int(random.integers(256))
