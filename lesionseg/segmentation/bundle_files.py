"""The files of a model bundle: what they are called, and that each has the hash that SHA256SUMS lists.

It makes no difference whether they lie in a folder or still in an archive: who checks them says how a name is
read, and gets back the very bytes that were hashed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection
from pathlib import Path

from lesionseg.core.errors import BundleError

METADATA_NAME = "metadata.json"
WEIGHTS_NAME = "weights.safetensors"
CARD_NAME = "MODEL_CARD.md"
SUMS_NAME = "SHA256SUMS"
REQUIRED_NAMES = (METADATA_NAME, WEIGHTS_NAME, CARD_NAME)
ALLOWED_SUFFIXES = (".json", ".safetensors", ".md", ".txt")
"""Formats that cannot carry code; pickled weights (.pt, .pth, .bin, .pkl) are refused."""
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""Names that stay in their folder on every file system: no separator, no drive, no leading dot."""

_SUMS_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")


def read_verified_folder(folder: Path) -> dict[str, bytes]:
    """Read every file of a bundle's folder once; return the bytes whose hashes are listed.

    Raises
    ------
    BundleError
        As `verified_files`.
    """
    # A missing folder is told by its missing SHA256SUMS.
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    return verified_files(folder, names, lambda name: (folder / name).read_bytes())


def verified_files(place: Path, names: Collection[str], read: Callable[[str], bytes]) -> dict[str, bytes]:
    """Read each listed file once and compare its SHA-256 with SHA256SUMS, before anything interprets it.

    Parameters
    ----------
    place : Path
        The folder or archive, for messages.
    names : collection of str
        Everything that lies there.
    read : callable
        Gives a file's bytes by its name, or raises OSError.

    Returns
    -------
    dict of str to bytes
        Every file, SHA256SUMS included, by name.

    Raises
    ------
    BundleError
        If a file is missing, altered, unlisted, of a forbidden kind or unreadable.
    """
    sums = _read(place, SUMS_NAME, read)
    listed = _parse_sums(place, sums)
    _refuse_unlisted(place, names, listed)
    files = {SUMS_NAME: sums}
    for name, expected in listed.items():
        files[name] = _read(place, name, read)
        found = hashlib.sha256(files[name]).hexdigest()
        if found != expected:
            raise BundleError(
                "a file of the model bundle was altered",
                case=str(place / name),
                expected=f"SHA-256 {expected}",
                found=found,
                remedy="Fetch the bundle again",
            )
    return files


def forbidden_kind(path: Path) -> BundleError:
    """Make the error for a file whose suffix is not in `ALLOWED_SUFFIXES`."""
    return BundleError(
        "the model bundle holds a kind of file that could carry code",
        case=str(path),
        expected="only " + ", ".join(ALLOWED_SUFFIXES),
        remedy="Fetch the bundle again; pickled weights are never loaded",
    )


def _read(place: Path, name: str, read: Callable[[str], bytes]) -> bytes:
    try:
        return read(name)
    except OSError as error:
        raise BundleError(
            "a file of the model bundle is missing or unreadable",
            case=str(place / name),
            found=error.strerror or str(error),
            remedy="Fetch the bundle again",
        ) from error


def _parse_sums(place: Path, content: bytes) -> dict[str, str]:
    listed: dict[str, str] = {}
    for line in content.decode("utf-8", errors="replace").splitlines():
        match = _SUMS_LINE.fullmatch(line)
        if match is None:
            raise _bad_sums(place, f"the line {line!r}")
        digest, name = match.groups()
        if PLAIN_NAME.fullmatch(name) is None or name == SUMS_NAME or name in listed:
            raise _bad_sums(place, f"the file name {name!r}")
        if not name.endswith(ALLOWED_SUFFIXES):
            raise forbidden_kind(place / name)
        listed[name] = digest
    missing = [name for name in REQUIRED_NAMES if name not in listed]
    if missing:
        raise _bad_sums(place, "no line for " + ", ".join(missing))
    return listed


def _refuse_unlisted(place: Path, names: Collection[str], listed: Collection[str]) -> None:
    for name in sorted(set(names) - {SUMS_NAME, *listed}):
        if not name.endswith(ALLOWED_SUFFIXES):
            raise forbidden_kind(place / name)
        raise BundleError(
            "the model bundle holds something that SHA256SUMS does not list",
            case=str(place / name),
            remedy="Remove it, or fetch the bundle again",
        )


def _bad_sums(place: Path, found: str) -> BundleError:
    return BundleError(
        "the bundle's list of hashes is not valid",
        case=str(place / SUMS_NAME),
        expected=f"lines of '<sha256>  <plain file name>' that name {', '.join(REQUIRED_NAMES)}",
        found=found,
        remedy="Fetch the bundle again",
    )
