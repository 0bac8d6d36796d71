"""From table files to the folder of an analysis: read, compare, write whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lesionseg.core.files import refuse_existing_output, staged_folder
from lesionseg.core.plan import read_plan
from lesionseg.statistics.analysis.engine import analyze_trial
from lesionseg.statistics.analysis.output import write_analysis
from lesionseg.statistics.analysis.results import TrialAnalysis
from lesionseg.statistics.analysis.trial_tables import read_trial_tables


@dataclass(frozen=True)
class AnalysisRequest:
    """What to analyse and where to write.

    Attributes
    ----------
    changes : Path
        Results folder of ``change``, or its ``adlesion`` file.
    plan, arms : Path
    output : Path
        Folder to make.
    endpoints, adverse_events : Path, optional
    overwrite : bool
        Replace a filled output folder, once the new one is complete.
    """

    changes: Path
    plan: Path
    arms: Path
    output: Path
    endpoints: Path | None = None
    adverse_events: Path | None = None
    overwrite: bool = False


def run_analysis(request: AnalysisRequest) -> TrialAnalysis:
    """Analyse and write; on any failure the output folder is as it was.

    Raises
    ------
    InputNotFoundError, PlanError, TableError
        If a file is absent or faulty, or they do not fit together.
    OutputExistsError, OutputError
        If the folder may not or cannot be written.
    """
    refuse_existing_output(request.output, overwrite=request.overwrite)
    plan = read_plan(request.plan)
    tables = read_trial_tables(
        request.changes,
        request.arms,
        plan,
        endpoints=request.endpoints,
        adverse_events=request.adverse_events,
    )
    analysis = analyze_trial(tables, plan)
    with staged_folder(request.output, overwrite=request.overwrite) as folder:
        write_analysis(analysis, folder)
    return analysis
