"""The trial report: the trial's answer and all it stands on, in one HTML file that needs no network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lesionseg.core.files import write_text
from lesionseg.reports.page import NOTICE, render_page
from lesionseg.reports.trial.baseline import baseline_table
from lesionseg.reports.trial.counts import event_table, responder_table, tipping_words
from lesionseg.reports.trial.estimates import (
    PRIMARY,
    analysis_forest,
    endpoint_forest,
    estimate_tables,
    notes_of,
    sensitivity_table,
)
from lesionseg.reports.trial.figures import course_figure, outcome_figures, visit_table
from lesionseg.reports.trial.flow import flow_figure
from lesionseg.reports.trial.headline import Arms, Rules, headline
from lesionseg.reports.trial.input import ReportInput, read_report_input
from lesionseg.reports.trial.patients import Cohort, Outcome, cohort_of, outcomes_of
from lesionseg.reports.trial.provenance import provenance
from lesionseg.reports.trial.quality import (
    excluded_patients,
    failed_scans,
    flagged_scans,
    missing_patients,
    quality_sentence,
    unlike_pairs,
    unpaired_scans,
)
from lesionseg.reports.trial.table import Figure

TEMPLATE = "trial_report.html.j2"
_IMAGING = (
    "Lungs, whole lesion and solid component were labelled on chest CT by lesionseg and measured on each "
    "scan's own grid. A proportion is the labelled volume in % of the lung, lesions included. Each patient's "
    "scans were assigned to the visits of the schedule by the plan's windows; change is counted from the "
    "baseline visit. Whatever labels and measures a scan knows no arm."
)
_MULTIPLICITY = {
    "holm": "P is adjusted by Holm's method over primary and secondary endpoints.",
    "fixed-sequence": "P is adjusted for testing primary and secondary endpoints in the order of the plan.",
    "none": "P is not adjusted for several endpoints.",
}


def write_trial_report(
    analysis: Path | None,
    changes: Path | None,
    path: Path,
    *,
    scans: Path | None = None,
    plan: Path | None = None,
) -> None:
    """Write the report; the same folders give the same bytes.

    Parameters
    ----------
    analysis : Path or None
        Folder of ``lesionseg analyze``; None leaves the arms closed: the report shows pooled figures only.
    changes : Path or None
        Folder of ``lesionseg change``; without it the report cannot list scans that were not used.
    path : Path
    scans : Path, optional
        ``scans.csv``; without it the report lists neither failed nor flagged scans.
    plan : Path, optional
        Tells a blinded report the endpoints and the schedule, and nothing else; without it the report shows
        whole lesion and solid component at day 28. An analysis has its own plan.

    Raises
    ------
    InputError
        If a folder lacks its tables, or one of them is damaged.
    OutputError
        If the file cannot be written.
    """
    write_text(path, render_trial_report(read_report_input(analysis, changes, scans=scans, plan=plan)))


def render_trial_report(source: ReportInput) -> str:
    """Return the report as HTML; every name in it is escaped."""
    plan = source.plan
    cohort = cohort_of(source, plan)
    outcomes = outcomes_of(source, plan)
    content: dict[str, Any] = {
        "notice": NOTICE,
        "blinded": cohort.blinded,
        "trial": _trial(source, plan),
        "plan_sha256": str(plan.get("sha256") or ""),
        "patients": [outcome_figures(cohort, outcome, plan.get("responders") or ()) for outcome in outcomes],
        "courses": _courses(cohort, outcomes),
        "visit_table": visit_table(cohort, outcomes),
        "flow": flow_figure(cohort, outcomes, (source.analysis or {}).get("flow")),
        "quality": quality_sentence(source),
        "scans_given": bool(source.scans),
        "failed": failed_scans(source),
        "flagged": flagged_scans(source),
        "unlike": unlike_pairs(source),
        "unpaired": unpaired_scans(source),
        "imaging": _IMAGING,
        "provenance": provenance(source),
    }
    if source.analysis is None:
        content |= {"excluded": missing_patients(cohort, outcomes)}
    else:
        content |= _comparison(source.analysis)
    return render_page(TEMPLATE, content)


def _comparison(analysis: Mapping[str, Any]) -> dict[str, Any]:
    """Return what only a report with arms has."""
    arms = Arms(str(analysis["arms"]["treatment"]), str(analysis["arms"]["control"]))
    rules = Rules(float(analysis["plan"]["alpha"]), str(analysis["plan"]["alternative"]))
    estimates = analysis["estimates"]
    primary = [each for each in estimates if each["analysis"] == PRIMARY and each["role"] == "primary"]
    return {
        "arms": arms,
        "headlines": [headline(each, arms, rules) for each in primary],
        "baseline": baseline_table(analysis, arms),
        "endpoint_forest": endpoint_forest(estimates, arms, rules),
        "analysis_forests": [
            found for each in primary if (found := analysis_forest(estimates, each["endpoint"], arms, rules))
        ],
        "estimate_tables": estimate_tables(estimates, arms, rules),
        "multiplicity": _MULTIPLICITY.get(str(analysis["plan"].get("multiplicity")), ""),
        "alpha": f"{rules.alpha:g}",
        "notes": notes_of(estimates),
        "sensitivity": sensitivity_table(estimates, arms, rules),
        "tipping": tipping_words(analysis.get("tipping_points") or (), arms),
        "responders": responder_table(analysis.get("responders") or (), arms, rules),
        "events": event_table(analysis.get("adverse_events") or (), arms, rules),
        "events_given": analysis.get("adverse_events") is not None,
        "excluded": excluded_patients(analysis.get("excluded") or ()),
        "methods": str(analysis.get("methods_text") or ""),
    }


def _trial(source: ReportInput, plan: Mapping[str, Any]) -> dict[str, str]:
    trial = plan.get("trial") or {}
    study = str(source.figures[0].get("STUDYID") or "") if source.figures else ""
    return {"identifier": str(trial.get("identifier") or study), "title": str(trial.get("title") or "")}


def _courses(cohort: Cohort, outcomes: list[Outcome]) -> list[Figure]:
    first = {outcome.parameter: outcome for outcome in reversed(outcomes)}
    ordered = sorted(first.values(), key=outcomes.index)
    return [figure for outcome in ordered if (figure := course_figure(cohort, outcome))]
