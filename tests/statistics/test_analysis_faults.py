"""Bad plans and tables: each a clear message with row and column, and nothing written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lesionseg.core.errors import InputNotFoundError, LesionSegError, PlanError, TableError
from lesionseg.statistics import AnalysisRequest, run_analysis
from tests.statistics.trial_builder import TrialBuilder, small_trial, write_rows


@pytest.fixture
def trial(tmp_path: Path) -> TrialBuilder:
    return small_trial(tmp_path, per_arm=3)


def refused(
    trial: TrialBuilder, spoil: Callable[[dict[str, Path]], Any] | None = None, **further: Path
) -> Any:
    """Write the tables, spoil them, analyse; return the error once it is sure that nothing was written."""
    paths = trial.write()
    if spoil:
        spoil(paths)
    before = {path: path.read_bytes() for path in trial.folder.iterdir()}
    request = AnalysisRequest(
        paths["adlesion"], paths["plan"], paths["arms"], trial.folder / "out", **further
    )
    with pytest.raises(LesionSegError) as caught:
        run_analysis(request)
    assert {path: path.read_bytes() for path in trial.folder.iterdir()} == before
    return caught.value


def edit(name: str, old: str, new: str) -> Callable[[dict[str, Path]], None]:
    def spoil(paths: dict[str, Path]) -> None:
        text = paths[name].read_text()
        assert old in text
        paths[name].write_text(text.replace(old, new, 1))

    return spoil


def edit_cell(row: int, column: str, value: object) -> Callable[[dict[str, Path]], None]:
    """Change one cell of adlesion; rows as a spreadsheet counts."""

    def spoil(paths: dict[str, Path]) -> None:
        table = pd.read_csv(paths["adlesion"], dtype=str, keep_default_na=False)
        table.loc[row - 2, column] = value
        table.to_csv(paths["adlesion"], index=False)

    return spoil


# --- arms -----------------------------------------------------------------------------------------------


def test_scanned_but_not_in_the_arm_table_is_an_error_with_the_subject(trial: TrialBuilder) -> None:
    trial.arms = [row for row in trial.arms if row["subject"] not in ("P02", "P05")]
    error = refused(trial)
    assert isinstance(error, TableError)
    assert error.case.endswith("arms.csv")
    assert [fault.split(",")[0] for fault in error.faults] == [
        "column subject: subject P02 has scans",
        "column subject: subject P05 has scans",
    ]
    assert "Add it to the arm table, or leave its scans out of the visit table" in error.faults[0]


def test_subject_spelt_otherwise_is_pointed_out(trial: TrialBuilder) -> None:
    trial.arms[0]["subject"] = "p01"
    assert "(there is p01)" in refused(trial).faults[0]


def test_arm_that_the_plan_does_not_name_is_told_with_its_row(trial: TrialBuilder) -> None:
    trial.arms[2]["arm"] = "Placebo"
    (fault,) = refused(trial).faults
    assert fault == "row 4, column arm: Placebo is not allowed here. Allowed are cells, placebo"


def test_missing_arm_is_told_with_its_row(trial: TrialBuilder) -> None:
    trial.arms[1]["arm"] = ""
    assert refused(trial).faults == ("row 3, column arm: the cell is empty. Fill it in",)


def test_arm_without_subjects_is_refused(trial: TrialBuilder) -> None:
    for row in trial.arms:
        row["arm"] = "cells"
    assert "column arm: no subject has the arm placebo" in refused(trial).faults[0]


def test_subject_randomised_twice_is_told_with_both_rows(trial: TrialBuilder) -> None:
    trial.arms.append({**trial.arms[0], "arm": "placebo"})
    assert refused(trial).faults == ("row 8, column subject: P01 stands in row 2 already. Keep one",)


@pytest.mark.parametrize(
    ("column", "who"),
    [("mittfl", "the plan's population mITT"), ("age", "covariates in the plan"), ("severity", "strata in")],
)
def test_column_that_the_plan_names_is_missed_by_name(trial: TrialBuilder, column: str, who: str) -> None:
    for row in trial.arms:
        del row[column]
    (fault,) = refused(trial).faults
    assert fault.startswith(f"row 1, column {column}: this column is missing, and {who}")


def test_population_flag_is_y_or_n(trial: TrialBuilder) -> None:
    trial.arms[0]["mittfl"] = "yes"
    assert refused(trial).faults == ("row 2, column mittfl: yes is neither Y nor N. Write Y or N",)


def test_missing_stratum_is_refused(trial: TrialBuilder) -> None:
    trial.arms[3]["severity"] = ""
    assert refused(trial).faults[0].startswith("row 5, column severity: the cell is empty")


def test_decimal_comma_in_a_covariate_is_told(trial: TrialBuilder) -> None:
    trial.arms[0]["age"] = "61,5"
    assert refused(trial).faults == ("row 2, column age: 61,5 has a decimal comma. Write 61.5",)


def test_excel_date_of_birth_is_told(trial: TrialBuilder) -> None:
    for row in trial.arms:
        row["birth_date"] = 21916
    assert "row 2, column birth_date: 21916 is Excel's count of days (it would be 1960-01-01)" in str(
        refused(trial)
    )


def test_scan_before_birth_is_told_with_the_subject(trial: TrialBuilder) -> None:
    for row in trial.arms:
        row["birth_date"] = "1960-01-01"
    trial.arms[4]["birth_date"] = "2020-03-05"
    (fault,) = refused(trial).faults
    assert fault.startswith(
        "row 6, column birth_date: subject P05 was born on 2020-03-05, after the scan of 2020-03-01"
    )


def test_column_called_like_one_of_the_analysis_is_refused(trial: TrialBuilder) -> None:
    for row in trial.arms:
        row["treated"] = "Y"
    assert "column treated: this is a word of the analysis itself" in refused(trial).faults[0]


# --- changes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (edit_cell(4, "AVAL", "12,5"), "row 4, column AVAL: 12,5 has a decimal comma. Write 12.5"),
        (edit_cell(4, "PCHG", "none"), "row 4, column PCHG: none is not a number"),
        (edit_cell(2, "ADT", "43891"), "row 2, column ADT: 43891 is Excel's count of days"),
        (edit_cell(2, "ADT", "03/01/2020"), "row 2, column ADT: 03/01/2020 is a date whose day and month"),
        (edit_cell(3, "AVISIT", "day 11"), "row 3, column AVISIT: day 11 is not in the schedule of the plan"),
        (edit_cell(3, "STUDYID", "T-2"), "row 3, column STUDYID: T-2 is not in the plan's trial.identifier"),
        (edit_cell(3, "USUBJID", ""), "row 3, column USUBJID: the cell is empty"),
        (edit_cell(3, "AVISIT", "baseline"), "row 3, column USUBJID, PARAMCD, AVISIT: P01, LESPCT, baseline"),
        (edit("adlesion", "PCHG", "CHANGE"), "row 1, column PCHG: this column is missing; the header holds"),
        (edit("adlesion", "SCANID", "TRT01P"), "row 1, column TRT01P: the treatment arm may not stand"),
        (edit("adlesion", "STUDYID", "\x00\xff"), "STUDYID"),
    ],
)
def test_spoilt_table_of_changes_is_refused_with_its_place(
    trial: TrialBuilder, spoil: Any, words: str
) -> None:
    error = refused(trial, spoil)
    assert isinstance(error, TableError)
    assert error.case.endswith("adlesion.csv")
    assert words in str(error)


def test_byte_order_mark_is_accepted(trial: TrialBuilder) -> None:
    paths = trial.write()
    for name in ("adlesion", "arms"):
        paths[name].write_bytes(b"\xef\xbb\xbf" + paths[name].read_bytes())
    request = AnalysisRequest(paths["adlesion"], paths["plan"], paths["arms"], trial.folder / "out")
    assert run_analysis(request).flow["randomised"] == 6


def test_changes_are_found_in_their_folder_and_missed_by_name(trial: TrialBuilder) -> None:
    paths = trial.write()
    folder = trial.folder / "changes"
    folder.mkdir()
    request = AnalysisRequest(folder, paths["plan"], paths["arms"], trial.folder / "out")
    with pytest.raises(InputNotFoundError, match=r"adlesion\.parquet or adlesion\.csv"):
        run_analysis(request)
    paths["adlesion"].rename(folder / "adlesion.csv")
    assert run_analysis(request).inputs[-1].path.name != "adlesion.parquet"


def test_parquet_gives_what_csv_gives(trial: TrialBuilder) -> None:
    del trial.values["P01", "LESPCT", "day 28"]
    paths = trial.write()
    table = pd.read_csv(paths["adlesion"])
    table["ADT"] = pd.to_datetime(table["ADT"]).dt.date
    table.to_parquet(trial.folder / "adlesion.parquet", index=False)
    both = [
        run_analysis(
            AnalysisRequest(trial.folder / name, paths["plan"], paths["arms"], trial.folder / name[-7:])
        ).as_dict()
        for name in ("adlesion.csv", "adlesion.parquet")
    ]
    for content in both:
        del content["inputs"]
    assert both[0] == both[1]


def test_damaged_parquet_is_told(trial: TrialBuilder) -> None:
    paths = trial.write()
    (trial.folder / "adlesion.parquet").write_bytes(b"PAR1 not at all")
    request = AnalysisRequest(trial.folder, paths["plan"], paths["arms"], trial.folder / "out")
    with pytest.raises(TableError, match="the table cannot be read"):
        run_analysis(request)


# --- plan and further tables ----------------------------------------------------------------------------


def test_unknown_parameter_is_told_with_those_there_are(trial: TrialBuilder) -> None:
    trial.plan["endpoints"][1]["parameter"] = "SIXMWT"
    trial.plan["responders"][0]["parameter"] = "LESIONPCT"
    error = refused(trial)
    assert isinstance(error, PlanError)
    assert "endpoints[1].parameter: there is no SIXMWT" in str(error)
    assert "responders[0].parameter: there is no LESIONPCT" in str(error)
    assert error.expected == "LESPCT, SOLPCT"
    assert "--endpoints" in error.remedy


def test_unknown_key_of_the_plan_is_told(trial: TrialBuilder) -> None:
    trial.plan["allocation"] = "1:1"
    assert "allocation: there is no such key; allowed here" in str(refused(trial))


def further(trial: TrialBuilder, *rows: tuple[str, str, str, object]) -> Path:
    columns = ("subject", "visit", "parameter", "value")
    return write_rows(trial.folder / "endpoints.csv", [dict(zip(columns, row, strict=True)) for row in rows])


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("P01", "day 28", "FVC", "2,5"), "row 3, column value: 2,5 has a decimal comma"),
        (
            ("P01", "day 29", "FVC", 2.5),
            "row 3, column visit: day 29 is not allowed here. Allowed are baseline",
        ),
        (
            ("P01", "baseline", "FVC", 3),
            "row 3, column subject, visit, parameter: P01, baseline, FVC stands in",
        ),
        (
            ("P99", "day 28", "FVC", 2.5),
            "row 3, column subject: subject P99 has further endpoints, but stands",
        ),
        (("P01", "day 28", "LESPCT", 2.5), "row 3, column parameter: LESPCT is measured on the scans"),
        (("", "day 28", "FVC", 2.5), "row 3, column subject: the cell is empty"),
    ],
)
def test_spoilt_further_endpoint_is_told_with_its_place(trial: TrialBuilder, row: Any, words: str) -> None:
    path = further(trial, ("P01", "baseline", "FVC", 2.0), row)
    error = refused(trial, endpoints=path)
    assert error.case.endswith("endpoints.csv")
    assert words in error.faults[0]


def test_event_of_a_stranger_is_told(trial: TrialBuilder) -> None:
    rows = [{"subject": "P01", "term": "Fever"}, {"subject": "P77", "term": "Fever"}]
    error = refused(trial, adverse_events=write_rows(trial.folder / "ae.csv", rows))
    assert "row 3, column subject: subject P77 has adverse events" in error.faults[0]
    rows[1] = {"subject": "P02", "term": ""}
    error = refused(trial, adverse_events=write_rows(trial.folder / "ae.csv", rows))
    assert error.faults == ("row 3, column term: the cell is empty. Fill it in",)


@pytest.mark.parametrize("name", ["plan", "arms"])
def test_absent_file_is_named(trial: TrialBuilder, name: str) -> None:
    error = refused(trial, lambda paths: paths[name].unlink())
    assert isinstance(error, InputNotFoundError)
    assert name in error.case
