from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest

from lesionseg.core.errors import InputNotFoundError, TableError
from lesionseg.core.table_input import Column, InputTable, read_table

COLUMNS = (
    Column("subject", filled=True),
    Column("visit", allowed=("baseline", "day 28")),
    Column("value", "number"),
    Column("seen", "date", required=False),
    Column("flag", "flag", required=False),
)
KEY = ("subject", "visit")


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(folder: Path, text: str | bytes, *, extra: bool = False) -> InputTable:
    return read_table(write(folder, text), COLUMNS, key=KEY, extra=extra)


def faults(folder: Path, text: str | bytes, *, extra: bool = False) -> tuple[str, ...]:
    with pytest.raises(TableError) as caught:
        read(folder, text, extra=extra)
    assert caught.value.case == str(folder / "table.csv")
    return caught.value.faults or (str(caught.value),)


def test_cells_have_their_types_and_empty_ones_are_none(tmp_path: Path) -> None:
    text = "subject,visit,value,seen,flag\n001, baseline ,-1.5e1,2020-03-01,y\n002,baseline,,,\n"
    table = read(tmp_path, text)
    assert table.rows == (
        {"subject": "001", "visit": "baseline", "value": -15.0, "seen": date(2020, 3, 1), "flag": True},
        {"subject": "002", "visit": "baseline", "value": None, "seen": None, "flag": None},
    )
    assert table.columns == ("subject", "visit", "value", "seen", "flag")
    assert table.line_numbers == (2, 3)
    assert table.sha256 == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimiter_mark_and_line_ends_do_not_matter(
    tmp_path: Path, delimiter: str, bom: str, end: str
) -> None:
    rows = (("subject", "visit", "value"), ("P1", "baseline", "1.5"))
    table = read(tmp_path, bom + "".join(delimiter.join(row) + end for row in rows))
    assert [row["value"] for row in table.rows] == [1.5]
    assert table.rows[0]["seen"] is None


def test_rows_are_counted_as_a_spreadsheet_does(tmp_path: Path) -> None:
    """Empty rows count, a quoted cell with a line break is one row."""
    text = 'subject,visit,value,note\nP1,baseline,1,"two\nlines"\n\n,,,\nP2,baseline,x,\n'
    assert faults(tmp_path, text, extra=True)[0].startswith("row 5, column value: x is not a number")


def test_further_columns_are_numbers_if_all_their_cells_are(tmp_path: Path) -> None:
    text = "subject,visit,value,age,site\nP1,baseline,1,61,7a\nP2,baseline,1,,8\n"
    table = read(tmp_path, text, extra=True)
    assert [(row["age"], row["site"]) for row in table.rows] == [(61.0, "7a"), (None, "8")]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("P1;baseline;1,5;;", "row 2, column value: 1,5 has a decimal comma. Write 1.5"),
        ("P1;baseline;NA;;", "row 2, column value: NA is not a number. Leave the cell empty"),
        ("P1;baseline;3 %;;", "row 2, column value: 3 % is not a number"),
        ("P1;baseline;1e999;;", "row 2, column value: 1e999 is not a number"),
        ("P1;baseline;1;43891;", "row 2, column seen: 43891 is Excel's count of days (it would be 2020-03"),
        ("P1;baseline;1;3/1/2020;", "row 2, column seen: 3/1/2020 is a date whose day and month"),
        ("P1;baseline;1;01.03.20;", "row 2, column seen: 01.03.20 is a date whose day and month"),
        ("P1;baseline;1;2020-02-30;", "row 2, column seen: 2020-02-30 is not a day of the calendar"),
        ("P1;baseline;1;March;", "row 2, column seen: March is not a date. Write it as YYYY-MM-DD"),
        ("P1;baseline;1;;yes", "row 2, column flag: yes is neither Y nor N"),
        ("P1;day 29;1;;", "row 2, column visit: day 29 is not allowed here. Allowed are baseline, day 28"),
        (";baseline;1;;", "row 2, column subject: the cell is empty"),
        ("P1;baseline;1", "row 2: the row has 3 cells, the header 5"),
    ],
)  # fmt: skip
def test_bad_cell_is_told_with_row_column_and_remedy(tmp_path: Path, row: str, words: str) -> None:
    (fault, *_) = faults(tmp_path, f"subject;visit;value;seen;flag\n{row}\n")
    assert fault.startswith(words)


def test_decimal_comma_that_splits_a_cell_is_recognised(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, "subject,visit,value\nP1,baseline,1,5\n")
    assert "row 2: the row has 4 cells, the header 3; a decimal comma splits a number in two" in fault


def test_decimal_commas_do_not_turn_a_further_column_into_text(tmp_path: Path) -> None:
    text = "subject;visit;value;age\nP1;baseline;1;61,5\nP2;baseline;1;60\n"
    (fault,) = faults(tmp_path, text, extra=True)
    assert fault.startswith("row 2, column age: 61,5 has a decimal comma")


def test_repeated_key_names_both_rows(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, "subject,visit,value\nP1,baseline,1\nP2,baseline,1\nP1,baseline,2\n")
    assert fault == "row 4, column subject, visit: P1, baseline stands in row 2 already. Keep one"


def test_empty_key_is_a_fault(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, "subject,visit,value\nP1,,1\n")
    assert fault.startswith("row 2, column visit: the cell is empty")


def test_all_faults_are_told_at_once_in_the_order_of_rows(tmp_path: Path) -> None:
    text = "subject;visit;value;seen\nP1;baseline;1,5;43891\nP1;baseline;x;\n"
    found = faults(tmp_path, text)
    assert [fault.split(":")[0] for fault in found] == [
        "row 2, column value", "row 2, column seen", "row 3, column value", "row 3, column subject, visit",
    ]  # fmt: skip
    with pytest.raises(TableError, match=r"4 faults in this table\nrow 2, column value"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("subject,vist,value", "row 1, column vist: there is no such column here. Did you mean visit?"),
        ("subject,visit,value,colour", "column colour: there is no such column here. Remove it; allowed are"),
        ("Subject,visit,value", "column Subject: there is no such column here. Did you mean subject?"),
        ("subject,visit", "column value: this column is missing. Add it; the header holds subject, visit"),
        ("subject,visit,value,visit", "row 1, column visit: the name stands twice in the header"),
        ("subject,,visit,value", "row 1, column number 2: the column has no name"),
    ],
)  # fmt: skip
def test_bad_header_is_told(tmp_path: Path, header: str, words: str) -> None:
    cells = ",".join("1" for _ in header.split(","))
    assert any(words in fault for fault in faults(tmp_path, f"{header}\n{cells}\n"))


def test_empty_columns_at_the_end_are_forgiven(tmp_path: Path) -> None:
    assert read(tmp_path, "subject,visit,value,,\nP1,baseline,1,,\n").columns == ("subject", "visit", "value")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04rest", "this is a workbook (xlsx)"),
        ("subject,visit,value\n".encode("utf-16"), "this is UTF-16 text"),
        (b"subject,visit,value\nP\xe9,baseline,1\n", "row 2 holds the byte 0xe9, which is not UTF-8"),
        (b"", "the first row is empty"),
        (b"subject,visit,value\n", "the table has a header but no rows"),
        (b'subject,visit,value\n"P1,baseline,1\n', "row 2: the row cannot be parted into cells"),
    ],
)
def test_file_that_is_no_table_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    assert words in faults(tmp_path, content)[0]


def test_table_that_may_be_empty_has_no_rows(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "subject,visit,value\n"), COLUMNS, may_be_empty=True)
    assert table.rows == ()


def test_absent_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match=r"nothing\.csv"):
        read_table(tmp_path / "nothing.csv", COLUMNS)


def test_very_many_faults_are_counted_rather_than_all_printed(tmp_path: Path) -> None:
    rows = "".join(f"P{number},baseline,x\n" for number in range(200))
    with pytest.raises(TableError) as caught:
        read(tmp_path, "subject,visit,value\n" + rows)
    assert len(caught.value.faults) == 200
    assert "200 faults" in caught.value.problem
    assert "and 150 more" in caught.value.problem
