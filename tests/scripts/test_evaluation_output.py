"""Results of an evaluation on disk: they grow row by row, and never mix two bundles."""

import csv
import json

import pytest

from lesionseg.core.errors import ConfigurationError
from scripts.evaluation.__main__ import parse_arguments, parse_rows
from scripts.evaluation.figures import REAL, Figure
from scripts.evaluation.output import as_csv, as_table, merged, read_earlier, without_stale, write
from scripts.evaluation.overlays import private_folder


def figure(row=1, method="default", value=0.5, **changes):
    return Figure(row, REAL, method, "scans", "Dice lung", value, **changes)


def test_what_was_written_is_read_again(tmp_path):
    figures = [
        figure(value=1 / 3, low=0.1, high=0.5, count=12),
        figure(case="one", note="why", source="tiny 1"),
    ]
    write(tmp_path / "out", figures, {"1": {"cases": 4}})
    assert read_earlier(tmp_path / "out") == (figures, {"1": {"cases": 4}})
    assert read_earlier(tmp_path / "elsewhere") == ([], {})


def test_a_row_measured_again_replaces_the_figures_of_that_method_alone():
    earlier = [figure(5), figure(1, value=0.1), figure(1, "threshold")]
    assert merged(earlier, [figure(1, value=0.2)]) == [
        figure(1, "threshold"), figure(1, value=0.2), figure(5),
    ]  # fmt: skip


def test_figures_of_a_bundle_that_changed_are_dropped():
    old, new, research = figure(source="a"), figure(3, source="b"), figure(method="research", source="r")
    assert without_stale([old, new, research], {"default": "b"}) == [new, research]


def test_the_csv_holds_every_figure():
    rows = list(
        csv.DictReader(as_csv([figure(), figure(case="one", note='with "quotes", commas')]).splitlines())
    )
    assert [row["case"] for row in rows] == ["", "one"]
    assert rows[0]["low"] == ""
    assert rows[1]["note"] == 'with "quotes", commas'


def test_the_table_lists_single_cases_of_small_groups_only():
    small = [figure(case=str(number)) for number in range(3)]
    large = [figure(2, case=str(number)) for number in range(30)]
    table = as_table([*small, figure(low=0.4, high=0.6), *large, figure(2)])
    assert len(table.splitlines()) == 2 + 3 + 1 + 1
    assert "| 0.500 (0.400 to 0.600) |" in table


def test_values_that_are_no_numbers_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write(tmp_path, [figure(value=float("nan"))], {})
    assert not (tmp_path / "figures.json").exists()


def test_rows_are_parsed_and_unknown_ones_refused(capsys):
    assert parse_rows("1,3-5") == [1, 3, 4, 5]
    with pytest.raises(SystemExit):
        parse_arguments(["--data", "d", "--out", "o", "--rows", "1,12"])
    assert "rows are 1, 2" in capsys.readouterr().err


def test_pictures_of_patients_stay_out_of_repositories(tmp_path, repository):
    assert private_folder(tmp_path / "pictures") == (tmp_path / "pictures").resolve()
    (tmp_path / "checkout" / ".git").mkdir(parents=True)
    for folder in (tmp_path / "checkout" / "pictures", repository / "docs", None):
        with pytest.raises(ConfigurationError):
            private_folder(folder)


def test_the_json_says_how_each_row_was_run(tmp_path):
    write(tmp_path, [figure()], {"1": {"cases": 4}})
    assert json.loads((tmp_path / "figures.json").read_text())["rows"] == {"1": {"cases": 4}}
