"""``lesionseg analyze``: the arms compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lesionseg.cli.options import JsonOption, OverwriteOption, QuietOption, VerboseOption
from lesionseg.cli.screen import BAD, HINT, Screen

if TYPE_CHECKING:
    from rich.table import Table

    from lesionseg.statistics import EndpointEstimate, TrialAnalysis

_ARMS_MISSING = "Without the arms there is nothing to compare; `lesionseg change` writes a blinded summary."


def analyze(
    changes: Annotated[
        Path,
        typer.Argument(
            metavar="CHANGES", show_default=False, help="Result folder of change, or its adlesion table."
        ),
    ],
    *,
    plan: Annotated[Path, typer.Option(metavar="PLAN.yaml", show_default=False, help="Analysis plan.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", show_default=False, help="Folder for the results.")
    ],
    arms: Annotated[
        Path | None,
        typer.Option(metavar="ARMS.csv", help="Table of subjects and arms; needed."),
    ] = None,
    endpoints: Annotated[
        Path | None,
        typer.Option(metavar="ENDPOINTS.csv", help="Table of further endpoints."),
    ] = None,
    adverse_events: Annotated[
        Path | None,
        typer.Option("--adverse-events", metavar="EVENTS.csv", help="Table of adverse events."),
    ] = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Compare the arms of a trial as its plan says.

    Writes analysis.json, estimates.csv, responders.csv, adverse_events_by_arm.csv, adsl.csv, adtrial.csv,
    adtrial.parquet and data_dictionary.csv.
    """
    del verbose
    if arms is None:
        raise typer.BadParameter(_ARMS_MISSING, param_hint="--arms")
    from lesionseg.statistics import AnalysisRequest, run_analysis
    from lesionseg.statistics.analysis.output import ANALYSIS_FILE, ANALYSIS_FILES
    from lesionseg.statistics.analysis.results import SCHEMA
    from lesionseg.workflow.output import OwnOutput, refuse_output

    refuse_output(output, OwnOutput(ANALYSIS_FILES, ANALYSIS_FILE, SCHEMA), overwrite=overwrite)
    screen = Screen("analyze", as_json=as_json, quiet=quiet)
    request = AnalysisRequest(
        changes, plan, arms, output, endpoints=endpoints, adverse_events=adverse_events, overwrite=overwrite
    )
    _report(screen, run_analysis(request), output)


def _report(screen: Screen, analysis: TrialAnalysis, folder: Path) -> None:
    screen.show(_table(analysis))
    for row in analysis.estimates:
        if row.analysis == "primary" and row.estimate.effect is None:
            notes = "; ".join(row.estimate.notes)
            screen.mark(BAD, f"{row.endpoint.name} could not be compared: {notes}")
    absent = analysis.flow["not_scanned"]
    if absent:
        screen.mark(HINT, f"{len(absent)} randomised without a scan at any visit: {_some(absent)}")
    left_out = {row.subject for row in analysis.excluded}
    if left_out:
        screen.mark(
            HINT, f"{len(left_out)} subjects left out of at least one endpoint; analysis.json says why"
        )
    screen.show(f"All analyses: {folder / 'estimates.csv'}")
    screen.show("Research use only.")
    screen.result(_as_dict(analysis, folder))


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:10])
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10} more"


def _table(analysis: TrialAnalysis) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    arms = analysis.plan.arms
    title = f"{arms.treatment} - {arms.control}, {100 * (1 - analysis.plan.alpha):g} % intervals"
    table = Table(
        title=Text(title), title_justify="left", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True
    )
    for name in ("endpoint", "analysis"):
        table.add_column(name, no_wrap=True)
    for name in ("effect", "interval", "P", "P adjusted", "n"):
        table.add_column(name, justify="right")
    for row in analysis.estimates:
        table.add_row(*(Text(cell) for cell in _cells(row)))
    return table


def _cells(row: EndpointEstimate) -> tuple[str, ...]:
    found = row.estimate
    return (
        f"{row.endpoint.name} ({row.endpoint.role})" if row.analysis == "primary" else "",
        row.analysis,
        "-" if found.effect is None else f"{found.effect:.4g} {row.unit}".strip(),
        f"{_end(found.low)} to {_end(found.high)}" if found.effect is not None else "-",
        _p(found.p_value),
        _p(row.p_adjusted),
        f"{found.n_treatment} + {found.n_control}",
    )


def _end(value: float | None) -> str:
    return "open" if value is None else f"{value:.4g}"


def _p(value: float | None) -> str:
    if value is None:
        return ""
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"


def _as_dict(analysis: TrialAnalysis, folder: Path) -> dict[str, Any]:
    whole = analysis.as_dict()
    shown = ("trial", "arms", "estimates", "responders", "flow", "inputs", "versions")
    return {"folder": str(folder), **{name: whole[name] for name in shown}}
