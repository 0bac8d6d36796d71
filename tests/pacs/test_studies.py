"""Studies of an archive as a batch takes them, and the file that says which."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from lesionseg.core.errors import (
    ConfigurationError,
    InputNotFoundError,
    PacsAnswerError,
    PacsConnectionError,
    PacsContentError,
    PacsLimitError,
)
from lesionseg.pacs.settings import PullLimits, Web
from lesionseg.pacs.web import Query
from lesionseg.pacs.web.query_file import read_query_file
from lesionseg.pacs.web.studies import ArchiveSource
from tests.pacs.builders import files_in, held_series
from tests.pacs.fake_archive import Answer, FakeArchive, as_usual, status


def source(fake: FakeArchive, *queries: Query, **parts: object) -> ArchiveSource:
    web = Web(url=fake.url, attempts=2, first_wait_seconds=0)
    return ArchiveSource("query.yaml", web, queries or (Query(patient_id="P1"),), **parts)


@pytest.fixture
def filled(fake: FakeArchive) -> FakeArchive:
    fake.held += held_series("a", study="2", study_date="20200202")
    fake.held += held_series("b", study="1", study_date="20200105")
    fake.held += held_series("c", study="1", study_date="20200105", description="sharp")
    fake.held += held_series("d", study="3", modality="MR")
    fake.held += held_series("e", patient_id="P2", study="1")
    return fake


def test_studies_that_hold_a_fitting_series_are_listed_and_nothing_is_fetched(filled: FakeArchive) -> None:
    found = source(filled).studies()
    assert [(one.patient_id, one.study_date, len(one.series)) for one in found] == [
        ("P1", "20200105", 2),
        ("P1", "20200202", 1),
    ]
    assert found[0].study_uid in found[0].place
    assert filled.asked("whole") == []


def test_a_study_that_fits_two_queries_counts_once(filled: FakeArchive) -> None:
    both = source(filled, Query(patient_id="P1"), Query(first_date=date(2020, 1, 1)))
    assert len({one.study_uid for one in both.studies()}) == len(both.studies()) == 3


def test_queries_that_find_nothing_are_an_error_that_says_them(filled: FakeArchive) -> None:
    with pytest.raises(PacsContentError, match="P7"):
        source(filled, Query(patient_id="P7")).studies()


def test_what_is_fetched_has_the_content_that_is_listed(filled: FakeArchive, tmp_path: Path) -> None:
    study = source(filled).studies()[0]
    assert study.fetch(tmp_path / "here") == study.content()
    assert len([name for name in files_in(tmp_path) if name.endswith(".dcm")]) == 6
    asked = len(filled.asked("whole"))
    assert study.fetch(tmp_path / "here") == study.content()
    assert len(filled.asked("whole")) == asked


def test_an_object_more_is_another_content(filled: FakeArchive) -> None:
    study = source(filled).studies()[0]
    before = study.content()
    filled.held += held_series("b", study="1", count=4, study_date="20200105")[3:]
    assert study.content() != before


def test_a_series_that_is_not_wanted_any_more_goes(filled: FakeArchive, tmp_path: Path) -> None:
    source(filled).studies()[0].fetch(tmp_path)
    (tmp_path / "mine").mkdir()
    sharp = source(filled, Query(patient_id="P1", series_description="sharp")).studies()[0]
    sharp.fetch(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {sharp.series[0].series_uid, "mine"}


@pytest.mark.parametrize(
    ("fault", "error"), [(status(404), PacsAnswerError), (status(503), PacsConnectionError)]
)
def test_a_study_that_cannot_be_fetched_says_why(
    filled: FakeArchive, tmp_path: Path, fault: object, error: type[Exception]
) -> None:
    study = source(filled).studies()[1]
    filled.fail("whole", fault, fault, fault)
    with pytest.raises(error):
        study.fetch(tmp_path / "here")
    assert files_in(tmp_path) == []


def test_limits_of_a_series_hold(filled: FakeArchive, tmp_path: Path) -> None:
    study = source(filled, limits=PullLimits(instances=2, series=1)).studies()[0]
    with pytest.raises(PacsLimitError, match="at most 2"):
        study.fetch(tmp_path)


def test_a_study_listed_without_usable_uids_costs_no_other(filled: FakeArchive, tmp_path: Path) -> None:
    def odd(answer: Answer) -> Answer:
        return Answer(body=answer.body.replace(filled.held[0].series_uid.encode(), b"../../x"))

    filled.fail("series", odd, as_usual, as_usual)
    found = source(filled).studies()
    failing = [one for one in found if one.error is not None]
    assert len(found) == 2
    assert len(failing) == 1
    with pytest.raises(PacsContentError, match="usable UID"):
        failing[0].fetch(tmp_path)


def write(folder: Path, text: str) -> Path:
    path = folder / "query.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_says_what_is_asked_of_whom(tmp_path: Path) -> None:
    (tmp_path / "pacs.yaml").write_text(
        "web: {url: 'https://pacs.example.org/dicom'}\npull: {instances: 9}\n"
    )
    path = write(
        tmp_path,
        "archive: pacs.yaml\npatients: [A, '007']\nfrom: 2024-01-01\nto: 2024-03-31\n"
        "modality: any\nseries_description: 'lung*'\nkeep: true\n",
    )
    found = read_query_file(path)
    assert [query.patient_id for query in found.queries] == ["A", "007"]
    assert {(query.dates, query.modality) for query in found.queries} == {("20240101-20240331", "")}
    assert (found.web.host, found.limits.instances, found.stays) == ("pacs.example.org", 9, True)
    assert found.as_dict()["queries"][1]["patient_id"] == "007"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("patients: [A]\n", "archive or url"),
        ("url: http://127.0.0.1/x\n", "whole archive"),
        ("url: http://pacs.example.org/x\npatients: [A]\n", "only archives on this machine"),
        ("url: http://127.0.0.1/x\npatient: A\n", "no such key"),
        ("url: http://127.0.0.1/x\npatients: [7]\n", "valid string"),
        ("url: http://127.0.0.1/x\nfrom: yesterday\n", "from"),
        ("url: http://127.0.0.1/x\nstudies: ['../x']\n", "no UID"),
        ("- A\n", "holds no keys"),
    ],
)
def test_faults_of_a_file_are_told(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        read_query_file(write(tmp_path, text))


def test_files_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError):
        read_query_file(tmp_path / "none.yaml")
    with pytest.raises(InputNotFoundError):
        read_query_file(write(tmp_path, "archive: none.yaml\npatients: [A]\n"))
