"""``lesionseg trial``: from a folder of DICOM and a few tables to the trial's answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lesionseg.cli.options import (
    DeterministicOption,
    DeviceOption,
    FlipsOption,
    JsonOption,
    ModelOption,
    QuietOption,
    RepairOption,
    RuntimeOption,
    ThreadsOption,
    VerboseOption,
)
from lesionseg.cli.run import SOME_FAILED
from lesionseg.cli.screen import BAD, GOOD, HINT, Screen

if TYPE_CHECKING:
    from rich.table import Table

    from lesionseg.workflow.trial.request import TrialResult

_SHOWN = 10


def _table_option(metavar: str, text: str) -> Any:
    return typer.Option(metavar=metavar, show_default=False, help=text)


def trial(
    dicom: Annotated[
        Path,
        typer.Argument(
            metavar="DICOM", show_default=False, help="Folder with the scans of all patients and visits."
        ),
    ],
    *,
    plan: Annotated[Path, _table_option("PLAN.yaml", "Analysis plan: schedule, endpoints, rules.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            show_default=False,
            help="Folder for the results; an earlier run is gone on with.",
        ),
    ],
    visits: Annotated[
        Path | None,
        _table_option(
            "VISITS.csv", "Which scan is whose and of which visit. Without: by patient ID and study date."
        ),
    ] = None,
    subjects: Annotated[
        Path | None,
        _table_option("SUBJECTS.csv", "Day zero of each subject; needed where visits are found by date."),
    ] = None,
    arms: Annotated[
        Path | None,
        _table_option("ARMS.csv", "Who was in which arm. Without: everything but the comparison."),
    ] = None,
    endpoints: Annotated[
        Path | None, _table_option("ENDPOINTS.csv", "Further endpoints, such as a walking distance.")
    ] = None,
    adverse_events: Annotated[
        Path | None,
        typer.Option("--adverse-events", metavar="EVENTS.csv", show_default=False, help="Adverse events."),
    ] = None,
    repair: RepairOption = [],  # noqa: B006 - Typer makes a new list for every call
    model: ModelOption = None,
    device: DeviceOption = "auto",
    runtime: RuntimeOption = "auto",
    threads: ThreadsOption = None,
    deterministic: DeterministicOption = False,
    flips: FlipsOption = False,
    pdf: Annotated[
        bool, typer.Option("--pdf/--no-pdf", metavar="", help="Print the report as PDF too.")
    ] = True,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", metavar="", help="Measure every scan anew, also those that an earlier run has."
        ),
    ] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Measure every scan of a trial, pair the visits, and with arms compare them.

    Plan and tables are checked before the first scan. Writes scans.csv, cases/, visits/, patients/,
    report.html, report.pdf, manifest.json, and with arms analysis/. Run it again to go on after an
    interruption.

    Exit code 3 if a scan could not be measured.
    """
    del verbose
    from lesionseg.cli.licence import note_licence
    from lesionseg.workflow.request import CaseSettings, SegmenterSettings, Watch
    from lesionseg.workflow.segmenting import DeferredSegmenter
    from lesionseg.workflow.trial.request import TrialRequest, TrialSettings
    from lesionseg.workflow.trial.run import run_trial

    screen = Screen("trial", as_json=as_json, quiet=quiet)
    request = TrialRequest(dicom, plan, output, visits, subjects, arms, endpoints, adverse_events)
    how = SegmenterSettings(model, device, runtime, threads, deterministic, flips)
    settings = TrialSettings(CaseSettings(segmenter=how), tuple(repair), pdf, overwrite)
    with screen.progress() as progress:
        segmenter = DeferredSegmenter.from_settings(how)
        note_licence(screen, getattr(segmenter, "bundle", None))
        result = run_trial(request, segmenter, settings=settings, watch=Watch(progress=progress))
    show_trial(screen, result)
    screen.result(trial_as_dict(result), ok=result.complete)
    if not result.complete:
        raise typer.Exit(SOME_FAILED)


def show_trial(screen: Screen, result: TrialResult) -> None:
    """Tell what was measured, what was not and why, and the answer if the arms are open."""
    screen.show(_visit_table(result))
    failed = [outcome for outcome in result.outcomes if outcome.status != "measured"]
    _marked(screen, BAD, [f"{outcome.scan.scan_id}: {outcome.reason_text}" for outcome in failed])
    _marked(screen, HINT, [f"{left.path}: {left.reason}" for left in result.left_over])
    _marked(screen, HINT, [*result.notes, *result.changes["notes"]])
    _marked(screen, BAD, list(result.warnings))
    _show_answer(screen, result)
    screen.show(f"The report: {result.folder / 'report.html'}")
    screen.show("Research use only.")


def _marked(screen: Screen, kind: str, lines: list[str]) -> None:
    for line in lines[:_SHOWN]:
        screen.mark(kind, line)
    if len(lines) > _SHOWN:
        screen.mark(kind, f"and {len(lines) - _SHOWN} more; manifest.json lists all")


def _show_answer(screen: Screen, result: TrialResult) -> None:
    from lesionseg.reports.trial.headline import Arms, Rules, headline

    if result.analysis is None:
        screen.mark(HINT, "No arms were given: the report is blinded. Run again with --arms to compare them.")
        return
    plan = result.analysis.plan
    arms, rules = Arms(plan.arms.treatment, plan.arms.control), Rules(plan.alpha, plan.alternative)
    for estimate in result.analysis.estimates:
        if estimate.analysis == "primary" and estimate.endpoint.role == "primary":
            words = headline(estimate.as_dict(), arms, rules)
            screen.mark(GOOD, f"{words.sentence} {words.certainty}")
            _marked(screen, HINT, list(words.remarks))


def _visit_table(result: TrialResult) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    counts, changes = result.manifest["counts"], result.changes
    taken_over = len(result.manifest["times"]["taken_over"])
    title = f"{changes['subjects']} subjects, {sum(counts.values())} scans"
    title += f", {taken_over} taken over from an earlier run" if taken_over else ""
    table = Table(title=Text(title), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("visit", overflow="fold")
    for name in ("measured", "failed or not evaluable", "no scan"):
        table.add_column(name, justify="right")
    for visit, found in changes["visits"].items():
        numbers = (found["measured"], found["without_figures"], found["no_scan"])
        table.add_row(Text(visit), *(str(number) for number in numbers))
    return table


def trial_as_dict(result: TrialResult) -> dict[str, Any]:
    """Return what ``--json`` prints of a trial."""
    manifest, analysis = result.manifest, result.analysis
    return {
        "folder": str(result.folder),
        "counts": manifest["counts"],
        "scans": manifest["scans"],
        "visits": result.changes["visits"],
        "estimates": None if analysis is None else [row.as_dict() for row in analysis.estimates],
        "left_over": manifest["left_over"],
        "notes": [*manifest["notes"], *result.changes["notes"]],
        "warnings": manifest["warnings"],
        "times": manifest["times"],
    }
