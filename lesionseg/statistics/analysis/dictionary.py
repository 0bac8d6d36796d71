"""What every column of the analysis tables means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lesionseg.statistics.analysis.results import TrialAnalysis

_COMPARED = {
    "method": "Test and estimator",
    "effect": "Treatment minus control, in the unit",
    "low": "Lower end of the confidence interval; empty: open",
    "high": "Upper end of the confidence interval; empty: open",
    "p_value": "P value, not adjusted",
}
ESTIMATES = {
    "endpoint": "Name of the endpoint in the plan",
    "parameter": "Code of the parameter (PARAMCD)",
    "parameter_name": "Parameter in words (PARAM)",
    "visit": "Visit (AVISIT)",
    "change": "absolute: CHG; relative: PCHG",
    "unit": "Unit of effect, interval and medians",
    "role": "primary, secondary or exploratory",
    "population": "Population of the plan",
    "analysis": "primary, stratified, ancova, ancova-log-ratio, repeated-measures, sensitivity:RULE",
    "method": _COMPARED["method"],
    "effect": _COMPARED["effect"],
    "low": _COMPARED["low"],
    "high": _COMPARED["high"],
    "confidence_pct": "Confidence of the interval, where too few values keep it below the plan's; %",
    "p_value": _COMPARED["p_value"],
    "p_adjusted": "P value adjusted for multiplicity; primary analyses only",
    "significant": "Y: p_adjusted is at most alpha",
    "n_treatment": "Subjects compared, treatment",
    "n_control": "Subjects compared, control",
    "median_treatment": "Median of the observed changes, treatment",
    "median_control": "Median of the observed changes, control",
    "exact": "Y: P from the exact permutation distribution",
    "notes": "What a reader must know",
}
RESPONDERS = {
    "responder": "Name in the plan",
    **{name: ESTIMATES[name] for name in ("parameter", "parameter_name", "visit", "change")},
    "at_most": "Responders have at most this change",
    "at_least": "Responders have at least this change",
    "population": "Population of the plan",
    "missing": "left-out: only subjects with a value; non-responder: missing is no response",
    "yes_treatment": "Responders, treatment",
    "n_treatment": "Subjects counted, treatment",
    "pct_treatment": "Per cent, treatment",
    "yes_control": "Responders, control",
    "n_control": "Subjects counted, control",
    "pct_control": "Per cent, control",
    **_COMPARED,
    "effect": "Risk difference, treatment minus control, in percentage points",
    "notes": "What a reader must know",
}
ADVERSE_EVENTS = {
    "term": "Event; any event comes first",
    "subjects_treatment": "Subjects with it at least once, treatment",
    "n_treatment": "Subjects randomised, treatment",
    "pct_treatment": "Per cent, treatment",
    "events_treatment": "Events, treatment",
    "subjects_control": "Subjects with it at least once, control",
    "n_control": "Subjects randomised, control",
    "pct_control": "Per cent, control",
    "events_control": "Events, control",
    **_COMPARED,
    "effect": "Risk difference, treatment minus control, in percentage points",
    "notes": "What a reader must know",
}
TRIAL = {
    "STUDYID": "Study identifier",
    "USUBJID": "Subject",
    "TRT01P": "Planned treatment",
    "PARAMCD": "Parameter code",
    "PARAM": "Parameter in words with its unit",
    "PARAMN": "Parameter number; further endpoints from 101",
    "AVISIT": "Visit of the schedule",
    "AVISITN": "Day of the visit in the schedule",
    "ADT": "Date of the scan",
    "ADY": "Day of the scan, counted from the subject's day zero",
    "SCANID": "Scan the value comes from",
    "AVAL": "Value",
    "AVALLO": "Lower end of the value's uncertainty interval",
    "AVALHI": "Upper end of the value's uncertainty interval",
    "BASE": "Value at baseline",
    "CHG": "AVAL - BASE; in percentage points for a parameter in %",
    "PCHG": "100 * (AVAL - BASE) / BASE, in %",
    "ABLFL": "Y: baseline visit",
    "ANL01FL": "Y: the row has a value to analyse",
    "REASCD": "Code of the reason why AVAL, CHG or PCHG is missing",
    "REAS": "Reason in words",
    "QFLAGS": "Quality flags of the scan and of its comparison with baseline",
}
_SUBJECTS = {
    "STUDYID": "Study identifier",
    "USUBJID": "Subject; every randomised one has a row",
    "TRT01P": "Planned treatment",
    "SCANFL": "Y: has at least one scan",
}


def dictionary_rows(analysis: TrialAnalysis) -> list[dict[str, str]]:
    """Return one row per table and column: `table`, `column`, `label`."""
    return list(_rows(analysis))


def _rows(analysis: TrialAnalysis) -> Iterator[dict[str, str]]:
    tables = {"adtrial": TRIAL, "adsl": _subject_labels(analysis), "estimates": ESTIMATES}
    tables |= {"responders": RESPONDERS, "adverse_events_by_arm": ADVERSE_EVENTS}
    for table, columns in tables.items():
        for column, label in columns.items():
            yield {"table": table, "column": column, "label": label}


def _subject_labels(analysis: TrialAnalysis) -> dict[str, str]:
    flags = {
        population.variable: f"Y: in the population {population.name}"
        for population in analysis.plan.populations
    }
    known = {**_SUBJECTS, **flags}
    return {str(name): known.get(str(name), "Column of the arm table") for name in analysis.adsl.columns}
