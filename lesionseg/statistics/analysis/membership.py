"""Who takes part: every measured subject must be a randomised one, and be born by then."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from lesionseg.core.table_faults import TableFault, refuse_faults
from lesionseg.core.table_input import InputTable
from lesionseg.statistics.analysis.arm_table import BIRTH_DATE, SUBJECT
from lesionseg.statistics.analysis.trial_tables import TrialTables


def scanned_subjects(lesions: pd.DataFrame) -> set[str]:
    """Return the subjects with a scan at a visit of the schedule, whether or not it could be measured."""
    seen = lesions["AVAL"].notna() | lesions["ADT"].notna() | (lesions["SCANID"] != "")
    return set(lesions.loc[seen.to_numpy(), "USUBJID"])


def refuse_strangers(tables: TrialTables, scanned: set[str], randomised: set[str]) -> None:
    """Refuse (TableError) measured subjects and subjects with events that the arm table does not know."""
    faults = [
        _stranger(subject, "has scans", randomised, "leave its scans out of the visit table")
        for subject in sorted(scanned - randomised)
    ]
    refuse_faults(tables.arms.path, faults)
    further = ((tables.endpoints, "further endpoints"), (tables.adverse_events, "adverse events"))
    for table, what in further:
        if table is not None:
            refuse_faults(table.path, list(_strangers_in(table, what, randomised)))


def _strangers_in(table: InputTable, what: str, randomised: set[str]) -> Iterator[TableFault]:
    told: set[object] = set()
    for number, row in zip(table.line_numbers, table.rows, strict=True):
        subject = str(row[SUBJECT])
        if subject not in randomised and subject not in told:
            told.add(subject)
            yield _stranger(subject, f"has {what}", randomised, "remove its rows here", number)


def _stranger(
    subject: str, has: str, randomised: set[str], otherwise: str, row: int | None = None
) -> TableFault:
    alike = [name for name in randomised if name.casefold().strip("0") == subject.casefold().strip("0")]
    hint = f" (there is {alike[0]})" if alike else ""
    return TableFault(
        f"subject {subject} {has}, but stands not in the arm table{hint}",
        f"Add it to the arm table, or {otherwise}",
        row,
        SUBJECT,
    )


def refuse_births_after_scans(tables: TrialTables, subjects: pd.DataFrame) -> None:
    """Refuse (TableError) subjects born after one of their scans, if dates of birth are given."""
    if BIRTH_DATE not in subjects:
        return
    rows = dict(zip((row[SUBJECT] for row in tables.arms.rows), tables.arms.line_numbers, strict=True))
    dates = pd.DataFrame({"scan": tables.lesions.groupby("USUBJID")["ADT"].min()})
    dates["birth"] = pd.to_datetime(subjects[BIRTH_DATE]).reindex(dates.index)
    early = dates[dates["scan"] < dates["birth"]]
    faults = [
        TableFault(
            f"subject {row.Index} was born on {row.birth:%Y-%m-%d}, after the scan of {row.scan:%Y-%m-%d}",
            "Correct the date of birth, or the date of the scan in the visit table",
            rows[str(row.Index)],
            BIRTH_DATE,
        )
        for row in early.itertuples()
    ]
    refuse_faults(tables.arms.path, faults)
