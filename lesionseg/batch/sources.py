"""Where scans come from that are not on disk yet, as a batch sees it: what an archive's side has to offer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol


class RemoteStudy(Protocol):
    """A study that lies elsewhere and is brought here when its turn comes; may be called from any thread."""

    @property
    def patient_id(self) -> str:
        """As of DICOM; empty where it is not known."""

    @property
    def study_uid(self) -> str:
        """As of DICOM."""

    @property
    def study_date(self) -> str:
        """As ``YYYYMMDD``; empty where it is not known."""

    @property
    def place(self) -> str:
        """What a person calls the place where it lies."""

    @property
    def stays(self) -> bool:
        """Whether its files are kept here once the case is done."""

    def content(self) -> str:
        """Name what it holds now: another text once anything was added or taken away there.

        Raises
        ------
        LesionSegError
            If the other side cannot be asked.
        """

    def fetch(self, folder: Path) -> str:
        """Bring all of it into a folder, each series whole or not at all, and return its content.

        Raises
        ------
        LesionSegError
            If it cannot be fetched, or the disk cannot be written.
        """


class StudySource(Protocol):
    """Studies that somebody asked for."""

    @property
    def name(self) -> str:
        """What a person calls it, such as the file that says what is asked for."""

    def as_dict(self) -> dict[str, Any]:
        """Say in JSON values what is asked for, and of whom."""

    def studies(self) -> Sequence[RemoteStudy]:
        """List them; nothing is fetched.

        Raises
        ------
        LesionSegError
            If the other side cannot be asked, or has none.
        """
