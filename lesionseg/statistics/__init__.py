"""Trial statistics: tidy tables in, estimates out. Imports `core` alone, so that it can be audited alone.

The names below load on first use: a test of ranks needs no pandas.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lesionseg.statistics.analysis.engine import analyze_trial
    from lesionseg.statistics.analysis.output import write_analysis
    from lesionseg.statistics.analysis.results import EndpointEstimate, TrialAnalysis
    from lesionseg.statistics.analysis.run import AnalysisRequest, run_analysis
    from lesionseg.statistics.analysis.trial_tables import TrialTables, read_trial_tables

__all__ = [
    "AnalysisRequest",
    "EndpointEstimate",
    "TrialAnalysis",
    "TrialTables",
    "analyze_trial",
    "read_trial_tables",
    "run_analysis",
    "write_analysis",
]

_HOMES = {
    "AnalysisRequest": "analysis.run",
    "EndpointEstimate": "analysis.results",
    "TrialAnalysis": "analysis.results",
    "TrialTables": "analysis.trial_tables",
    "analyze_trial": "analysis.engine",
    "read_trial_tables": "analysis.trial_tables",
    "run_analysis": "analysis.run",
    "write_analysis": "analysis.output",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
