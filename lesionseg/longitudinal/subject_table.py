"""Reading ``subjects.csv``: day zero and date of birth; nothing else, and never the arm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from lesionseg.core.table_faults import TableFault, refuse_faults
from lesionseg.core.table_input import Column, read_table
from lesionseg.longitudinal.scan import Subject

_COLUMNS = (
    Column("subject", filled=True),
    Column("day_zero", "date", required=False),
    Column("birth_date", "date", required=False),
)


@dataclass(frozen=True)
class SubjectTable:
    """Subjects by name, and the file they came from."""

    path: Path
    sha256: str
    subjects: dict[str, Subject]


def read_subjects(path: Path) -> SubjectTable:
    """Read the table of subjects: subject, day_zero, birth_date.

    Raises
    ------
    InputNotFoundError, TableError
        If it is absent or has a fault; also if a subject's day zero lies before the birth. A column of
        another name is a fault, so that no treatment arm comes in before the comparison.
    """
    table = read_table(path, _COLUMNS, key=("subject",))
    subjects: dict[str, Subject] = {}
    faults: list[TableFault] = []
    for row, number in zip(table.rows, table.line_numbers, strict=True):
        subject = Subject(str(row["subject"]), _date(row["day_zero"]), _date(row["birth_date"]))
        if is_before(subject.day_zero, subject.birth_date):
            faults.append(
                TableFault(
                    f"day zero {subject.day_zero} lies before the birth on {subject.birth_date}",
                    "Correct one of the dates",
                    number,
                    "day_zero",
                )
            )
        subjects[subject.subject] = subject
    refuse_faults(path, faults)
    return SubjectTable(path, table.sha256, subjects)


def is_before(when: date | None, birth: date | None) -> bool:
    """Whether something happened before a person was born; unknown dates never did."""
    return when is not None and birth is not None and when < birth


def _date(value: object) -> date | None:
    return value if isinstance(value, date) else None
