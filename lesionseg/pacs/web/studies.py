"""Whole studies of an archive, each fetched when its turn comes: what a batch takes as a source."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lesionseg.core.errors import PacsContentError
from lesionseg.pacs.settings import PullLimits, Web
from lesionseg.pacs.web.archive import Archive, DicomJson, text_in
from lesionseg.pacs.web.pull import PullRun, pull_one
from lesionseg.pacs.web.pull_record import read_record
from lesionseg.pacs.web.query import (
    PATIENT_ID,
    STUDY_DATE,
    STUDY_UID,
    Query,
    SeriesFound,
    fitting,
    instance_uids,
    matching_studies,
    nothing_fits,
)


@dataclass(frozen=True)
class ArchiveSource:
    """Studies that queries find in an archive.

    Attributes
    ----------
    name : str
        What a person calls it.
    web : Web
    queries : tuple of Query
        A study that fits several of them counts once, with the series that fit the first.
    limits : PullLimits
        Those of a series hold; the number of series is not limited, as studies are fetched one by one.
    stays : bool
        Whether fetched studies are kept.
    """

    name: str
    web: Web
    queries: tuple[Query, ...]
    limits: PullLimits = field(default_factory=PullLimits)
    stays: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return archive and queries in JSON values."""
        return {
            "file": self.name,
            "archive": self.web.host,
            "queries": [query.as_dict() for query in self.queries],
        }

    def studies(self) -> tuple[ArchiveStudy, ...]:
        """Ask which studies fit, in the order of their dates and UIDs; nothing is fetched.

        Raises
        ------
        PacsError
            If the archive cannot be asked, or holds nothing that fits.
        """
        with Archive(self.web) as archive:
            found: dict[str, ArchiveStudy] = {}
            for query in self.queries:
                for study in self._found(archive, query):
                    found.setdefault(study.study_uid, study)
        if not found:
            raise nothing_fits(self.web.host, *self.queries)
        return tuple(sorted(found.values(), key=lambda study: (study.study_date, study.study_uid)))

    def _found(self, archive: Archive, query: Query) -> Iterator[ArchiveStudy]:
        for study in matching_studies(archive, query):
            series, error = _series_of(archive, study, query)
            if series or error:
                yield ArchiveStudy(
                    self,
                    query,
                    text_in(study, PATIENT_ID),
                    text_in(study, STUDY_UID),
                    text_in(study, STUDY_DATE),
                    series,
                    error,
                )


@dataclass(frozen=True)
class ArchiveStudy:
    """One study of an archive; every call opens a connection of its own, and may come from any thread.

    Attributes
    ----------
    source : ArchiveSource
    query : Query
        That it fits.
    patient_id, study_uid, study_date : str
    series : tuple of SeriesFound
        Those that fit; all of them are fetched, and the loader chooses among them.
    error : PacsContentError or None
        Why it cannot be fetched, where the list says so already.
    """

    source: ArchiveSource
    query: Query
    patient_id: str
    study_uid: str
    study_date: str
    series: tuple[SeriesFound, ...]
    error: PacsContentError | None = None

    @property
    def place(self) -> str:
        """Archive and study, as messages name them."""
        return f"{self.source.web.host}, study {self.study_uid}"

    @property
    def stays(self) -> bool:
        """Whether its files are kept."""
        return self.source.stays

    def content(self) -> str:
        """Return a hash over the UIDs of all objects that the archive lists now.

        Raises
        ------
        PacsError
            If it cannot be asked.
        """
        if self.error is not None:
            raise self.error
        with Archive(self.source.web) as archive:
            return _hash_of(
                (one.series_uid, uid)
                for one in self.series
                for uid in instance_uids(archive, self.study_uid, one.series_uid)
            )

    def fetch(self, folder: Path) -> str:
        """Bring every series into ``folder/SERIES UID``; one that is there already is not fetched again.

        Series that an earlier fetch brought and that are not wanted any more are removed.

        Returns
        -------
        str
            As `content` gives it, of what came.

        Raises
        ------
        PacsError
            If a series cannot be fetched as the archive lists it.
        OutputExistsError, OutputError
            If somebody else's files are there, or the disk cannot be written.
        """
        if self.error is not None:
            raise self.error
        _remove_others(folder, {one.series_uid for one in self.series})
        with Archive(self.source.web) as archive:
            run = PullRun(archive, self.query, self.source.limits)
            for one in self.series:
                pull_one(run, one, folder / one.series_uid)
        return _hash_of(
            (one.series_uid, file["sop_instance_uid"])
            for one in self.series
            for file in (read_record(folder / one.series_uid) or {}).get("files", ())
        )


def _series_of(
    archive: Archive, study: DicomJson, query: Query
) -> tuple[tuple[SeriesFound, ...], PacsContentError | None]:
    """List a study's series; a study that is listed without usable UIDs must not cost the others."""
    try:
        found = sorted(fitting(archive, study, query), key=lambda one: one.series_uid)
    except PacsContentError as error:
        return (), error
    return tuple(found), None


def _remove_others(folder: Path, wanted: set[str]) -> None:
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in wanted and read_record(path) is not None:
            shutil.rmtree(path, ignore_errors=True)


def _hash_of(objects: Iterable[tuple[str, str]]) -> str:
    lines = sorted(f"{series_uid} {uid}\n" for series_uid, uid in objects)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
