"""Results scan by scan with the names of SDTM's tumour results (TR), accepted or not.

Only like TR: a parameter of the whole lung is no single tumour (there is no TU to link to), codes and
evaluator are not from CDISC's controlled terminology, and subjects are named as in the table of scans.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lesionseg.core.plan import TrialPlan
from lesionseg.longitudinal.arrow_tables import codes_of, typed_table
from lesionseg.longitudinal.dictionary import EVALUATORS, TR
from lesionseg.longitudinal.figures import CODES, figures_of, missing_figure_sentence
from lesionseg.longitudinal.pairing import Decision, Pairing
from lesionseg.longitudinal.scan import Status, ValueOrigin
from lesionseg.longitudinal.scan_table import ScanTable
from lesionseg.longitudinal.sources import MEASURED, SOURCES

Places = npt.NDArray[np.int64]
UNSCHEDULED_VISIT = "UNSCHEDULED"
ALL_TESTS = "TRALL"
PROGRAM = "lesionseg"
_PLACES = [CODES.index(parameter.code) for parameter in MEASURED]
_ALL = len(MEASURED)
"""Place of `ALL_TESTS` after the parameters."""


def tumour_results(table: ScanTable, pairing: Pairing, plan: TrialPlan) -> Any:
    """One row for each parameter of each measured scan, one for each other scan; sorted by subject and date.

    Returns
    -------
    pyarrow.Table
        Columns as in `dictionary.TR`.
    """
    decisions = pairing.decisions
    index, place = _rows(decisions)
    results = np.column_stack([figures_of(table).value[:, _PLACES], np.full(len(decisions), np.nan)])
    value = results[index, place]
    not_done = np.isnan(value)
    visit_place = {window.name: number for number, window in enumerate(plan.schedule)}
    visit_of_scan = np.array([visit_place.get(made.visit, -1) for made in decisions])
    visit_days = np.array([float(window.day) for window in plan.schedule] + [np.nan])
    accepted = np.array([made.chosen for made in decisions])[index] & ~not_done
    evaluators = _evaluators(table)
    units = codes_of([parameter.unit for parameter in MEASURED], np.where(not_done, -1, place))
    return typed_table(
        TR,
        {
            "STUDYID": codes_of([plan.trial.identifier], np.zeros_like(index)),
            "DOMAIN": codes_of(["TR"], np.zeros_like(index)),
            "USUBJID": codes_of([made.scan.subject for made in decisions], index),
            "TRSEQ": _from_start(_subject_numbers(decisions)[index]) + 1,
            "TRREFID": codes_of([made.scan.scan_id for made in decisions], index),
            "TRTESTCD": codes_of([*(parameter.code for parameter in MEASURED), ALL_TESTS], place),
            "TRTEST": codes_of([*(parameter.name for parameter in MEASURED), "All tests of the scan"], place),
            "TRORRES": pa.array(value, from_pandas=True).cast(pa.string()).dictionary_encode(),
            "TRORRESU": units,
            "TRSTRESN": value,
            "TRSTRESU": units,
            "TRSTAT": codes_of(["NOT DONE"], np.where(not_done, 0, -1)),
            "TRREASND": _why_not_done(table, index, place, not_done),
            "TRMETHOD": codes_of(["CT SCAN"], np.zeros_like(index)),
            "TREVAL": codes_of([evaluator for evaluator, _ in evaluators], index),
            "TREVALID": codes_of([name for _, name in evaluators], index),
            "TRACPTFL": codes_of(["Y"], np.where(accepted, 0, -1)),
            "VISITNUM": visit_days[visit_of_scan[index]],
            "VISIT": codes_of([made.visit or UNSCHEDULED_VISIT for made in decisions], index),
            "TRDTC": codes_of([str(made.scan.study_date or "") or None for made in decisions], index),
            "TRDY": np.array([_study_day(made.day) for made in decisions])[index],
        },
    )


def _evaluators(table: ScanTable) -> list[tuple[str, str]]:
    """Who evaluated each scan, and their names."""
    evaluators = []
    for said, readers in zip(table.texts["value_origin"], table.texts["readers"], strict=True):
        origin = ValueOrigin(said or ValueOrigin.MODEL)
        evaluators.append((EVALUATORS[origin], PROGRAM if origin is ValueOrigin.MODEL else readers))
    return evaluators


def _rows(decisions: tuple[Decision, ...]) -> tuple[Places, Places]:
    """Which scan and which parameter each row is about."""
    order = np.array(
        sorted(range(len(decisions)), key=lambda number: scan_order(decisions[number])), np.int64
    )
    measured = np.array([decisions[number].scan.is_measured for number in order], bool)
    index = np.repeat(order, np.where(measured, _ALL, 1))
    return index, np.where(np.repeat(measured, np.where(measured, _ALL, 1)), _from_start(index), _ALL)


def _from_start(groups: Places) -> Places:
    """Count from 0 within each run of equal values."""
    starts = np.flatnonzero(np.concatenate([[True], groups[1:] != groups[:-1]]))
    lengths = np.diff(np.append(starts, groups.size))
    return np.asarray(np.arange(groups.size) - np.repeat(starts, lengths), np.int64)


def scan_order(made: Decision) -> tuple[str, bool, str, str]:
    """Sort scans by subject, then date with undated ones last, then name."""
    scan = made.scan
    return scan.subject, scan.study_date is None, str(scan.study_date or ""), scan.scan_id


def _subject_numbers(decisions: tuple[Decision, ...]) -> Places:
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(made.scan.subject, len(numbers)) for made in decisions], np.int64)


def _study_day(day: int | None) -> float:
    """Count as CDISC does: there is no day 0."""
    if day is None:
        return np.nan
    return float(day + 1 if day >= 0 else day)


def _why_not_done(
    table: ScanTable, index: Places, place: Places, where: npt.NDArray[np.bool_]
) -> npt.NDArray[np.object_]:
    words = np.full(index.shape, "", object)
    names = {Status.FAILED: "FAILED", Status.NOT_EVALUABLE: "NOT EVALUABLE"}
    for row in np.flatnonzero(where):
        number, which = int(index[row]), int(place[row])
        scan = table.scans[number]
        if which == _ALL:
            words[row] = f"{names[scan.status]}: {scan.why}"
        else:
            words[row] = missing_figure_sentence(table, number, SOURCES[MEASURED[which].code].columns)
    return words
