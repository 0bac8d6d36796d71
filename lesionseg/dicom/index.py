"""A folder of many patients and visits, its headers read once; each scan is then a part of what was found."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from lesionseg.dicom.discovery import Findings, UnreadableFile, find_slices
from lesionseg.dicom.headers import SliceHeader

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True, order=True)
class StudyKey:
    """One patient's study, as the files name them; either part may be empty."""

    patient_id: str
    study_uid: str


@dataclass(frozen=True)
class FolderIndex:
    """Everything found under a folder, and the parts of it that belong together.

    A part is `Findings` again: its slices, and the damaged files that may be slices of them. A damaged file
    counts against the series it names; where it names none that is there, against every series that has
    slices in its folder.

    Attributes
    ----------
    findings : Findings
        Of the whole folder.
    """

    findings: Findings

    @cached_property
    def series(self) -> dict[str, tuple[SliceHeader, ...]]:
        """Slices of each series, by Series Instance UID."""
        return _grouped((header.identity.series_uid, header) for header in self.findings.slices)

    @cached_property
    def studies(self) -> dict[StudyKey, tuple[SliceHeader, ...]]:
        """Slices of each patient's studies, in order of patient and study UID.

        A series is never divided: one that names several patients or studies is in each of them whole, so
        that the loader sees what is mixed.
        """
        members: dict[StudyKey, list[SliceHeader]] = {}
        for uid, headers in self.series.items():
            keys = _grouped(
                (StudyKey(header.identity.patient_id, header.identity.study_uid), header)
                for header in headers
            )
            for key, own in keys.items():
                members.setdefault(key, []).extend(headers if uid else own)
        return {key: tuple(members[key]) for key in sorted(members)}

    def study(self, study_uid: str) -> tuple[SliceHeader, ...]:
        """Slices of the studies with this Study Instance UID, whoever the patient is; empty if none."""
        found = (slices for key, slices in self.studies.items() if key.study_uid == study_uid)
        return tuple({id(header): header for slices in found for header in slices}.values())

    def under(self, path: Path) -> tuple[SliceHeader, ...]:
        """Slices in a folder, to any depth, or in one file; empty where there are none."""
        return tuple(
            header
            for folder, headers in self._by_folder.items()
            if folder.is_relative_to(path) or folder == path.parent
            for header in headers
            if header.source.path.is_relative_to(path)
        )

    def part(self, slices: Iterable[SliceHeader]) -> Findings:
        """Return some of the slices as findings of their own, at the folder that holds all of them."""
        slices = tuple(slices)
        uids = {header.identity.series_uid for header in slices}
        folders = {header.source.path.parent for header in slices}
        damaged = tuple(file for file in self.findings.unreadable if self._concerns(file, uids, folders))
        return Findings(Path(os.path.commonpath(folders)), slices, damaged, {})

    @cached_property
    def _by_folder(self) -> dict[Path, tuple[SliceHeader, ...]]:
        return _grouped((header.source.path.parent, header) for header in self.findings.slices)

    def _concerns(self, file: UnreadableFile, uids: set[str], folders: set[Path]) -> bool:
        if file.series_uid and file.series_uid in self.series:
            return file.series_uid in uids
        return file.path.parent in folders


def index_folder(path: Path) -> FolderIndex:
    """Read the header of every file under a folder, once. Raises as `find_slices` does."""
    return FolderIndex(find_slices(path))


def _grouped(pairs: Iterable[tuple[Key, SliceHeader]]) -> dict[Key, tuple[SliceHeader, ...]]:
    members: dict[Key, list[SliceHeader]] = {}
    for key, header in pairs:
        members.setdefault(key, []).append(header)
    return {key: tuple(found) for key, found in members.items()}
