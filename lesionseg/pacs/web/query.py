"""What is asked of an archive, and what it says it holds (QIDO-RS, PS3.18 10.6).

Archives may leave out a filter that they do not know, or match more loosely. So every answer is compared with
the question again here: another patient's scan is never taken for the one that was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any, Final

from lesionseg.core.errors import ConfigurationError, PacsAnswerError, PacsContentError
from lesionseg.pacs.web.archive import Archive, DicomJson, text_in

STUDY_UID, SERIES_UID, SOP_UID = "0020000D", "0020000E", "00080018"
PATIENT_ID, STUDY_DATE, _STUDY_DESCRIPTION = "00100020", "00080020", "00081030"
_MODALITY, _SERIES_DESCRIPTION, _INSTANCES = "00080060", "0008103E", "00201209"
_STUDY_FIELDS: Final = (PATIENT_ID, STUDY_DATE, _STUDY_DESCRIPTION)
_SERIES_FIELDS: Final = (_MODALITY, _SERIES_DESCRIPTION, _INSTANCES)
_USABLE_UID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,127}")
"""Wider than PS3.5 9.1, for archives hold invalid ones too, but nothing that changes an address."""


@dataclass(frozen=True)
class Query:
    """Which series are meant; every part that is given must fit.

    Attributes
    ----------
    patient_id : str
        Exactly as the archive has it.
    first_date, last_date : date, optional
        Of the study, both included.
    study_uids, series_uids : tuple of str
    modality : str
        Empty for any.
    study_description, series_description : str
        Patterns: ``*`` any text, ``?`` any character, upper and lower case alike.

    Raises
    ------
    ConfigurationError
        If neither patient, date nor study is given: that would be the whole archive; or a date or UID is
        impossible.
    """

    patient_id: str = ""
    first_date: date | None = None
    last_date: date | None = None
    study_uids: tuple[str, ...] = ()
    series_uids: tuple[str, ...] = ()
    modality: str = "CT"
    study_description: str = ""
    series_description: str = ""

    def __post_init__(self) -> None:
        if not (self.patient_id or self.first_date or self.last_date or self.study_uids):
            raise ConfigurationError(
                "the query would match the whole archive",
                expected="a patient ID, a study date or a Study Instance UID at least",
                remedy="Give one of them",
            )
        if self.first_date and self.last_date and self.last_date < self.first_date:
            raise ConfigurationError(
                "the last study date lies before the first",
                found=f"{self.first_date} to {self.last_date}",
            )
        for uid in (*self.study_uids, *self.series_uids):
            if not _USABLE_UID.fullmatch(uid):
                raise ConfigurationError("this is no UID", found=repr(uid))

    def as_dict(self) -> dict[str, Any]:
        """Return the parts that are given, in JSON values."""
        return {
            name: value.isoformat() if isinstance(value, date) else value
            for name, value in asdict(self).items()
            if value
        }

    @property
    def dates(self) -> str:
        """Study dates as DICOM writes a range (PS3.4 C.2.2.2.5); empty where none is given."""
        first, last = (day.strftime("%Y%m%d") if day else "" for day in (self.first_date, self.last_date))
        return f"{first}-{last}" if first or last else ""


@dataclass(frozen=True)
class SeriesFound:
    """One series that an archive says it holds.

    Attributes
    ----------
    patient_id, study_uid, study_date, study_description : str
    series_uid, modality, description : str
    instances : int or None
        As the archive counts them; None where it does not say.
    """

    patient_id: str
    study_uid: str
    study_date: str
    study_description: str
    series_uid: str
    modality: str
    description: str
    instances: int | None


def find_series(archive: Archive, query: Query) -> tuple[SeriesFound, ...]:
    """Ask an archive which of its series fit, ordered by study date and UIDs.

    Raises
    ------
    PacsError
        One of its kinds.
    """
    found = [
        series for study in matching_studies(archive, query) for series in fitting(archive, study, query)
    ]
    return tuple(sorted(found, key=lambda one: (one.study_date, one.study_uid, one.series_uid)))


def instance_uids(archive: Archive, study_uid: str, series_uid: str) -> tuple[str, ...]:
    """Return the SOP Instance UIDs that the archive says a series has, sorted; none for an unknown series.

    Raises
    ------
    PacsError
        One of its kinds.
    """
    answers = archive.search(
        "instances",
        SOP_UID,
        f"series {series_uid}",
        study_instance_uid=study_uid,
        series_instance_uid=series_uid,
    )
    try:
        return tuple(sorted(_usable(text_in(answer, SOP_UID), archive.host) for answer in answers))
    except PacsAnswerError as error:
        if error.status == HTTPStatus.NOT_FOUND:  # some archives say so of an unknown study or series
            return ()
        raise


def matching_studies(archive: Archive, query: Query) -> Iterator[DicomJson]:
    """Yield the studies that fit by themselves, as the archive describes them; raises as `find_series`."""
    filters = {"PatientID": query.patient_id, "StudyDate": query.dates}
    for study_uid in query.study_uids or ("",):
        asked = {name: text for name, text in {**filters, "StudyInstanceUID": study_uid}.items() if text}
        case = (
            f"study {study_uid}" if study_uid else f"patient {query.patient_id}" if query.patient_id else ""
        )
        for study in archive.search("studies", STUDY_UID, case, search_filters=asked, fields=_STUDY_FIELDS):
            if _study_fits(study, query) and study_uid in ("", text_in(study, STUDY_UID)):
                yield study


def fitting(archive: Archive, study: DicomJson, query: Query) -> Iterator[SeriesFound]:
    """Yield the series of a study that fit. Raises as `find_series` does."""
    return (series for series in _series_of(archive, study) if _series_fits(series, query))


def nothing_fits(host: str, *queries: Query) -> PacsContentError:
    """Return the error for queries that an archive holds nothing for."""
    asked = (", ".join(f"{name} {value}" for name, value in query.as_dict().items()) for query in queries)
    return PacsContentError(
        "the archive holds no series that fits",
        case=host,
        expected="; or ".join(asked),
        remedy="See what it holds with `lesionseg pacs find` and fewer conditions",
    )


def _series_of(archive: Archive, study: DicomJson) -> Iterator[SeriesFound]:
    study_uid = _usable(text_in(study, STUDY_UID), archive.host)
    answers = archive.search(
        "series", SERIES_UID, f"study {study_uid}", study_instance_uid=study_uid, fields=_SERIES_FIELDS
    )
    for answer in answers:
        counted = text_in(answer, _INSTANCES)
        yield SeriesFound(
            patient_id=text_in(study, PATIENT_ID),
            study_uid=study_uid,
            study_date=text_in(study, STUDY_DATE),
            study_description=text_in(study, _STUDY_DESCRIPTION),
            series_uid=_usable(text_in(answer, SERIES_UID), archive.host),
            modality=text_in(answer, _MODALITY),
            description=text_in(answer, _SERIES_DESCRIPTION),
            instances=int(counted) if counted.isdecimal() else None,
        )


def _study_fits(study: DicomJson, query: Query) -> bool:
    day = text_in(study, STUDY_DATE)
    first, _, last = query.dates.partition("-")
    return (
        query.patient_id in ("", text_in(study, PATIENT_ID))
        and (not query.dates or (bool(day) and (first or day) <= day <= (last or day)))
        and _described(text_in(study, _STUDY_DESCRIPTION), query.study_description)
    )


def _series_fits(series: SeriesFound, query: Query) -> bool:
    return (
        query.modality in ("", series.modality)
        and (not query.series_uids or series.series_uid in query.series_uids)
        and _described(series.description, query.series_description)
    )


def _described(text: str, pattern: str) -> bool:
    """Match as DICOM does (PS3.4 C.2.2.2.4): brackets mean nothing."""
    return not pattern or fnmatchcase(text.casefold(), pattern.casefold().replace("[", "[[]"))


def _usable(uid: str, host: str) -> str:
    if not _USABLE_UID.fullmatch(uid):
        raise PacsContentError(
            "the archive names an object without a usable UID",
            case=host,
            found=repr(uid[:80]),
            remedy="Ask whoever runs the archive to repair that study",
        )
    return uid
