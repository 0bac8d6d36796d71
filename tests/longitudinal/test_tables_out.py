from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest

from lesionseg.core.errors import OutputExistsError, TableError
from lesionseg.core.plan import LESION_PARAMETERS
from lesionseg.core.provenance import sha256_of_file
from lesionseg.longitudinal import CHANGE_FILES, ChangeRequest, ChangeResult, make_changes
from lesionseg.longitudinal.dictionary import TABLES
from lesionseg.longitudinal.sources import MEASURED
from tests.longitudinal.builders import read_rows, scan_row, write_plan, write_subjects, write_table

ROWS = [
    scan_row("A", "A1", -1, flags="sharp-kernel"),
    scan_row("A", "A2", 26, lung_ml=4000.0, lesion_ml=500.0, solid_ml=0.0, flags="contrast", contrast="Y"),
    scan_row("A", "A3", 31),
    scan_row(
        "A", "A4", 10, status="failed", reason="slices-missing", reason_text='Slices are "missing", 3 of 60.'
    ),
    scan_row("B", "B1", 0, lesion_ml=0.0, solid_ml=0.0),
    scan_row("B", "B2", 60, visit_given="day 90", dense_lesion_proportion_pct=""),
    scan_row("C", "C1", None, status="not-evaluable", reason="motion"),
]


@pytest.fixture
def request_(tmp_path: Path) -> ChangeRequest:
    return ChangeRequest(
        scans=write_table(tmp_path / "scans.csv", ROWS),
        plan=write_plan(tmp_path / "plan.yaml"),
        output=tmp_path / "place" / "out",
        subjects=write_subjects(tmp_path / "subjects.csv", "A", "B", "D"),
    )


@pytest.fixture
def result(request_: ChangeRequest) -> ChangeResult:
    return make_changes(request_)


def one(rows: list[dict[str, str]], **cells: str) -> dict[str, str]:
    (row,) = [row for row in rows if cells.items() <= row.items()]
    return row


def test_all_files_are_there_with_the_columns_of_the_dictionary(result: ChangeResult) -> None:
    assert sorted(path.name for path in result.folder.iterdir()) == sorted(CHANGE_FILES)
    described: dict[str, list[str]] = {}
    for row in read_rows(result.folder / "data_dictionary.csv"):
        described.setdefault(row["table"], []).append(row["column"])
        assert row["meaning"]
    for name in TABLES:
        path = result.folder / name
        if path.suffix == ".parquet":
            header = pyarrow.parquet.read_schema(path).names
        else:
            header = path.read_text(encoding="utf-8").splitlines()[0].split(",")
        assert described[name] == header


def test_no_table_has_an_arm(result: ChangeResult) -> None:
    columns = {column.name.upper() for table in TABLES.values() for column in table}
    assert columns.isdisjoint({"ARM", "ARMCD", "ACTARM", "TRT01P", "TRT01A", "TRTP", "TRTA"})
    for path in result.folder.glob("*.csv"):
        assert "placebo" not in path.read_text(encoding="utf-8")


def test_the_analysis_table_has_a_row_for_every_subject_parameter_and_visit(result: ChangeResult) -> None:
    rows = read_rows(result.folder / "adlesion.csv")
    assert Counter((row["USUBJID"], row["PARAMCD"]) for row in rows) == {
        (subject, code): 4 for subject in "ABCD" for code in LESION_PARAMETERS
    }
    assert [(row["USUBJID"], int(row["PARAMN"]), int(row["AVISITN"])) for row in rows] == sorted(
        (row["USUBJID"], int(row["PARAMN"]), int(row["AVISITN"])) for row in rows
    )
    for row in rows:
        parameter = LESION_PARAMETERS[row["PARAMCD"]]
        assert (row["PARAM"], row["PARAMN"]) == (parameter.name, str(parameter.number))
        assert row["STUDYID"] == "PHANTOM-01"
        assert (row["ANL01FL"] == "Y") == (row["AVAL"] != "")
        assert (row["ABLFL"] == "Y") == (row["AVISIT"] == "baseline" and row["AVAL"] != "")


def test_a_row_of_the_analysis_table(result: ChangeResult) -> None:
    rows = read_rows(result.folder / "adlesion.csv")
    row = one(rows, USUBJID="A", PARAMCD="LESPCT", AVISIT="day 28")
    assert (row["ADT"], row["ADY"], row["SCANID"]) == ("2020-04-27", "26", "A2")
    assert [
        float(row[name]) for name in ("AVAL", "AVALLO", "AVALHI", "BASE", "CHG", "PCHG")
    ] == pytest.approx([12.5, 11.5, 13.5, 20, -7.5, -37.5])
    assert row["QFLAGS"].split() == ["contrast", "contrast-differs", "lung-volume-differs"]
    failed = one(rows, USUBJID="A", PARAMCD="LESPCT", AVISIT="day 10")
    assert (failed["SCANID"], failed["AVAL"], failed["REASCD"]) == ("A4", "", "scan-failed")
    assert failed["REAS"] == 'The scan A4 could not be measured: Slices are "missing", 3 of 60.'
    late = one(rows, USUBJID="B", PARAMCD="LESPCT", AVISIT="day 90")
    assert late["REASCD"] == "zero-baseline"
    assert late["QFLAGS"] == "outside-window"


def test_csv_and_parquet_hold_the_same(result: ChangeResult) -> None:
    table = pyarrow.parquet.read_table(result.folder / "adlesion.parquet")
    types = {column.name: column.kind for column in TABLES["adlesion.parquet"]}
    names = {"text": "string", "number": "double", "integer": "int64", "date": "date32[day]"}
    assert {field.name: str(field.type) for field in table.schema} == {
        name: names[kind] for name, kind in types.items()
    }
    typed, texts = table.to_pylist(), read_rows(result.folder / "adlesion.csv")
    assert len(typed) == len(texts)
    for values, cells in zip(typed, texts, strict=True):
        for name, kind in types.items():
            if values[name] is None or cells[name] == "":
                assert (values[name], cells[name]) == (None, "")
            elif kind == "number":
                assert float(cells[name]) == values[name]
            else:
                assert cells[name] == str(values[name])


def test_no_cell_says_nan(result: ChangeResult) -> None:
    for path in result.folder.glob("*.csv"):
        for row in read_rows(path):
            assert not {"nan", "NaN", "inf", "None", "NaT"} & {str(cell) for cell in row.values()}
    table = pyarrow.parquet.read_table(result.folder / "adlesion.parquet")
    for name in ("AVAL", "CHG", "PCHG", "BASE"):
        assert not any(value is not None and math.isnan(value) for value in table[name].to_pylist())


def test_every_scan_is_listed_in_the_pairing(result: ChangeResult) -> None:
    rows = read_rows(result.folder / "pairing.csv")
    assert [row["scan_id"] for row in rows] == ["A1", "A4", "A2", "A3", "B1", "B2", "C1"]
    assert {row["scan_id"]: (row["visit"], row["chosen"], row["reason"]) for row in rows} == {
        "A1": ("baseline", "Y", "only-scan"),
        "A2": ("day 28", "Y", "nearest"),
        "A3": ("day 28", "N", "further-away"),
        "A4": ("day 10", "N", "scan-failed"),
        "B1": ("baseline", "Y", "only-scan"),
        "B2": ("day 90", "Y", "given-outside-window"),
        "C1": ("", "N", "no-date"),
    }
    assert all(row["reason_text"] for row in rows)


def test_every_pair_is_compared(result: ChangeResult) -> None:
    rows = read_rows(result.folder / "comparability.csv")
    assert Counter((row["subject"], row["visit"]) for row in rows) == {("A", "day 28"): 6, ("B", "day 90"): 6}
    lung = one(rows, subject="A", check="inspiration")
    assert (lung["flag"], lung["severity"], float(lung["value"])) == ("lung-volume-differs", "warning", 0.8)


def test_results_of_scans_are_accepted_or_not_done(result: ChangeResult) -> None:
    rows = read_rows(result.folder / "tr.csv")
    assert Counter(row["TRREFID"] for row in rows) == {
        **dict.fromkeys(("A1", "A2", "A3", "B1", "B2"), len(MEASURED)), "A4": 1, "C1": 1
    }  # fmt: skip
    taken = one(rows, TRREFID="A2", TRTESTCD="LESPCT")
    assert (taken["TRORRES"], taken["TRORRESU"], taken["TRSTRESN"]) == ("12.5", "%", "12.5")
    assert (taken["TRACPTFL"], taken["TRSTAT"], taken["VISIT"], taken["TRDY"]) == ("Y", "", "day 28", "27")
    assert one(rows, TRREFID="A3", TRTESTCD="LESPCT")["TRACPTFL"] == ""
    assert one(rows, TRREFID="A1", TRTESTCD="LESPCT")["TRDY"] == "-1"
    failed, blurred = one(rows, TRREFID="A4"), one(rows, TRREFID="C1")
    assert (failed["TRTESTCD"], failed["TRSTAT"], failed["TRACPTFL"]) == ("TRALL", "NOT DONE", "")
    assert failed["TRREASND"].startswith("FAILED: Slices are")
    assert (blurred["TRREASND"], blurred["VISIT"]) == ("NOT EVALUABLE: motion", "UNSCHEDULED")
    lacking = one(rows, TRREFID="B2", TRTESTCD="DENPCT")
    assert (lacking["TRORRES"], lacking["TRSTAT"], lacking["TRACPTFL"]) == ("", "NOT DONE", "")
    assert "dense_lesion_proportion_pct" in lacking["TRREASND"]


def test_result_names_fit_the_lengths_of_the_standard(result: ChangeResult) -> None:
    rows = read_rows(result.folder / "tr.csv")
    assert max(len(row["TRTESTCD"]) for row in rows) <= 8
    assert max(len(row["TRTEST"]) for row in rows) <= 40
    numbers: dict[str, list[int]] = {}
    for row in rows:
        numbers.setdefault(row["USUBJID"], []).append(int(row["TRSEQ"]))
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())


def test_the_blinded_summary_pools_all_subjects(result: ChangeResult) -> None:
    rows = read_rows(result.folder / "blinded_summary.csv")
    assert len(rows) == len(LESION_PARAMETERS) * (1 + 3 * 3)
    start = one(rows, PARAMCD="LESPCT", AVISIT="baseline", FIGURE="AVAL")
    assert (start["SUBJECTS"], start["N"], start["MISSING"]) == ("4", "2", "no-scan=2")
    figures = {name: float(start[name]) for name in ("MEAN", "SD", "MIN", "Q1", "MEDIAN", "Q3", "MAX")}
    expected = {
        "MEAN": 10,
        "SD": np.std([0, 20], ddof=1),
        "MIN": 0,
        "Q1": 5,
        "MEDIAN": 10,
        "Q3": 15,
        "MAX": 20,
    }
    assert figures == pytest.approx(expected)
    late = one(rows, PARAMCD="LESPCT", AVISIT="day 90", FIGURE="PCHG")
    assert (late["N"], late["MISSING"], late["MEDIAN"]) == ("0", "no-scan=3 zero-baseline=1", "")
    single = one(rows, PARAMCD="LESPCT", AVISIT="day 28", FIGURE="CHG")
    assert (single["N"], single["MEDIAN"], single["SD"]) == ("1", "-7.5", "")


def test_the_manifest_tells_inputs_outputs_and_counts(request_: ChangeRequest, result: ChangeResult) -> None:
    manifest = json.loads((result.folder / "change_manifest.json").read_text())
    assert manifest == result.manifest
    assert manifest["plan"] == {"file": "plan.yaml", "sha256": sha256_of_file(request_.plan)}
    assert manifest["inputs"]["scans"]["sha256"] == sha256_of_file(request_.scans)
    assert manifest["inputs"]["subjects"]["sha256"] == sha256_of_file(request_.subjects)
    assert manifest["outputs"]["adlesion.csv"] == sha256_of_file(result.folder / "adlesion.csv")
    assert (manifest["subjects"], manifest["scans"]["found"], manifest["scans"]["chosen"]) == (4, 7, 4)
    assert manifest["visits"]["day 10"] == {"measured": 0, "without_figures": 1, "no_scan": 3}
    assert manifest["notes"] == [
        "Subjects with scans who are not in the table of subjects: C.",
        "Subjects without any scan: D.",
    ]


def test_the_same_input_gives_the_same_bytes(
    request_: ChangeRequest, result: ChangeResult, tmp_path: Path
) -> None:
    again = make_changes(replace(request_, output=tmp_path / "again"))
    for name in CHANGE_FILES:
        assert (again.folder / name).read_bytes() == (result.folder / name).read_bytes(), name


def test_scans_without_any_pair_give_tables_with_headers(tmp_path: Path) -> None:
    scans = write_table(tmp_path / "scans.csv", [scan_row("A", "A1", 28)])
    result = make_changes(ChangeRequest(scans, write_plan(tmp_path / "plan.yaml"), tmp_path / "out"))
    assert read_rows(result.folder / "comparability.csv") == []
    assert (result.folder / "comparability.csv").read_text().startswith("subject,visit,check")
    assert one(read_rows(result.folder / "pairing.csv"), scan_id="A1")["reason"] == "no-day-zero"


def test_a_fault_leaves_nothing_behind(
    request_: ChangeRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lesionseg.longitudinal.run.blinded_summary", fail)
    with pytest.raises(Exception, match="could not be written"):
        make_changes(request_)
    assert list(request_.output.parent.iterdir()) == []
    (tmp_path / "scans.csv").write_text("subject,scan_id,status\nA,A1,fine\n")
    with pytest.raises(TableError):
        make_changes(replace(request_, output=tmp_path / "other"))
    assert not (tmp_path / "other").exists()


def test_a_filled_folder_is_replaced_on_request_only(request_: ChangeRequest, result: ChangeResult) -> None:
    with pytest.raises(OutputExistsError):
        make_changes(request_)
    (result.folder / "pairing.csv").write_text("old")
    make_changes(replace(request_, overwrite=True))
    assert (result.folder / "pairing.csv").read_text() != "old"


def test_whose_values_they_are_stands_beside_them(tmp_path: Path) -> None:
    rows = [
        scan_row("A", "A1", 0, value_origin="model", readers=""),
        scan_row("A", "A2", 28, value_origin="readers-average", readers="Ono; Ruiz"),
        scan_row("B", "B1", 0, value_origin="adjudicator", readers="Chief"),
        scan_row("B", "B2", 28, value_origin="", readers=""),
    ]
    plan, subjects = write_plan(tmp_path / "plan.yaml"), write_subjects(tmp_path / "subjects.csv", "A", "B")
    scans = write_table(tmp_path / "scans.csv", rows)
    result = make_changes(ChangeRequest(scans, plan, tmp_path / "out", subjects))
    analysis = read_rows(result.folder / "adlesion.csv")
    found = {(row["USUBJID"], row["AVISIT"]): row["AVALORIG"] for row in analysis}
    assert found["A", "baseline"] == "model"
    assert found["A", "day 28"] == "readers-average"
    assert found["B", "baseline"] == "adjudicator"
    assert found["B", "day 28"] == found["B", "day 90"] == ""
    results = read_rows(result.folder / "tr.csv")
    assert {row["TRREFID"]: (row["TREVAL"], row["TREVALID"]) for row in results} == {
        "A1": ("ALGORITHM", "lesionseg"),
        "A2": ("READER", "Ono; Ruiz"),
        "B1": ("ADJUDICATOR", "Chief"),
        "B2": ("ALGORITHM", "lesionseg"),
    }
    write_table(scans, [{**rows[0], "value_origin": "guessed"}])
    with pytest.raises(TableError, match="guessed is not allowed"):
        make_changes(ChangeRequest(scans, plan, tmp_path / "again", subjects))
