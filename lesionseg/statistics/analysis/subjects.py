"""The one place where the treatment arm meets the measurements."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lesionseg.core.plan import LESION_PARAMETERS, TrialPlan
from lesionseg.statistics.analysis.arm_table import ARM, as_frame
from lesionseg.statistics.analysis.columns import LESION_COLUMNS, NOT_SCANNED, REASON_WORDS
from lesionseg.statistics.analysis.further_endpoints import as_lesion_rows, units
from lesionseg.statistics.analysis.membership import (
    refuse_births_after_scans,
    refuse_strangers,
    scanned_subjects,
)
from lesionseg.statistics.analysis.trial_tables import TrialTables

TREATED, STRATUM = "treated", "stratum"
_CATEGORIES = ("STUDYID", "PARAMCD", "PARAM", "AVISIT", "ABLFL", "ANL01FL", "REASCD", "REAS", "QFLAGS")


@dataclass(frozen=True)
class JoinedTrial:
    """Measurements with arms.

    Attributes
    ----------
    plan : TrialPlan
    subjects : DataFrame
        One row per randomised subject, indexed by subject: `arm`, `treated` (bool), `scanned` (bool: with a
        scan at a visit), the further columns of the arm table, `stratum` (text), and a bool per population
        under its flag's name.
    measurements : DataFrame
        The columns of ``adlesion`` and TRT01P: one row per randomised subject, parameter and visit; further
        endpoints and subjects without scans included.
    units : dict
        Of each parameter.
    not_randomised : tuple of str
        Subjects in the table of changes with neither scan nor arm; they take no part.
    """

    plan: TrialPlan
    subjects: pd.DataFrame
    measurements: pd.DataFrame
    units: dict[str, str]
    not_randomised: tuple[str, ...] = ()

    def at(self, parameter: str, visit: str) -> pd.DataFrame:
        """Return the rows of one parameter at one visit, indexed by subject."""
        table = self.measurements
        wanted = (table["PARAMCD"] == parameter) & (table["AVISIT"] == visit)
        return table[wanted.to_numpy()].set_index("USUBJID")

    @property
    def parameter_names(self) -> dict[str, str]:
        """PARAM of each PARAMCD in the order of PARAMN."""
        named = self.measurements.drop_duplicates("PARAMCD").sort_values("PARAMN", kind="stable")
        return dict(zip(named["PARAMCD"].astype(str), named["PARAM"].astype(str), strict=True))


def join_arms(tables: TrialTables, plan: TrialPlan) -> JoinedTrial:
    """Give every measurement its arm, and every randomised subject a row.

    Raises
    ------
    TableError
        If subjects with scans, further endpoints or adverse events stand not in the arm table, or were born
        after a scan.
    """
    subjects = as_frame(tables.arms)
    scanned = scanned_subjects(tables.lesions)
    refuse_strangers(tables, scanned, set(subjects.index))
    refuse_births_after_scans(tables, subjects)
    described = _described(subjects, scanned, plan)
    lesions = tables.lesions
    known = lesions["USUBJID"].isin(subjects.index).to_numpy()
    parts = [lesions[known], _rows_of_absent(lesions, subjects.index, plan)]
    if tables.endpoints is not None:
        parts.append(as_lesion_rows(tables.endpoints, list(subjects.index), plan))
    measurements = _joined([part for part in parts if len(part)], described)
    lesion_units = {code: parameter.unit for code, parameter in LESION_PARAMETERS.items()}
    further = units(tables.endpoints) if tables.endpoints else {}
    others = tuple(lesions.loc[~known, "USUBJID"].drop_duplicates())
    return JoinedTrial(plan, described, measurements, {**lesion_units, **further}, others)


def _described(subjects: pd.DataFrame, scanned: set[str], plan: TrialPlan) -> pd.DataFrame:
    described = subjects.copy()
    described[TREATED] = subjects[ARM] == plan.arms.treatment
    described["scanned"] = [subject in scanned for subject in subjects.index]
    described[STRATUM] = [_stratum(values) for values in subjects[list(plan.strata)].to_numpy(dtype=object)]
    for population in plan.populations:
        described[population.variable] = subjects[population.flag] if population.flag else True
    return described


def _stratum(values: Iterable[object]) -> str:
    return " / ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)


def _joined(parts: list[pd.DataFrame], subjects: pd.DataFrame) -> pd.DataFrame:
    table = pd.concat([part.astype(dict.fromkeys(_CATEGORIES, "str")) for part in parts], ignore_index=True)
    table = table.astype({**dict.fromkeys(_CATEGORIES, "category"), "PARAMN": "int64"})
    table.insert(2, "TRT01P", table["USUBJID"].map(subjects[ARM]).astype("category"))
    visit = table["AVISITN"].to_numpy()
    order = np.lexsort((visit, table["PARAMN"].to_numpy(), table["USUBJID"].to_numpy(dtype=object)))
    return table.iloc[order].reset_index(drop=True)


def _rows_of_absent(lesions: pd.DataFrame, randomised: pd.Index, plan: TrialPlan) -> pd.DataFrame:
    """Return rows without values for randomised subjects without any, so that no denominator loses them."""
    absent = randomised.difference(pd.Index(lesions["USUBJID"]))
    parameters = lesions.drop_duplicates("PARAMCD")[["PARAMCD", "PARAM", "PARAMN"]]
    visits = pd.DataFrame(
        {
            "AVISIT": [visit.name for visit in plan.schedule],
            "AVISITN": [float(visit.day) for visit in plan.schedule],
        }
    )
    rows = pd.DataFrame({"USUBJID": absent}).merge(parameters, how="cross").merge(visits, how="cross")
    rows = rows.assign(
        STUDYID=plan.trial.identifier, REASCD=NOT_SCANNED, REAS=REASON_WORDS[NOT_SCANNED],
        ADT=pd.Series(pd.NaT, index=rows.index, dtype="datetime64[s]"),
    )  # fmt: skip
    texts = dict.fromkeys(("SCANID", "ABLFL", "ANL01FL", "QFLAGS"), "")
    return rows.assign(**texts).reindex(columns=list(LESION_COLUMNS)).astype(_number_types())


def _number_types() -> dict[str, str]:
    names = ("AVAL", "AVALLO", "AVALHI", "BASE", "CHG", "PCHG", "ADY")
    return dict.fromkeys(names, "float64")
