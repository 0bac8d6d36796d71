from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.test_startup import HEAVY, loaded_after
from tests.statistics.trial_builder import TrialBuilder, small_trial


@pytest.fixture
def trial(tmp_path: Path) -> TrialBuilder:
    (tmp_path / "in").mkdir()
    return small_trial(tmp_path / "in", per_arm=4)


def words(paths: dict[str, Path], output: Path) -> list[object]:
    return ["analyze", paths["adlesion"], "--plan", paths["plan"], "--arms", paths["arms"], "-o", output]


def test_table_is_shown_and_files_are_named(cli: Cli, trial: TrialBuilder, output: Path) -> None:
    trial.arms.append({"subject": "X1", "arm": "cells", "mittfl": "Y", "age": 50, "severity": "severe"})
    done = cli(*words(trial.write(), output))
    assert done.code == 0, done.err
    for part in ("cells - placebo, 95 % intervals", "lesion (primary)", "stratified", "4 + 4",
                 "1 randomised without a scan at any visit: X1", str(output / "estimates.csv")):  # fmt: skip
        assert part in done.out
    assert (output / "analysis.json").is_file()


def test_json_holds_the_estimates(cli: Cli, trial: TrialBuilder, output: Path) -> None:
    done = cli(*words(trial.write(), output), "--json")
    assert (done.code, done.json["ok"], done.json["command"]) == (0, True, "analyze")
    assert done.json["estimates"] == json.loads((output / "analysis.json").read_text())["estimates"]
    assert done.json["flow"]["randomised"] == 8
    assert [file["role"] for file in done.json["inputs"]] == ["changes", "arms"]


def test_without_arms_it_refuses(cli: Cli, trial: TrialBuilder, output: Path) -> None:
    paths = trial.write()
    done = cli("analyze", paths["adlesion"], "--plan", paths["plan"], "-o", output)
    assert done.code == 2
    assert "Without the arms there is nothing to compare" in done.err
    assert not output.exists()


def test_fault_of_a_table_is_explained_and_nothing_is_written(
    cli: Cli, trial: TrialBuilder, output: Path
) -> None:
    trial.arms[1]["arm"] = "Placebo"
    done = cli(*words(trial.write(), output), "--json")
    assert (done.code, done.json["error"]["code"]) == (1, "table")
    assert "row 3, column arm: Placebo is not allowed here" in done.json["error"]["problem"]
    assert not list(output.parent.iterdir())


def test_earlier_analysis_is_replaced_only_on_request_and_other_files_never(
    cli: Cli, trial: TrialBuilder, output: Path
) -> None:
    paths = trial.write()
    assert cli(*words(paths, output)).code == 0
    done = cli(*words(paths, output), "--json")
    assert (done.code, done.json["error"]["code"]) == (1, "output-exists")
    assert cli(*words(paths, output), "--overwrite").code == 0
    (output / "mine.txt").write_text("keep")
    done = cli(*words(paths, output), "--overwrite", "--json")
    assert (done.code, done.json["error"]["code"]) == (1, "output-exists")
    assert (output / "mine.txt").read_text() == "keep"


def test_failure_leaves_the_earlier_analysis_alone(cli: Cli, trial: TrialBuilder, output: Path) -> None:
    assert cli(*words(trial.write(), output)).code == 0
    before = {path.name: path.read_bytes() for path in output.iterdir()}
    trial.arms.pop()
    assert cli(*words(trial.write(), output), "--overwrite").code == 1
    assert {path.name: path.read_bytes() for path in output.iterdir()} == before


def test_help_loads_nothing_heavy() -> None:
    loaded = loaded_after("from lesionseg.cli.run import run; assert run(['analyze', '--help']) == 0")
    assert loaded.isdisjoint({*HEAVY, "pandas", "pyarrow"})
