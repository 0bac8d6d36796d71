"""Reading ``arms.csv``: who was randomised to what, with population flags, covariates and strata."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lesionseg.core.plan import TrialPlan
from lesionseg.core.table_faults import TableFault, refuse_faults
from lesionseg.core.table_input import Column, InputTable, read_table

if TYPE_CHECKING:
    import pandas as pd

SUBJECT, ARM, BIRTH_DATE = "subject", "arm", "birth_date"
_OWN_COLUMNS = ("treated", "scanned", "stratum")


def read_arm_table(path: Path, plan: TrialPlan) -> InputTable:
    """Read the arm table strictly; every randomised subject has one row.

    Raises
    ------
    TableError
        Also where an arm is not one of the plan's or has no subject, or where a column is missing that the
        plan names as population flag, covariate or stratum.
    """
    table = read_table(path, list(_columns(plan)), key=(SUBJECT,), extra=True)
    found = {row[ARM] for row in table.rows}
    faults = [
        TableFault(f"no subject has the arm {arm}", "Correct the table, or the plan's arms", None, ARM)
        for arm in (plan.arms.treatment, plan.arms.control)
        if arm not in found
    ]
    faults += [
        TableFault("this is a word of the analysis itself", "Rename the column", 1, name)
        for name in _OWN_COLUMNS
        if name in table.columns
    ]
    refuse_faults(path, faults)
    return table


def _columns(plan: TrialPlan) -> Iterator[Column]:
    yield Column(SUBJECT, filled=True)
    yield Column(ARM, filled=True, allowed=(plan.arms.treatment, plan.arms.control))
    yield Column(BIRTH_DATE, "date", required=False)
    flags = {population.flag: population.name for population in plan.populations if population.flag}
    for name, population in flags.items():
        yield Column(name, "flag", filled=True, asked_by=f"the plan's population {population}")
    for name in plan.strata:
        yield Column(name, "any", filled=True, asked_by="strata in the plan")
    for name in plan.covariates:
        if name not in (*flags, *plan.strata):
            yield Column(name, "any", asked_by="covariates in the plan")


def as_frame(table: InputTable) -> pd.DataFrame:
    """Return the rows indexed by subject: numbers as float64 with NaN, texts with None, flags as bool.

    They are sorted by subject, so that no figure depends on the order of the file.
    """
    import pandas as pd

    frame = pd.DataFrame([{name: row[name] for name in table.columns} for row in table.rows])
    for name in frame.columns:
        if all(value is None or isinstance(value, float) for value in frame[name]):
            frame[name] = frame[name].astype("float64")
    return frame.set_index(SUBJECT).sort_index()


def further_columns(names: Sequence[str], plan: TrialPlan) -> list[str]:
    """Columns that describe a subject: neither arm nor flag nor date of birth, in the table's order."""
    flags = {population.flag for population in plan.populations}
    return [name for name in names if name not in {SUBJECT, ARM, BIRTH_DATE, *flags}]
