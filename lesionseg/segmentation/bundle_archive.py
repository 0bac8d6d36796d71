"""Reading a bundle out of a zip file that nobody has vouched for.

Nothing is written to disk here and nothing is interpreted: names, kinds and sizes are judged by the
archive's directory, then the bytes are read under those limits into memory. A zip can name files outside its
folder, hold links and devices, unpack to a thousand times its size, list a name twice, or differ between its
directory and its contents; each of these is refused.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO

from lesionseg.core.errors import BundleError
from lesionseg.segmentation.bundle_files import ALLOWED_SUFFIXES, PLAIN_NAME, SUMS_NAME, forbidden_kind

MOST_FILES = 64
LARGEST_TOTAL_BYTES = 2 << 30
"""All files unpacked. Weights of the largest common 3-D networks stay under 1 GiB."""
LARGEST_RATIO = 100.0
"""Unpacked against packed size of all files. Weights hardly shrink and text by 10; only bombs by more."""
LARGEST_DIRECTORY_BYTES = 1 << 20
"""Of the archive's own directory, which is read before its entries can be counted."""
_BLOCK_BYTES = 1 << 20
_UNIX_MODE_SHIFT = 16
_ENCRYPTED = 0x1 | 0x40 | 0x2000
"""Flag bits of APPNOTE.TXT 4.4.4: encrypted, strong encryption, masked headers."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DEVICE_STEMS = frozenset(
    ("con", "prn", "aux", "nul", *(f"{kind}{n}" for kind in ("com", "lpt") for n in range(10)))
)
"""Names that mean a device on Windows, whatever the suffix."""
_MALFORMED = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, EOFError, ValueError, RuntimeError,
    OverflowError, LookupError, AttributeError,
)  # fmt: skip
"""What zipfile raises for one or another broken header (ValueError covers text, RuntimeError odd methods)."""


def read_bundle_archive(path: Path) -> dict[str, bytes]:
    """Read the files of a zipped bundle, each under its plain name.

    They may lie at the top of the archive or in one folder.

    Parameters
    ----------
    path : Path
        The zip file.

    Returns
    -------
    dict of str to bytes
        Not verified yet: see `verified_files`.

    Raises
    ------
    BundleError
        If it is no zip file, damaged, or holds anything but plain files of the allowed kinds within the
        limits.
    """
    try:
        with path.open("rb") as stream, zipfile.ZipFile(_Guarded(stream, path)) as archive:
            entries = _judged(archive.infolist(), path)
            return {name: _content(archive, entry, path) for name, entry in entries.items()}
    except OSError as error:
        raise _refused(path, "the archive cannot be read", found=error.strerror or str(error)) from error
    except _MALFORMED as error:
        raise _refused(
            path, "this is no intact zip file", found=str(error) or type(error).__name__
        ) from error


def plain_name(name: str) -> bool:
    """Whether a name is one file or folder on every file system."""
    stem = name.split(".", 1)[0].lower()
    return PLAIN_NAME.fullmatch(name) is not None and stem not in _DEVICE_STEMS and not name.endswith(".")


class _Guarded:
    """A binary stream that gives at most `LARGEST_DIRECTORY_BYTES` at a time.

    zipfile reads a directory of any announced size in one go.
    """

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream, self._path = stream, path
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def read(self, size: int = -1) -> bytes:
        if size > LARGEST_DIRECTORY_BYTES:
            raise _refused(self._path, "the archive's directory is too long", found=f"{size} bytes")
        return self._stream.read(size if size >= 0 else LARGEST_DIRECTORY_BYTES)


def _judged(entries: list[zipfile.ZipInfo], path: Path) -> dict[str, zipfile.ZipInfo]:
    """Return the files by plain name, once everything in the archive's directory is in order."""
    files: dict[str, zipfile.ZipInfo] = {}
    tops: set[str] = set()
    seen: set[str] = set()
    for entry in entries:
        _refuse_kind(entry, path)
        top, name = _parts(entry, path)
        tops.add(top)
        if name.lower() in seen:
            raise _refused(
                path, "the archive holds a name twice, or twice but for capitals", found=repr(name)
            )
        if name:
            seen.add(name.lower())
            files[name] = entry
    if len(tops) > 1:
        raise _refused(
            path, "the archive holds more than one folder", found=", ".join(sorted(map(repr, tops)))
        )
    _refuse_sizes(list(files.values()), path)
    return files


def _parts(entry: zipfile.ZipInfo, path: Path) -> tuple[str, str]:
    """Split an entry's name into top folder and file, either of which may be empty."""
    # zipfile cuts names at a NUL and turns the system's separators; judged is what stands in the archive.
    *folders, name = entry.orig_filename.split("/")
    if len(folders) > 1 or not all(plain_name(part) for part in (*folders, *([name] if name else []))):
        raise _refused(
            path,
            "the archive holds a name that is not allowed",
            expected="plain file names, at the top or in one folder",
            found=repr(entry.orig_filename),
        )
    if name and name != SUMS_NAME and not name.endswith(ALLOWED_SUFFIXES):
        raise forbidden_kind(path / name)
    return "".join(folders), name


def _refuse_kind(entry: zipfile.ZipInfo, path: Path) -> None:
    case = path / entry.orig_filename.replace("\0", "?")
    if entry.flag_bits & _ENCRYPTED:
        raise _refused(
            case, "the archive is encrypted", remedy="Unpack it and zip it again without a password"
        )
    kind = stat.S_IFMT(entry.external_attr >> _UNIX_MODE_SHIFT)
    if kind not in (0, stat.S_IFDIR if entry.orig_filename.endswith("/") else stat.S_IFREG):
        raise _refused(
            case, "the archive holds something that is not a plain file", found=f"Unix file type {kind:#o}"
        )
    if entry.compress_type not in _METHODS:
        raise _refused(
            case,
            "the archive is packed by a method that is not accepted",
            expected="stored or deflated",
            found=f"method {entry.compress_type}",
        )


def _refuse_sizes(files: list[zipfile.ZipInfo], path: Path) -> None:
    packed, unpacked = (sum(getattr(file, of) for file in files) for of in ("compress_size", "file_size"))
    limits = (
        (len(files), MOST_FILES, "files"),
        (unpacked, LARGEST_TOTAL_BYTES, "bytes unpacked"),
        (packed, path.stat().st_size, "bytes packed, the archive's own size"),
        (unpacked, LARGEST_RATIO * packed, f"bytes unpacked, {LARGEST_RATIO:g} times the packed size"),
    )
    for found, limit, what in limits:
        if found > limit:
            raise _refused(
                path,
                "the archive unpacks to more than a bundle can need",
                expected=f"at most {limit:.0f} {what}",
                found=str(found),
            )


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> bytes:
    """Read one file block by block; never more than its announced size, whatever the packed data say."""
    content = bytearray()
    with archive.open(entry) as stream:
        while block := stream.read(_BLOCK_BYTES):
            content += block
            if len(content) > entry.file_size:
                break
    if len(content) != entry.file_size:
        raise _refused(
            path / entry.filename,
            "the packed data and the announced size differ",
            expected=f"{entry.file_size} bytes",
            found=f"{len(content)} bytes",
        )
    return bytes(content)


def _refused(
    case: Path, problem: str, *, expected: str = "", found: str = "", remedy: str = "Fetch the bundle again"
) -> BundleError:
    return BundleError(problem, case=str(case), expected=expected, found=found, remedy=remedy)
