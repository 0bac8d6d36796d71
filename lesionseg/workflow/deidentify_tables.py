"""Tables beside de-identification: subjects and words in, the list of who is whom out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from lesionseg.core.errors import ConfigurationError, InputNotFoundError
from lesionseg.core.files import staged_file
from lesionseg.core.table_faults import TableFault, refuse_faults
from lesionseg.core.table_input import Column, read_table
from lesionseg.core.tables import write_csv

if TYPE_CHECKING:
    from lesionseg.dicom.deidentify import Subjects

_COLUMNS = (Column("patient_id", filled=True), Column("subject", filled=True))
_SUBJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
"""A folder's name on every file system, and an LO value without a character set."""
_OWNER_ONLY = 0o600


def read_subjects(path: Path) -> dict[str, str]:
    """Read the table that gives every patient ID a subject; several IDs may have the same.

    Raises
    ------
    InputNotFoundError, TableError
        With every fault of the table.
    """
    table = read_table(path, _COLUMNS, key=("patient_id",))
    subjects = {str(row["patient_id"]): str(row["subject"]) for row in table.rows}
    lines = zip(subjects.values(), table.line_numbers, strict=True)
    refuse_faults(
        path,
        [
            TableFault(
                "a subject is a name of up to 60 letters, digits, points, hyphens and underscores",
                "Give the subject such a name",
                line,
                "subject",
            )
            for subject, line in lines
            if not _SUBJECT.fullmatch(subject)
        ],
    )
    return subjects


def read_words(path: Path) -> frozenset[str]:
    """Read words that may stay in descriptions: one a line; empty lines and those with ``#`` do not count.

    Raises
    ------
    InputNotFoundError
        If there is no such file.
    ConfigurationError
        If it is no UTF-8 text, or a line holds several words or a number.
    """
    if not path.is_file():
        raise InputNotFoundError("there is no list of words", case=str(path), remedy="Correct the path")
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise ConfigurationError("the list of words is no UTF-8 text", case=str(path)) from error
    words = [line for line in lines if line and not line.startswith("#")]
    odd = next((word for word in words if not re.fullmatch(r"[^\W\d_]+", word)), None)
    if odd is not None:
        raise ConfigurationError(
            "a line of the list of words is not one word", case=str(path), expected="letters only", found=odd
        )
    return frozenset(word.lower() for word in words)


def write_linkage(path: Path, subjects: Subjects) -> None:
    """Write who is whom, and by how many days each patient's dates moved, for the owner of the file only.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    rows = [
        {"subject": subject.name, "patient_id": patient.patient_id, "issuer": patient.issuer,
         "shift_days": subject.shift_days}
        for patient, subject in sorted(subjects.met.items(), key=lambda item: (item[1].name, item[0]))
    ]  # fmt: skip
    with staged_file(path) as staging:
        staging.chmod(_OWNER_ONLY)
        write_csv(staging, rows)
