"""The analysis table: one row for each subject, parameter and visit, also where all is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lesionseg.core.plan import LESION_PARAMETERS, TrialPlan
from lesionseg.longitudinal.arrow_tables import codes_of, typed_table
from lesionseg.longitudinal.change import Changes
from lesionseg.longitudinal.dictionary import ADLESION
from lesionseg.longitudinal.pairing import Pairing
from lesionseg.longitudinal.visit_grid import NOTHING, Indices

_PARAMETERS = tuple(LESION_PARAMETERS.values())
NO_DATE = np.datetime64("NaT", "D")


def adlesion(
    made: Changes,
    pairing: Pairing,
    plan: TrialPlan,
    flags: npt.NDArray[np.object_],
    origins: Sequence[str] = (),
) -> Any:
    """Lay the changes out as a long table with ADaM's names, sorted by subject, parameter and visit.

    Parameters
    ----------
    made : Changes
    pairing : Pairing
        Which the changes were made from: dates and days.
    plan : TrialPlan
        Names the trial.
    flags : array of str
        Quality flags by subject and visit.
    origins : sequence of str
        Of every scan: whose values they are; empty where nobody says.

    Returns
    -------
    pyarrow.Table
        Columns as in `dictionary.ADLESION`; there is no column for the arm.
    """
    grid = made.grid
    row, place, column = (axis.ravel() for axis in np.indices(_long_shape(made)))
    baseline = column == grid.baseline
    value = _long(made.value)
    number = np.array([parameter.number for parameter in _PARAMETERS])
    visit_day = np.array([window.day for window in grid.schedule])
    dates, days = _dates(made, pairing)
    yes = np.where(np.isnan(value), -1, 0)
    scan_ids = [decision.scan.scan_id for decision in pairing.decisions]
    return typed_table(
        ADLESION,
        {
            "STUDYID": codes_of([plan.trial.identifier], np.zeros_like(row)),
            "USUBJID": codes_of(grid.subjects, row),
            "PARAMCD": codes_of([parameter.code for parameter in _PARAMETERS], place),
            "PARAM": codes_of([parameter.name for parameter in _PARAMETERS], place),
            "PARAMN": number[place],
            "AVISIT": codes_of([window.name for window in grid.schedule], column),
            "AVISITN": visit_day[column],
            "ADT": dates[row, column],
            "ADY": days[row, column],
            "SCANID": codes_of(scan_ids, grid.shown[row, column]),
            "AVAL": value,
            "AVALLO": _long(made.low),
            "AVALHI": _long(made.high),
            "BASE": made.base[row, place],
            "CHG": _long(made.change),
            "PCHG": _long(made.change_pct),
            "ABLFL": codes_of(["Y"], np.where(baseline, yes, -1)),
            "ANL01FL": codes_of(["Y"], yes),
            "REASCD": _long(made.reason),
            "REAS": _long(made.sentence),
            "QFLAGS": flags[row, column],
            "AVALORIG": _origins(origins, grid.chosen)[row, column],
        },
    )


def _origins(origins: Sequence[str], chosen: Indices) -> npt.NDArray[np.object_]:
    of_scan = np.array([*(origins or [""] * (int(chosen.max(initial=NOTHING)) + 1)), ""], object)
    return of_scan[np.where(chosen == NOTHING, of_scan.size - 1, chosen)]


def _long_shape(made: Changes) -> tuple[int, int, int]:
    subjects, visits, parameters = made.value.shape
    return subjects, parameters, visits


def _long(cube: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Subjects, visits, parameters to one value a row."""
    return cube.transpose(0, 2, 1).ravel()


def _dates(made: Changes, pairing: Pairing) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """Study date and day of the scan shown at every visit; NaT and NaN where there is none."""
    dates = [decision.scan.study_date for decision in pairing.decisions]
    of_scan = np.array([*(NO_DATE if date is None else np.datetime64(date, "D") for date in dates), NO_DATE])
    days = [np.nan if decision.day is None else float(decision.day) for decision in pairing.decisions]
    shown = np.where(made.grid.shown == NOTHING, len(dates), made.grid.shown)
    return of_scan[shown], np.array([*days, np.nan])[shown]
