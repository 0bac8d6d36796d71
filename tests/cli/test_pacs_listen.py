"""``lesionseg pacs listen`` and ``pacs studies``: settings, words, exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lesionseg.pacs.listener.journal import Journal, ReceivedObject, State
from lesionseg.pacs.listener.settings import read_listener_settings
from tests.cli.conftest import Cli
from tests.cli.test_startup import HEAVY, loaded_after
from tests.pacs.listener.builders import association, wait_until
from tests.pacs.orthanc import free_port
from tests.workflow.builders import threshold_bundle


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "pacs.yaml"
    listen = {"folder": "node", "calling": ["SCANNER"], "port": free_port()}
    path.write_text(yaml.safe_dump({"listen": listen}))
    return path


def changed(settings: Path, **keys: object) -> Path:
    content = yaml.safe_load(settings.read_text())
    content["listen"] |= keys
    settings.write_text(yaml.safe_dump(content))
    return settings


@pytest.mark.parametrize("verb", ["listen", "studies"])
def test_help_loads_nothing_heavy(verb: str) -> None:
    code = f"from lesionseg.cli.run import run; assert run(['pacs', '{verb}', '--help']) == 0"
    assert loaded_after(code).isdisjoint((*HEAVY, "pynetdicom", "requests"))


def test_by_default_only_this_machine_can_connect(settings: Path) -> None:
    listen = read_listener_settings(settings).listen
    assert listen.host == "127.0.0.1"
    assert listen.is_loopback
    assert listen.folder == settings.parent / "node"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"calling": []}, "listen.calling"),
        ({"calling": ["A\\B"]}, "listen.calling[0]"),
        ({"ae_title": "SEVENTEEN LETTERS"}, "listen.ae_title"),
        ({"port": 0}, "listen.port"),
        ({"quiet": 5}, "there is no such key"),
        ({"tls": {}}, "certificate"),
        ({"send_by_web": True}, "web section"),
        (
            {"send_by_web": True, "send_to": {"ae_title": "A", "host": "localhost", "port": 104}},
            "not both",
        ),
    ],
)
def test_faulty_settings_are_refused_with_their_key(
    cli: Cli, settings: Path, keys: dict[str, object], said: str
) -> None:
    refused = cli("pacs", "listen", "--settings", changed(settings, **keys))
    assert refused.code == 1
    assert said in refused.err


def test_settings_without_the_section_are_refused(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "pacs.yaml"
    path.write_text("pull: {series: 5}\n")
    assert "listen: this key is missing" in cli("pacs", "listen", "--settings", path).err


@pytest.mark.slow
def test_listens_until_it_is_told_to_stop(settings: Path, tmp_path: Path) -> None:
    bundle = threshold_bundle(tmp_path / "bundle")
    words = ["pacs", "listen", "--settings", settings, "--model", bundle.folder, "--json"]
    command = [sys.executable, "-m", "lesionseg", *map(str, words)]
    log = tmp_path / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stderr=stream, stdout=subprocess.PIPE, env=os.environ)
    try:
        wait_until(lambda: "listens on" in log.read_text() or process.poll() is not None)
        with association(read_listener_settings(settings).listen) as assoc:
            assert assoc.send_c_echo().Status == 0
        process.send_signal(signal.SIGTERM)
        told, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, log.read_text()
    assert json.loads(told)["studies"] == {}


def test_studies_are_listed_and_started_again(cli: Cli, settings: Path) -> None:
    folder = read_listener_settings(settings).listen.folder
    assert "no listener has run" in cli("pacs", "studies", "--settings", settings).err
    with Journal(folder) as journal:
        journal.objects.add(ReceivedObject("1.2.3", "1.2", "1.2.1", "a.dcm", "0" * 64, 10, "SCANNER"))
        journal.jobs.queue_quiet(0.0)
        job = journal.jobs.claim(0.0)
        assert job is not None
        journal.jobs.fail(job, "scan: no lungs were found.")
    shown = cli("pacs", "studies", "--settings", settings)
    assert "study 1.2, revision 1: failed: scan: no lungs were found." in shown.out
    again = cli("pacs", "studies", "--settings", settings, "--again", "1.2", "--json").json
    assert [(study["revision"], study["state"]) for study in again["studies"]] == [
        (1, State.FAILED), (2, State.RECEIVED),
    ]  # fmt: skip
    assert cli("pacs", "studies", "--settings", settings, "--again", "1.2").code == 2
    assert cli("pacs", "studies", "--settings", settings, "--again", "9.9").code == 2
