"""Questions to an archive, and that no answer is taken which does not fit the question."""

from __future__ import annotations

from datetime import date
from urllib.parse import parse_qs, urlsplit

import pytest

from lesionseg.core.errors import ConfigurationError, PacsAnswerError, PacsContentError
from lesionseg.pacs.web import Query, find_series
from lesionseg.pacs.web.query import instance_uids
from tests.pacs.builders import connect, held_series
from tests.pacs.fake_archive import Answer, FakeArchive


def found(fake: FakeArchive, **parts: object) -> list[str]:
    with connect(fake) as archive:
        return [series.description for series in find_series(archive, Query(**parts))]


@pytest.fixture
def filled(fake: FakeArchive) -> FakeArchive:
    """Knows no filter at all: every study is in every answer."""
    fake.held += held_series("a", study="1", study_date="20200105", description="Lung 1.0 B70f")
    fake.held += held_series("b", study="1", study_date="20200105", description="Scout", modality="SR")
    fake.held += held_series("c", study="2", study_date="20200202", description="Body [soft]")
    fake.held += held_series("d", patient_id="P2", study_date="20200105", description="other patient")
    fake.held += held_series("e", patient_id="P10", study_date="", description="no date")
    return fake


def test_another_patients_scan_is_never_taken_from_an_archive_that_ignores_filters(
    filled: FakeArchive,
) -> None:
    assert found(filled, patient_id="P1") == ["Lung 1.0 B70f", "Body [soft]"]
    assert found(filled, patient_id="P*") == []
    asked = parse_qs(urlsplit(filled.asked("studies")[0]).query)
    assert asked["PatientID"] == ["P1"]


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (date(2020, 1, 5), date(2020, 1, 5), ["other patient", "Lung 1.0 B70f"]),
        (date(2020, 1, 6), None, ["Body [soft]"]),
        (None, date(2020, 1, 4), []),
    ],
)
def test_dates_are_included_at_both_ends_and_open_at_either(
    filled: FakeArchive, first: date | None, last: date | None, expected: list[str]
) -> None:
    assert sorted(found(filled, first_date=first, last_date=last)) == sorted(expected)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("lung*", ["Lung 1.0 B70f"]),
        ("*b?0F", ["Lung 1.0 B70f"]),
        ("lung", []),
        ("body [SOFT]", ["Body [soft]"]),
        ("*[a-z]*", []),
    ],
)
def test_descriptions_match_as_in_dicom_whatever_the_case(
    filled: FakeArchive, pattern: str, expected: list[str]
) -> None:
    assert found(filled, patient_id="P1", series_description=pattern) == expected


def test_modality_and_uids_narrow_the_query(filled: FakeArchive) -> None:
    assert found(filled, patient_id="P1", modality="SR") == ["Scout"]
    assert len(found(filled, patient_id="P1", modality="")) == 3
    wanted = filled.held[0]
    assert found(filled, study_uids=(wanted.study_uid,), series_uids=(wanted.series_uid,)) == [
        "Lung 1.0 B70f"
    ]


@pytest.mark.parametrize("knows_offset", [True, False])
def test_long_answers_come_in_pages_and_every_object_once(fake: FakeArchive, knows_offset: bool) -> None:
    held = fake.held = held_series(count=5)
    fake.knows_offset = knows_offset
    fake.page = 2 if knows_offset else 1000
    with connect(fake) as archive:
        uids = instance_uids(archive, held[0].study_uid, held[0].series_uid)
    assert uids == tuple(sorted(one.sop_uid for one in held))


@pytest.mark.parametrize("parts", [{}, {"series_uids": ("1.2",)}, {"series_description": "*"}])
def test_a_query_for_the_whole_archive_is_refused(parts: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="whole archive"):
        Query(**parts)


@pytest.mark.parametrize("odd", ["../1.2", "1.2/instances", "1.2?x=", "", " 1.2"])
def test_what_is_no_uid_is_not_put_into_an_address(odd: str) -> None:
    with pytest.raises(ConfigurationError, match="no UID"):
        Query(study_uids=(odd,))


def test_an_archive_that_names_a_path_as_uid_is_refused(fake: FakeArchive) -> None:
    fake.held = held_series()
    body = b'[{"0020000D": {"vr": "UI", "Value": ["../../etc"]}, "00100020": {"Value": ["P1"]}}]'
    fake.fail("studies", lambda _: Answer(body=body))
    with pytest.raises(PacsContentError, match="usable UID"):
        found(fake, patient_id="P1")


@pytest.mark.parametrize("body", [b"<html>", b'{"error": 1', b"[1, 2]"])
def test_what_is_no_dicom_json_is_refused_with_a_reason(fake: FakeArchive, body: bytes) -> None:
    fake.fail("studies", lambda _: Answer(body=body))
    with pytest.raises((PacsAnswerError, PacsContentError)):
        found(fake, patient_id="P1")
