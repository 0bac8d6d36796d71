from __future__ import annotations

from pathlib import Path

import pytest

from lesionseg.workflow.selftest import SelfTest, SelfTestLine
from tests.cli.conftest import Cli
from tests.cli.test_startup import HEAVY, loaded_after
from tests.training.tiny_run import tiny_content, write_config


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    lines = (SelfTestLine("lung", 100.0, 99.0, 10.0), SelfTestLine("lesion", 10.0, 2.0, None))
    monkeypatch.setattr("lesionseg.training.finish.network_self_test", lambda _: SelfTest(lines, 0.0))
    path = write_config(tmp_path, tiny_content(tmp_path))
    return ["train", path, "--data-root", tmp_path / "data", "--device", "cpu"]


def test_help_loads_nothing_heavy() -> None:
    loaded = loaded_after("from lesionseg.cli.run import run; assert run(['train', '--help']) == 0")
    assert loaded.isdisjoint({*HEAVY, "yaml"})


def test_training_says_where_the_bundle_lies(cli: Cli, words, tmp_path: Path) -> None:
    outcome = cli(*words)
    assert outcome.code == 0
    assert f"--model {tmp_path / 'tiny'}" in outcome.out
    assert "step 6: loss" in outcome.out
    assert "lung 99 ml, true 100 ml" in outcome.out
    assert (tmp_path / "tiny" / "SHA256SUMS").is_file()


def test_training_as_json_is_one_object(cli: Cli, words, tmp_path: Path) -> None:
    told = cli(*words, "--json").json
    assert told["ok"]
    assert told["bundle"] == str(tmp_path / "tiny")
    assert told["steps"] == 6
    assert told["self_test"][0]["name"] == "lung"


def test_dry_run_writes_nothing_and_says_so(cli: Cli, words, tmp_path: Path) -> None:
    outcome = cli(*words, "--dry-run")
    assert outcome.code == 0
    assert "Nothing was written" in outcome.out
    assert not (tmp_path / "run").exists()
    assert not (tmp_path / "tiny").exists()


def test_dry_run_as_json_counts_chests_and_steps(cli: Cli, words) -> None:
    told = cli(*words, "--dry-run", "--json").json
    assert told["dry_run"]
    assert told["chests"] == {"annotated": 2, "scan": 1}
    assert told["steps"] == 6


def test_second_run_is_refused_until_it_may_overwrite(cli: Cli, words) -> None:
    assert cli(*words).code == 0
    assert cli(*words, "--json").json["error"]["code"] == "output-exists"
    assert cli(*words, "--restart", "--overwrite").code == 0


def test_fault_in_the_configuration_names_the_key(cli: Cli, tmp_path: Path) -> None:
    content = tiny_content(tmp_path)
    content["stages"][0]["steps"] = "many"
    outcome = cli("train", write_config(tmp_path, content), "--data-root", tmp_path / "data", "--json")
    assert outcome.code == 1
    error = outcome.json["error"]
    assert error["code"] == "configuration"
    assert "stages[0].steps" in error["problem"]


def test_device_that_is_not_there_is_refused(cli: Cli, words) -> None:
    outcome = cli(*words[:-1], "cuda:99", "--json")
    assert outcome.code == 1
    assert outcome.json["error"]["code"] == "device"
