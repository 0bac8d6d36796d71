"""The last steps of a trial: arms are joined and compared, and the report is written."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lesionseg.workflow.trial.pages import attempt
from lesionseg.workflow.trial.request import ANALYSIS, REPORT, REPORT_PDF, SCANS_CSV, VISITS, TrialRequest

if TYPE_CHECKING:
    from lesionseg.statistics import TrialAnalysis


def compare_arms(request: TrialRequest, arms: Path) -> TrialAnalysis:
    """Read the arm table, now that everything else is on disk, and write ``analysis/``.

    Raises
    ------
    InputError, AnalysisError
        As `lesionseg.statistics.analyze_trial` does.
    """
    from lesionseg.statistics import AnalysisRequest, run_analysis

    return run_analysis(
        AnalysisRequest(
            request.output / VISITS,
            request.plan,
            arms,
            request.output / ANALYSIS,
            endpoints=request.endpoints,
            adverse_events=request.adverse_events,
            overwrite=True,
        )
    )


def write_reports(folder: Path, plan: Path, *, unblinded: bool, pdf: bool) -> tuple[str, ...]:
    """Write ``report.html`` and ``report.pdf`` from what lies in the folder; return what went wrong.

    The plan tells a blinded report its endpoints; an analysis has its own.
    """
    from lesionseg.reports.trial.report import write_trial_report

    analysis = folder / ANALYSIS if unblinded else None
    html = partial(
        write_trial_report,
        analysis,
        folder / VISITS,
        folder / REPORT,
        scans=folder / SCANS_CSV,
        plan=None if unblinded else plan,
    )
    warnings = attempt("the report", html)
    if pdf and not warnings:
        warnings += attempt("the report as PDF", partial(_print_pdf, folder))
    return warnings


def _print_pdf(folder: Path) -> None:
    from lesionseg.reports.pdf import write_pdf

    write_pdf((folder / REPORT).read_text(encoding="utf-8"), folder / REPORT_PDF)
