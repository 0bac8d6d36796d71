from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.test_startup import HEAVY, loaded_after
from tests.longitudinal.builders import read_rows, scan_row, write_plan, write_subjects, write_table


@pytest.fixture
def tables(tmp_path: Path) -> tuple[Path, Path, Path]:
    rows = [
        scan_row("A", "A1", 0),
        scan_row("A", "A2", 28, lung_ml=3000.0, lesion_ml=300.0),
        scan_row("A", "A3", 50),
        scan_row("B", "B1", 0, status="failed", reason="slices-missing"),
    ]
    return (
        write_table(tmp_path / "scans.csv", rows),
        write_plan(tmp_path / "plan.yaml"),
        write_subjects(tmp_path / "subjects.csv", "A", "B"),
    )


def test_visits_are_counted_and_what_is_odd_is_said(cli: Cli, tables, output: Path) -> None:
    scans, plan, subjects = tables
    done = cli("change", scans, "--plan", plan, "--subjects", subjects, "-o", output)
    assert done.code == 0, done.err
    for words in (
        "2 subjects, 4 scans",
        "1 scan: unscheduled: its day lies in no visit's window.",
        "1 pair flagged lung-volume-differs.",
        str(output / "pairing.csv"),
    ):
        assert words in done.out
    assert len(read_rows(output / "pairing.csv")) == 4


def test_json_holds_the_manifest(cli: Cli, tables, output: Path) -> None:
    scans, plan, subjects = tables
    done = cli("change", scans, "--plan", plan, "--subjects", subjects, "-o", output, "--json")
    assert (done.code, done.json["ok"], done.json["command"]) == (0, True, "change")
    assert done.json["folder"] == str(output)
    assert done.json["visits"]["day 28"] == {"measured": 1, "without_figures": 0, "no_scan": 1}
    assert done.json["outputs"].keys() >= {"adlesion.csv", "adlesion.parquet", "tr.csv"}


def test_faulty_tables_and_plans_are_refused_and_nothing_is_written(cli: Cli, tables, output: Path) -> None:
    scans, plan, subjects = tables
    scans.write_text("subject,scan_id,status,study_date\nA,A1,measured,01/04/2020\n")
    done = cli("change", scans, "--plan", plan, "--subjects", subjects, "-o", output, "--json")
    assert (done.code, done.json["error"]["code"]) == (1, "table")
    assert "row 2, column study_date" in done.json["error"]["problem"]
    subjects.write_text("subject,day_zero,arm\nA,2020-04-01,cells\n")
    done = cli("change", scans, "--plan", plan, "--subjects", subjects, "-o", output, "--json")
    assert "column arm" in done.json["error"]["problem"]
    plan.write_text(plan.read_text() + "colour: red\n")
    done = cli("change", scans, "--plan", plan, "-o", output, "--json")
    assert (done.code, done.json["error"]["code"]) == (1, "plan")
    assert not output.exists()


def test_only_an_earlier_result_is_overwritten(cli: Cli, tables, output: Path) -> None:
    scans, plan, subjects = tables
    words = ("change", scans, "--plan", plan, "--subjects", subjects, "-o", output, "--json")
    assert cli(*words).code == 0
    assert cli(*words).json["error"]["code"] == "output-exists"
    assert cli(*words, "--overwrite").code == 0
    (output / "mine.txt").write_text("keep")
    assert cli(*words, "--overwrite").json["error"]["code"] == "output-exists"
    assert (output / "mine.txt").read_text() == "keep"


def test_the_plan_must_be_named(cli: Cli, tables, output: Path) -> None:
    assert cli("change", tables[0], "-o", output).code == 2


def test_help_loads_nothing_heavy() -> None:
    loaded = loaded_after("from lesionseg.cli.run import run; assert run(['change', '--help']) == 0")
    assert loaded.isdisjoint({*HEAVY, "pyarrow", "pandas"})
