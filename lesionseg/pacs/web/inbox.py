"""One series as it arrives: every object on disk, hashed, and compared with what the archive promised."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.errors import InvalidDicomError

from lesionseg.core.errors import PacsContentError, PacsLimitError
from lesionseg.pacs.settings import BYTES_PER_MB, PullLimits
from lesionseg.pacs.web.multipart import Part

_INCOMING = "incoming"


@dataclass(frozen=True)
class Promised:
    """What an archive says a series holds.

    Attributes
    ----------
    host : str
        Of the archive.
    study_uid, series_uid : str
    sop_instance_uids : tuple of str
        Sorted.
    """

    host: str
    study_uid: str
    series_uid: str
    sop_instance_uids: tuple[str, ...]

    @property
    def case(self) -> str:
        """What messages call it."""
        return f"{self.host}, study {self.study_uid}, series {self.series_uid}"


@dataclass(frozen=True)
class StoredInstance:
    """One object on disk: file name, UID, hash and bytes."""

    file: str
    sop_instance_uid: str
    sha256: str
    bytes: int


class Inbox:
    """A folder that takes the objects of one series, each once, and no others."""

    def __init__(self, folder: Path, promised: Promised, limits: PullLimits) -> None:
        self._folder = folder
        self._promised = promised
        self._limits = limits
        self._stored: dict[str, StoredInstance] = {}

    @property
    def instances(self) -> tuple[StoredInstance, ...]:
        """What has arrived, sorted by UID."""
        return tuple(self._stored[uid] for uid in sorted(self._stored))

    @property
    def missing(self) -> tuple[str, ...]:
        """UIDs that were promised and have not arrived, sorted."""
        return tuple(uid for uid in self._promised.sop_instance_uids if uid not in self._stored)

    def take(self, part: Part) -> None:
        """Write one object; it gets its name once it is whole and is the right one.

        Raises
        ------
        PacsLimitError
            If it, or the series with it, is larger than allowed.
        PacsContentError
            If it is no DICOM object, shorter or longer than announced, of another series, not among those
            promised, or there already.
        """
        incoming = self._folder / _INCOMING
        sha256, size = self._write(part.content, incoming)
        if part.length not in (None, size):
            raise self._wrong("an object is damaged", f"{part.length} bytes", f"{size} bytes")
        uid = self._checked_uid(incoming)
        name = f"{uid}.dcm"  # one of those promised, which are usable as names
        incoming.rename(self._folder / name)
        self._stored[uid] = StoredInstance(name, uid, sha256, size)

    def _write(self, blocks: Iterator[bytes], path: Path) -> tuple[str, int]:
        before = sum(stored.bytes for stored in self._stored.values())
        digest, size = hashlib.sha256(), 0
        with path.open("wb") as stream:
            for block in blocks:
                size += len(block)
                self._check_sizes(size, before + size)
                digest.update(block)
                stream.write(block)
        return digest.hexdigest(), size

    def _check_sizes(self, object_bytes: int, series_bytes: int) -> None:
        limits = self._limits
        if object_bytes > limits.object_bytes or series_bytes > limits.series_bytes:
            whole = object_bytes <= limits.object_bytes
            raise PacsLimitError(
                "the series is too large" if whole else "an object is too large",
                case=self._promised.case,
                expected=f"at most {limits.series_mb if whole else limits.object_mb} MB",
                found=f"more than {(series_bytes if whole else object_bytes) // BYTES_PER_MB} MB",
                remedy=f"Raise pull.{'series_mb' if whole else 'object_mb'} in the settings if this is right",
            )

    def _checked_uid(self, path: Path) -> str:
        header = self._header(path)
        found = str(header.get("StudyInstanceUID", "")), str(header.get("SeriesInstanceUID", ""))
        if found != (self._promised.study_uid, self._promised.series_uid):
            raise self._wrong("an object of another series came", "this series", f"study, series {found}")
        uid = str(header.get("SOPInstanceUID", ""))
        if uid not in self._promised.sop_instance_uids:
            raise self._wrong("an object came that was not promised", "those that QIDO lists", repr(uid))
        if uid in self._stored:
            raise self._wrong("an object came twice", "each object once", uid)
        return uid

    def _header(self, path: Path) -> FileDataset:
        try:
            return dcmread(path, stop_before_pixels=True)
        except (InvalidDicomError, EOFError, ValueError, NotImplementedError, AttributeError) as error:
            raise self._wrong("what came is no DICOM object", "a DICOM file", str(error)[:200]) from error

    def _wrong(self, problem: str, expected: str, found: str) -> PacsContentError:
        return PacsContentError(
            problem,
            case=self._promised.case,
            expected=expected,
            found=found,
            remedy="Nothing of this series was kept; ask whoever runs the archive to check it",
        )
