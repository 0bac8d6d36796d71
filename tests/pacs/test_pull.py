"""Pulling from a server that fails, breaks off, lies or grows: a series is on disk whole, or not at all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lesionseg.core.errors import (
    LesionSegError,
    OutputExistsError,
    PacsAnswerError,
    PacsConnectionError,
    PacsContentError,
    PacsLimitError,
    PacsRefusedError,
    PacsTrustError,
)
from lesionseg.pacs.settings import PullLimits, Web
from lesionseg.pacs.web import Archive, PulledSeries, Query, pull
from tests.pacs.builders import changed, connect, dicom_bytes, files_in, held_series, uid
from tests.pacs.fake_archive import (
    Answer,
    FakeArchive,
    Fault,
    as_usual,
    cut_after,
    instead,
    multipart,
    redirected,
    running_archive,
    status,
)

QUERY = Query(patient_id="P1")
USUAL_LIMITS = PullLimits()


def pulled(fake: FakeArchive, folder: Path, limits: PullLimits = USUAL_LIMITS) -> tuple[PulledSeries, ...]:
    with connect(fake) as archive:
        return pull(archive, QUERY, folder, limits=limits)


def failure(fake: FakeArchive, folder: Path, limits: PullLimits = USUAL_LIMITS) -> LesionSegError:
    """Pull what must fail, leave nothing behind, and name the host."""
    (one,) = pulled(fake, folder, limits)
    assert one.state == "failed"
    assert one.error is not None
    assert files_in(folder) == []
    assert f"127.0.0.1:{fake.port}" in one.error.case
    return one.error


def test_a_series_arrives_byte_for_byte_with_a_record(fake: FakeArchive, tmp_path: Path) -> None:
    fake.held = held_series()
    (one,) = pulled(fake, tmp_path)
    assert (one.state, one.instances) == ("fetched", 3)
    for held in fake.held:
        assert (one.folder / f"{held.sop_uid}.dcm").read_bytes() == held.content
    record = json.loads((one.folder / "pull.json").read_text())
    assert record["instances"] == len(record["files"]) == 3
    assert record["series_uid"] == fake.held[0].series_uid
    assert record["query"] == {"patient_id": "P1", "modality": "CT"}
    assert len(files_in(tmp_path)) == 4


def test_a_second_pull_compares_and_fetches_nothing(fake: FakeArchive, tmp_path: Path) -> None:
    fake.held = held_series()
    pulled(fake, tmp_path)
    (again,) = pulled(fake, tmp_path)
    assert (again.state, again.instances) == ("already here", 3)
    assert len(fake.asked("whole")) == 1


def test_a_series_that_has_grown_is_fetched_again_and_that_is_said(fake: FakeArchive, tmp_path: Path) -> None:
    fake.held = held_series(count=2)
    pulled(fake, tmp_path)
    fake.held = held_series(count=3)
    (again,) = pulled(fake, tmp_path)
    assert (again.state, again.instances) == ("fetched again", 3)
    assert "lists 3 objects" in again.note
    assert len(files_in(tmp_path)) == 4


@pytest.mark.parametrize("alter", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-1] + b"x")])
def test_an_altered_file_is_found_and_fetched_again(
    fake: FakeArchive, tmp_path: Path, alter: Callable[[Path], object]
) -> None:
    fake.held = held_series()
    (first,) = pulled(fake, tmp_path)
    altered = first.folder / f"{fake.held[1].sop_uid}.dcm"
    alter(altered)
    (again,) = pulled(fake, tmp_path)
    assert again.state == "fetched again"
    assert "altered" in again.note
    assert altered.read_bytes() == fake.held[1].content


def test_a_folder_that_no_pull_made_is_left_alone(fake: FakeArchive, tmp_path: Path) -> None:
    fake.held = held_series()
    folder = tmp_path / fake.held[0].study_uid / fake.held[0].series_uid
    folder.mkdir(parents=True)
    (folder / "mine.txt").write_text("mine")
    (one,) = pulled(fake, tmp_path)
    assert isinstance(one.error, OutputExistsError)
    assert files_in(folder) == ["mine.txt"]


@pytest.mark.parametrize(
    ("route", "code"),
    [("studies", 500), ("series", 502), ("instances", 503), ("whole", 500), ("whole", 504), ("whole", 429)],
)
def test_a_passing_failure_is_tried_again(fake: FakeArchive, tmp_path: Path, route: str, code: int) -> None:
    fake.held = held_series()
    fake.fail(route, status(code), status(code))
    (one,) = pulled(fake, tmp_path)
    assert one.state == "fetched"


def test_a_lasting_failure_ends_after_the_last_attempt_with_growing_waits(fake: FakeArchive) -> None:
    fake.held = held_series()
    fake.fail("studies", *[status(503)] * 9)
    waits: list[float] = []
    web = Web(url=fake.url, attempts=4, first_wait_seconds=0.5)
    with (
        Archive(web, environment={}, sleep=waits.append) as archive,
        pytest.raises(PacsConnectionError, match=r"HTTP 503 .* in 4 attempts"),
    ):
        pull(archive, QUERY, Path("never"))
    assert waits == [0.5, 1.0, 2.0]


def test_after_a_break_only_what_is_missing_is_fetched(fake: FakeArchive, tmp_path: Path) -> None:
    fake.held = held_series(count=4, pixels=400_000)  # each longer than the blocks that are read
    whole = len(multipart([one.content for one in fake.held]))
    fake.fail("whole", cut_after(whole * 5 // 8))
    (one,) = pulled(fake, tmp_path)
    assert (one.state, one.instances) == ("fetched", 4)
    assert len(fake.asked("whole")) == 1
    assert len(fake.asked("one")) == 2
    assert all((one.folder / f"{held.sop_uid}.dcm").read_bytes() == held.content for held in fake.held)


def test_breaks_without_end_leave_nothing_behind(fake: FakeArchive, tmp_path: Path) -> None:
    fake.held = held_series()
    fake.fail("whole", *[cut_after(50)] * 9)
    assert isinstance(failure(fake, tmp_path), PacsConnectionError)
    assert len(fake.asked("whole")) == 3


def ends_early(answer: Answer) -> Answer:
    return Answer(answer.status, answer.content_type, answer.body[:-20])


def damaged(answer: Answer) -> Answer:
    return Answer(answer.status, answer.content_type, answer.body.replace(b"Length: ", b"Length: 1", 1))


def another_kind(answer: Answer) -> Answer:
    return Answer(200, "text/html", b"<html>please log in</html>")


FIRST, OTHER = held_series()[0], held_series("other")[0]


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (instead(changed(FIRST, sop_uid=uid("stranger"))), PacsContentError, "not promised"),
        (instead(changed(FIRST, series_uid=uid("stranger"))), PacsContentError, "another series"),
        (instead(changed(FIRST, study_uid=uid("stranger"))), PacsContentError, "another series"),
        (instead(FIRST.content, FIRST.content), PacsContentError, "came twice"),
        (instead(b"not DICOM at all"), PacsContentError, "no DICOM object"),
        (instead(FIRST.content[:200]), PacsContentError, ""),
        (damaged, PacsContentError, "damaged"),
        (another_kind, PacsAnswerError, "text/html"),
        (status(404), PacsAnswerError, "404"),
        (status(401), PacsRefusedError, "credentials"),
    ],
)
def test_what_is_not_what_was_promised_is_refused(
    fake: FakeArchive, tmp_path: Path, fault: Fault, error: type[LesionSegError], words: str
) -> None:
    fake.held = held_series()
    fake.fail("whole", fault)
    found = failure(fake, tmp_path)
    assert isinstance(found, error)
    assert words in str(found)
    assert found.remedy


def test_an_object_that_is_listed_but_not_delivered_fails_the_series(
    fake: FakeArchive, tmp_path: Path
) -> None:
    fake.held = held_series()
    fake.fail("whole", instead(*(one.content for one in fake.held[:2])))
    fake.fail("one", status(404))
    error = failure(fake, tmp_path)
    assert isinstance(error, PacsContentError)
    assert fake.held[2].sop_uid in error.expected


def test_one_object_may_come_without_multipart(fake: FakeArchive, tmp_path: Path) -> None:
    fake.held = held_series(count=2)
    fake.fail("whole", instead(fake.held[0].content))
    fake.fail("one", lambda _: Answer(200, "application/dicom", fake.held[1].content))
    assert pulled(fake, tmp_path)[0].state == "fetched"


def test_a_count_that_differs_from_the_list_is_refused(fake: FakeArchive, tmp_path: Path) -> None:
    fake.held = held_series()
    fake.page = 2
    fake.knows_offset = False
    assert "still be receiving" in str(failure(fake, tmp_path))


@pytest.mark.parametrize(
    ("limits", "setting"),
    [
        (PullLimits(object_mb=1), "pull.object_mb"),
        (PullLimits(series_mb=1), "pull.series_mb"),
        (PullLimits(instances=2), "pull.instances"),
    ],
)
def test_what_is_too_large_is_refused_and_the_setting_named(
    fake: FakeArchive, tmp_path: Path, limits: PullLimits, setting: str
) -> None:
    fake.held = held_series()
    first = fake.held[0]
    large = dicom_bytes(first.study_uid, first.series_uid, first.sop_uid, pixels=1_200_000)
    fake.fail("whole", instead(large))
    error = failure(fake, tmp_path, limits)
    assert isinstance(error, PacsLimitError)
    assert setting in error.remedy


def test_more_series_than_allowed_are_refused_before_anything_is_fetched(
    fake: FakeArchive, tmp_path: Path
) -> None:
    fake.held = held_series("a") + held_series("b")
    with pytest.raises(PacsLimitError, match="found 2"):
        pulled(fake, tmp_path, PullLimits(series=1))
    assert fake.asked("whole") == []


def test_a_query_that_fits_nothing_is_told(fake: FakeArchive, tmp_path: Path) -> None:
    with pytest.raises(PacsContentError, match="no series that fits"):
        pulled(fake, tmp_path)


def test_one_bad_series_does_not_stop_the_others(fake: FakeArchive, tmp_path: Path) -> None:
    fake.held = held_series("a") + held_series("b") + held_series("c")
    fake.fail("whole", as_usual, status(404))
    assert sorted(one.state for one in pulled(fake, tmp_path)) == ["failed", "fetched", "fetched"]
    assert [one.state for one in pulled(fake, tmp_path)].count("already here") == 2


def test_a_redirection_to_another_host_is_refused_and_not_followed(fake: FakeArchive, tmp_path: Path) -> None:
    fake.held = held_series()
    with running_archive() as elsewhere:
        fake.fail("whole", redirected(f"{elsewhere.url}/studies/1/series/2"))
        error = failure(fake, tmp_path)
        assert isinstance(error, PacsTrustError)
        assert str(elsewhere.port) in error.found
        assert elsewhere.requests == []


def test_a_redirection_within_the_host_is_followed(fake: FakeArchive, tmp_path: Path) -> None:
    fake.held = held_series()
    fake.fail("studies", redirected("/dicom-web/studies"))
    assert pulled(fake, tmp_path)[0].state == "fetched"


def test_credentials_reach_the_archive_and_nothing_else(fake: FakeArchive, tmp_path: Path) -> None:
    secret = "s3cret-token"
    fake.held = held_series()
    fake.fail("one", status(403))
    fake.fail("whole", as_usual, instead(fake.held[0].content), status(401))
    web = Web.model_validate({"url": fake.url, "credentials": {"token_variable": "T"}, "attempts": 1})
    with Archive(web, environment={"T": secret}) as archive:
        pull(archive, QUERY, tmp_path)
        fake.held += held_series("b") + held_series("c")
        errors = [one.error for one in pull(archive, QUERY, tmp_path) if one.error]
    assert {headers["Authorization"] for _, _, headers in fake.requests} == {f"Bearer {secret}"}
    assert len(errors) == 2
    assert all(secret not in str(error) for error in errors)
    assert all(secret.encode() not in path.read_bytes() for path in tmp_path.rglob("*.json"))


def test_a_server_that_says_nothing_is_left_after_the_timeout(fake: FakeArchive, tmp_path: Path) -> None:
    fake.held = held_series()

    def silence(answer: Answer) -> Answer:
        time.sleep(0.4)
        return answer

    fake.fail("whole", silence)
    with connect(fake, read_seconds=0.1, attempts=2) as archive:
        assert pull(archive, QUERY, tmp_path)[0].state == "fetched"
    assert len(fake.asked("whole")) == 2


def test_a_host_that_is_not_there_is_named_without_the_question() -> None:
    web = Web(url="http://127.0.0.1:9/dicom-web", attempts=1)
    with Archive(web) as archive, pytest.raises(PacsConnectionError) as caught:
        pull(archive, Query(patient_id="P1", study_description="secret plan"), Path("never"))
    assert "127.0.0.1:9" in str(caught.value)
    assert "StudyInstanceUID" not in str(caught.value)
    assert "url" not in caught.value.found


def test_the_host_is_asked_by_name_and_port(fake: FakeArchive, tmp_path: Path) -> None:
    fake.held = held_series()
    pulled(fake, tmp_path)
    assert {headers["Host"] for _, _, headers in fake.requests} == {f"127.0.0.1:{fake.port}"}
