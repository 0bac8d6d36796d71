"""Reading ``endpoints.csv``: any other numeric endpoint goes through the same door as the lesions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lesionseg.core.plan import LESION_PARAMETERS, TrialPlan
from lesionseg.core.table_faults import TableFault, refuse_faults
from lesionseg.core.table_input import Column, InputTable, read_table
from lesionseg.statistics.analysis.columns import (
    LESION_COLUMNS,
    NEGATIVE_BASELINE,
    NO_BASELINE,
    NO_VALUE,
    REASON_WORDS,
    ZERO_BASELINE,
)

if TYPE_CHECKING:
    import pandas as pd

KEY = ("subject", "visit", "parameter")
FIRST_NUMBER = 101
"""PARAMN of the first further parameter; lesion parameters stand before."""


def read_further_endpoints(path: Path, plan: TrialPlan) -> InputTable:
    """Read subject, visit, parameter and value, and optionally the parameter's name and unit.

    Raises
    ------
    TableError
        Also for a visit that the schedule does not hold, and for a parameter that comes from the scans.
    """
    columns = (
        Column("subject"),
        Column("visit", allowed=tuple(visit.name for visit in plan.schedule)),
        Column("parameter"),
        Column("value", "number"),
        Column("name", required=False),
        Column("unit", required=False),
    )
    table = read_table(path, columns, key=KEY)
    refuse_faults(path, list(_taken(table)))
    return table


def _taken(table: InputTable) -> Iterator[TableFault]:
    for number, row in zip(table.line_numbers, table.rows, strict=True):
        if row["parameter"] in LESION_PARAMETERS:
            yield TableFault(
                f"{row['parameter']} is measured on the scans", "Choose another code", number, "parameter"
            )


def units(table: InputTable) -> dict[str, str]:
    """Return each parameter's unit; empty where no row gives one."""
    found: dict[str, str] = {}
    for row in table.rows:
        code = str(row["parameter"])
        found[code] = found.get(code) or str(row["unit"] or "")
    return found


def as_lesion_rows(table: InputTable, subjects: Sequence[str], plan: TrialPlan) -> pd.DataFrame:
    """Return one row per subject, parameter and visit with the columns of ``adlesion``.

    Change and relative change are computed from the baseline visit; what is missing has its reason.
    """
    import pandas as pd

    given = pd.DataFrame(table.rows)
    given["name"] = given["name"].fillna(given["parameter"])
    names = given.groupby("parameter", sort=False)["name"].first()
    schedule = [visit.name for visit in plan.schedule]
    grid = pd.MultiIndex.from_product(
        [subjects, names.index, schedule], names=["subject", "parameter", "visit"]
    )
    values = given.set_index(["subject", "parameter", "visit"])["value"].astype("float64").reindex(grid)
    rows = values.rename("AVAL").reset_index()
    at_baseline = values.xs(plan.baseline.name, level="visit")
    keys = pd.MultiIndex.from_frame(rows[["subject", "parameter"]])
    rows["BASE"] = at_baseline.reindex(keys).to_numpy()
    _add_change(rows, is_baseline=(rows["visit"] == plan.baseline.name).to_numpy())
    rows["USUBJID"], rows["PARAMCD"], rows["AVISIT"] = rows["subject"], rows["parameter"], rows["visit"]
    rows["STUDYID"] = plan.trial.identifier
    rows["PARAM"] = rows["parameter"].map(names)
    numbers = {code: float(number) for number, code in enumerate(names.index, FIRST_NUMBER)}
    rows["PARAMN"] = rows["parameter"].map(numbers)
    rows["AVISITN"] = rows["visit"].map({visit.name: float(visit.day) for visit in plan.schedule})
    rows["ADT"] = pd.Series(pd.NaT, index=rows.index, dtype="datetime64[s]")
    seen = rows["AVAL"].notna()
    rows["ANL01FL"] = seen.map({True: "Y", False: ""})
    rows["ABLFL"] = (seen & (rows["visit"] == plan.baseline.name)).map({True: "Y", False: ""})
    return rows.assign(SCANID="", QFLAGS="").reindex(columns=list(LESION_COLUMNS))


def _add_change(rows: pd.DataFrame, *, is_baseline: object) -> None:
    """Add CHG, PCHG and the reason why one of them is missing; the baseline itself has no change."""
    import numpy as np

    base, value = rows["BASE"].to_numpy(), rows["AVAL"].to_numpy()
    at_baseline = np.asarray(is_baseline)
    change = np.where(at_baseline, np.nan, value - base)
    rows["CHG"] = change
    rows["PCHG"] = np.divide(100 * change, base, out=np.full_like(base, np.nan), where=base > 0)
    missing = [np.isnan(value), at_baseline, np.isnan(base), base == 0, base < 0]
    codes = [NO_VALUE, "", NO_BASELINE, ZERO_BASELINE, NEGATIVE_BASELINE]
    rows["REASCD"] = np.select(missing, codes, default="")
    rows["REAS"] = rows["REASCD"].map({"": "", **REASON_WORDS})
