"""Pushing: each object has a verdict in the archive's words, and what is there already is not sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lesionseg.core.errors import (
    EmptyInputError,
    InputError,
    InputNotFoundError,
    PacsConnectionError,
    UnreadableFileError,
)
from lesionseg.pacs.web import PushedObject, push
from lesionseg.pacs.web.multipart import MultipartReader
from tests.pacs.builders import connect, dicom_bytes, held_series
from tests.pacs.fake_archive import Answer, FakeArchive, Fault, Held, redirected, status


def written(folder: Path, held: list[Held]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(held):
        (folder / f"{number}.dcm").write_bytes(one.content)
    return folder


def told(
    stored: list[Held], failed: dict[str, int], code: int = 200, warnings: dict[str, int] | None = None
) -> Fault:
    """The store response of PS3.18 annex I."""

    def item(uid: str, tag: str, codes: dict[str, int]) -> dict[str, object]:
        reason = {tag: {"vr": "US", "Value": [codes[uid]]}} if uid in codes else {}
        return {"00081155": {"vr": "UI", "Value": [uid]}, **reason}

    content = {
        "00081199": {"vr": "SQ", "Value": [item(one.sop_uid, "00081196", warnings or {}) for one in stored]},
        "00081198": {"vr": "SQ", "Value": [item(uid, "00081197", failed) for uid in failed]},
    }
    return lambda _: Answer(code, "application/dicom+json", json.dumps(content).encode())


def pushed(fake: FakeArchive, path: Path) -> tuple[PushedObject, ...]:
    with connect(fake) as archive:
        return push(archive, path)


def states(objects: tuple[PushedObject, ...]) -> list[str]:
    return [one.state for one in objects]


def sent_contents(body: bytes) -> list[bytes]:
    boundary = body[2 : body.index(b"\r\n")].decode()
    return [b"".join(part.content) for part in MultipartReader(iter([body]), boundary).parts()]


def test_every_object_goes_byte_for_byte_and_other_files_stay(fake: FakeArchive, tmp_path: Path) -> None:
    objects = held_series()
    folder = written(tmp_path / "deep" / "er", objects)
    (folder / "export.json").write_text("{}")
    fake.fail("stow", told(objects, {}))
    assert states(pushed(fake, tmp_path)) == ["stored"] * 3
    (body,) = fake.stored
    assert sent_contents(body) == [one.content for one in objects]


def test_each_failure_is_named_with_the_reason_of_the_archive(fake: FakeArchive, tmp_path: Path) -> None:
    first, second, third = objects = held_series()
    fake.fail("stow", told([first], {second.sop_uid: 0x0122, third.sop_uid: 0xA702}, 202))
    results = pushed(fake, written(tmp_path, objects))
    assert states(results) == ["stored", "failed", "failed"]
    assert results[1].reason == "it takes no objects of this SOP class (code 0122)"
    assert results[2].reason == "out of resources (code A702)"
    assert results[1].sent.file.name == "1.dcm"


def test_an_answer_that_refuses_all_still_gives_every_reason(fake: FakeArchive, tmp_path: Path) -> None:
    objects = held_series(count=2)
    fake.fail("stow", told([], {one.sop_uid: 0xC123 for one in objects}, 409))
    results = pushed(fake, written(tmp_path, objects))
    assert states(results) == ["failed", "failed"]
    assert "cannot understand" in results[0].reason


def test_a_duplicate_that_the_archive_refuses_is_already_there(fake: FakeArchive, tmp_path: Path) -> None:
    objects = held_series(count=1)
    fake.fail("stow", told([], {objects[0].sop_uid: 0x0111}, 409))
    assert states(pushed(fake, written(tmp_path, objects))) == ["already there"]


def test_what_the_archive_changed_in_storing_is_said(fake: FakeArchive, tmp_path: Path) -> None:
    objects = held_series(count=1)
    fake.fail("stow", told(objects, {}, warnings={objects[0].sop_uid: 0xB000}))
    (one,) = pushed(fake, written(tmp_path, objects))
    assert (one.state, one.reason) == ("stored", "it changed attributes of the object (code B000)")


def test_what_is_there_already_is_not_sent(fake: FakeArchive, tmp_path: Path) -> None:
    objects = held_series()
    fake.held = objects[:2]
    fake.fail("stow", told(objects[2:], {}))
    assert states(pushed(fake, written(tmp_path, objects))) == ["already there", "already there", "stored"]
    assert sent_contents(fake.stored[0]) == [objects[2].content]


def test_an_archive_that_does_not_know_the_study_yet_may_say_not_found(
    fake: FakeArchive, tmp_path: Path
) -> None:
    objects = held_series(count=1)
    fake.fail("instances", status(404))
    fake.fail("stow", told(objects, {}))
    assert states(pushed(fake, written(tmp_path, objects))) == ["stored"]


@pytest.mark.parametrize("body", [b"", b"<NativeDicomModel/>", b"[]", b"3"])
def test_an_answer_without_words_is_checked_by_a_query(
    fake: FakeArchive, tmp_path: Path, body: bytes
) -> None:
    objects = held_series(count=2)

    def keeps_one(_: Answer) -> Answer:
        fake.held = objects[:1]
        return Answer(200, "text/plain", body)

    fake.fail("stow", keeps_one)
    results = pushed(fake, written(tmp_path, objects))
    assert states(results) == ["stored", "failed"]
    assert "lacks it" in results[1].reason


def test_a_passing_failure_sends_the_same_message_again(fake: FakeArchive, tmp_path: Path) -> None:
    objects = held_series()
    fake.fail("stow", status(503), told(objects, {}))
    assert states(pushed(fake, written(tmp_path, objects))) == ["stored"] * 3
    assert fake.stored[0] == fake.stored[1]


@pytest.mark.parametrize("fault", [status(400), status(413), redirected("/elsewhere")])
def test_a_refused_message_fails_its_objects_and_no_others(
    fake: FakeArchive, tmp_path: Path, fault: Fault
) -> None:
    objects = sorted(held_series(count=1) + held_series(study="2", count=1), key=lambda one: one.study_uid)
    fake.fail("stow", fault, told(objects[1:], {}))
    results = pushed(fake, written(tmp_path, objects))
    assert states(results) == ["failed", "stored"]
    assert "HTTP" in results[0].reason


def test_once_the_archive_is_gone_the_rest_is_not_tried(fake: FakeArchive, tmp_path: Path) -> None:
    objects = held_series(count=1) + held_series(study="2", count=1) + held_series(study="3", count=1)
    fake.fail("stow", *[status(503)] * 3)
    results = pushed(fake, written(tmp_path, objects))
    assert states(results) == ["failed"] * 3
    assert [one.reason for one in results].count("not sent") == 2
    assert len(fake.stored) == 3


def test_an_archive_that_cannot_be_asked_is_an_error(fake: FakeArchive, tmp_path: Path) -> None:
    fake.fail("instances", *[status(500)] * 3)
    with pytest.raises(PacsConnectionError):
        pushed(fake, written(tmp_path, held_series()))
    assert fake.stored == []


def test_many_objects_go_in_several_messages(fake: FakeArchive, tmp_path: Path) -> None:
    objects = held_series(count=120)

    def keeps_all(_: Answer) -> Answer:
        fake.held = objects
        return Answer()

    fake.fail("stow", *[keeps_all] * 3)
    assert states(pushed(fake, written(tmp_path, objects))) == ["stored"] * 120
    assert [len(sent_contents(body)) for body in fake.stored] == [50, 50, 20]


def test_nothing_to_push_is_an_error(fake: FakeArchive, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no DICOM")
    with pytest.raises(EmptyInputError):
        pushed(fake, tmp_path)
    with pytest.raises(InputNotFoundError):
        pushed(fake, tmp_path / "absent")
    assert fake.requests == []


def test_one_uid_for_two_different_objects_is_refused_before_anything_is_sent(
    fake: FakeArchive, tmp_path: Path
) -> None:
    first = held_series()[0]
    written(tmp_path, [first, first])
    fake.held = [first]
    assert states(pushed(fake, tmp_path)) == ["already there"]
    other = dicom_bytes(first.study_uid, first.series_uid, first.sop_uid, pixels=400)
    (tmp_path / "other.dcm").write_bytes(other)
    with pytest.raises(InputError, match="two different objects"):
        pushed(fake, tmp_path)
    assert fake.stored == []


def test_a_damaged_object_is_named(fake: FakeArchive, tmp_path: Path) -> None:
    (tmp_path / "x.dcm").write_bytes(held_series()[0].content[:180])
    with pytest.raises(UnreadableFileError, match=r"x\.dcm"):
        pushed(fake, tmp_path)
