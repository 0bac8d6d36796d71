from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Cli
from tests.cli.test_startup import HEAVY, loaded_after


@pytest.fixture
def pilot(tmp_path: Path) -> Path:
    rng = np.random.default_rng(3)
    rows = [f"P{i},LESPCT,day 28,{rng.uniform(5, 40):.3f},{rng.uniform(1, 30):.3f}" for i in range(40)]
    path = tmp_path / "pilot.csv"
    path.write_text("subject,parameter,visit,baseline,value\n" + "\n".join([*rows, "P99,LESPCT,day 28,0,1"]))
    return path


def test_power_of_a_given_size(cli: Cli, pilot: Path) -> None:
    done = cli("power", pilot, "--shift", "-30", "--n", "100", "--allocation", "2:1", "--runs", "400")
    assert done.code == 0, done.err
    for words in ("LESPCT, relative change at day 28", "67", "33", "left out: 1", "400 simulated"):
        assert words in done.out


def test_json_holds_search_and_settings(cli: Cli, pilot: Path) -> None:
    words = ("--shrink", "40", "--power", "0.7", "--runs", "300", "--dropout", "0.1")
    done = cli("power", pilot, *words, "--json")
    assert done.code == 0, done.err
    assert done.json["found"]["power"] >= 0.7
    assert done.json["found"]["n"] in [size["n"] for size in done.json["tried"]]
    assert done.json["pilot"]["subjects"] == 40
    assert done.json["settings"]["dropout"] == 0.1
    assert done.json["effect"] == {"shift": 0.0, "shrink_pct": 40.0}


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--shift", "1", "--shrink", "1"),
        ("--shift", "1", "--n", "10", "--power", "0.8"),
        ("--shift", "1", "--allocation", "two"),
        ("--shift", "1", "--allocation", "0:1"),
        ("--shift", "1", "--dropout", "1.5"),
        ("--shift", "1", "--change", "both"),
    ],
)
def test_misuse_is_told(cli: Cli, pilot: Path, words: tuple[str, ...]) -> None:
    assert cli("power", pilot, *words).code == 2


def test_a_bad_pilot_is_an_error_with_its_place(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "pilot.csv"
    path.write_text("subject,visit\nP1,day 28\n")
    done = cli("power", path, "--shift", "1", "--json")
    assert (done.code, done.json["error"]["code"]) == (1, "table")


def test_help_loads_nothing_heavy() -> None:
    loaded = loaded_after("from lesionseg.cli.run import run; assert run(['power', '--help']) == 0")
    assert loaded.isdisjoint(HEAVY)
