"""``lesionseg pacs``: words on the screen, one JSON object, exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.test_startup import HEAVY, loaded_after
from tests.pacs.builders import held_series
from tests.pacs.fake_archive import Answer, FakeArchive, as_usual, running_archive, status


@pytest.fixture
def fake() -> Iterator[FakeArchive]:
    with running_archive() as archive:
        archive.held = held_series("a") + held_series("b")
        yield archive


def test_help_loads_nothing_heavy() -> None:
    code = "from lesionseg.cli.run import run; assert run(['pacs', 'pull', '--help']) == 0"
    assert loaded_after(code).isdisjoint((*HEAVY, "requests", "dicomweb_client", "pynetdicom"))


def test_find_lists_what_fits_and_fetches_nothing(cli: Cli, fake: FakeArchive) -> None:
    shown = cli("pacs", "find", "--url", fake.url, "--patient", "P1")
    assert shown.code == 0
    assert fake.held[0].series_uid in shown.out
    listed = cli(
        "pacs", "find", "--url", fake.url, "--from", "2020-01-01", "--to", "2020-01-01", "--json"
    ).json
    assert [series["instances"] for series in listed["series"]] == [3, 3]
    none = cli("pacs", "find", "--url", fake.url, "--patient", "P2")
    assert none.code == 0
    assert "no series" in none.out
    assert fake.asked("whole") == []


def test_pull_says_where_each_series_lies(cli: Cli, fake: FakeArchive, output: Path) -> None:
    done = cli("pacs", "pull", "--url", fake.url, "--patient", "P1", "-o", output, "--json")
    assert done.code == 0
    assert done.json["ok"] is True
    for series in done.json["series"]:
        record = json.loads((Path(series["folder"]) / "pull.json").read_text())
        assert record["series_uid"] == series["series_uid"]
    again = cli("pacs", "pull", "--url", fake.url, "--patient", "P1", "-o", output)
    assert again.out.count("already here") == 2


@pytest.mark.parametrize(("faults", "code"), [((as_usual, status(404)), 3), ((status(404), status(404)), 1)])
def test_a_failed_series_shows_in_words_and_exit_code(
    cli: Cli, fake: FakeArchive, output: Path, faults: tuple[object, ...], code: int
) -> None:
    fake.fail("whole", *faults)
    done = cli("pacs", "pull", "--url", fake.url, "--patient", "P1", "-o", output, "--json")
    assert done.code == code
    assert done.json["ok"] is False
    errors = [series["error"] for series in done.json["series"] if series["error"]]
    assert errors[0]["code"] == "pacs-answer"
    assert errors[0]["remedy"]


def test_push_names_the_objects_that_failed(cli: Cli, fake: FakeArchive, tmp_path: Path) -> None:
    objects = held_series("new", count=2)
    for number, one in enumerate(objects):
        (tmp_path / f"{number}.dcm").write_bytes(one.content)

    def keeps_one(_: Answer) -> Answer:
        fake.held = objects[:1]
        return Answer()

    fake.fail("stow", keeps_one)
    done = cli("pacs", "push", tmp_path, "--url", fake.url)
    assert done.code == 3
    assert "0.dcm stored" in done.out
    assert "1.dcm failed" in done.out


def test_settings_and_limits_come_from_the_file(
    cli: Cli, fake: FakeArchive, tmp_path: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_PACS_TOKEN", "s3cret")
    settings = tmp_path / "pacs.yaml"
    settings.write_text(
        f"web: {{url: '{fake.url}', credentials: {{token_variable: TEST_PACS_TOKEN}}}}\npull: {{series: 1}}\n"
    )
    done = cli("pacs", "pull", "--settings", settings, "--patient", "P1", "-o", output, "--json")
    assert done.code == 1
    assert done.json["error"]["code"] == "pacs-limit"
    assert "s3cret" not in done.out + done.err
    assert fake.requests[0][2]["Authorization"] == "Bearer s3cret"


@pytest.mark.parametrize("words", [(), ("--url", "http://127.0.0.1/x", "--settings", "x.yaml")])
def test_either_settings_or_an_address_is_needed(cli: Cli, words: tuple[str, ...]) -> None:
    assert cli("pacs", "find", "--patient", "P1", *words).code == 2


def test_an_address_elsewhere_needs_settings(cli: Cli) -> None:
    done = cli("pacs", "find", "--patient", "P1", "--url", "https://pacs.example.org/dicom-web")
    assert done.code == 1
    assert "this machine" in done.err


def test_an_archive_that_is_not_there_is_told(cli: Cli, tmp_path: Path) -> None:
    settings = tmp_path / "pacs.yaml"
    settings.write_text("web: {url: 'http://127.0.0.1:9/dicom-web', attempts: 1}\n")
    done = cli("pacs", "find", "--settings", settings, "--patient", "P1", "--json")
    assert done.code == 1
    assert done.json["error"]["code"] == "pacs-unreachable"
    assert "127.0.0.1:9" in done.json["error"]["case"]
