from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.batch.builders import damage, name, write_scan, write_scans
from tests.cli.conftest import Cli
from tests.workflow.builders import RuleSegmenter

pytestmark = pytest.mark.usefixtures("rule", "quick_picture")


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    write_scans(tmp_path / "scans", 2)
    return tmp_path / "scans"


def test_batch_says_each_scan_on_stderr_and_where_to_look(cli: Cli, scans: Path, output: Path) -> None:
    done = cli("batch", scans, "-o", output)
    assert done.code == 0
    assert f"[2/2] {name('P002')}: done in" in done.err
    assert "2 scans done" in done.out
    assert str(output / "index.html") in done.out
    again = cli("batch", scans, "-o", output)
    assert "2 scans done, 2 of them before" in again.out
    assert "done before" in again.err


def test_json_is_one_object_and_log_json_one_a_line(cli: Cli, scans: Path, output: Path) -> None:
    done = cli("batch", scans, "-o", output, "--json", "--log-json")
    assert done.json["ok"] is True
    assert done.json["counts"] == {"pending": 0, "running": 0, "done": 2, "failed": 0}
    events = [json.loads(line) for line in done.err.splitlines()]
    assert [said["event"] for said in events if said["event"] != "stage"] == [
        "listed",
        "done",
        "done",
        "finished",
    ]
    stages = [said["stage"] for said in events if said["event"] == "stage" and "seconds" in said]
    assert sorted(stages) == sorted(["read", "segment", "measure", "write"] * 2)


def test_a_failed_scan_is_told_with_exit_code_three(cli: Cli, scans: Path, output: Path) -> None:
    damage(write_scan(scans, "P003"))
    done = cli("batch", scans, "-o", output, "--json")
    assert done.code == 3
    assert done.json["ok"] is False
    (failed,) = [case for case in done.json["cases"] if case["state"] == "failed"]
    assert failed["case"] == name("P003")
    assert failed["reason"]
    assert cli("batch", scans, "-o", output, "--quiet").err == ""


def test_a_table_and_formats_are_taken(cli: Cli, scans: Path, output: Path) -> None:
    (scans / "scans.csv").write_text("path,id\nP002,mine\n")
    done = cli("batch", scans / "scans.csv", "-o", output, "--export", "slicer")
    assert done.code == 0
    assert (output / "cases" / "mine" / "export" / "labels.seg.nrrd").is_file()


def test_absent_input_is_refused_and_nothing_made(cli: Cli, scans: Path, output: Path) -> None:
    done = cli("batch", scans / "nowhere", "-o", output, "--json")
    assert done.code == 1
    assert done.json["error"]["code"] == "input-not-found"
    assert not output.exists()


def test_a_stop_ends_with_130_and_says_how_to_go_on(
    cli: Cli, scans: Path, output: Path, rule: RuleSegmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os
    import signal

    segment = rule.segment

    def stopped(*arguments: object, **options: object) -> object:
        os.kill(os.getpid(), signal.SIGINT)
        return segment(*arguments, **options)

    monkeypatch.setattr(rule, "segment", stopped)
    done = cli("batch", scans, "-o", output, "--json")
    assert done.code == 130
    assert done.json["error"]["code"] == "interrupted"
    assert "stopping" in done.err
    assert (output / "summary.csv").is_file()
