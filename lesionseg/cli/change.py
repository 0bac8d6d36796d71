"""``lesionseg change``: from the table of scans to paired visits and changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lesionseg.cli.options import JsonOption, OverwriteOption, QuietOption, VerboseOption
from lesionseg.cli.screen import HINT, Screen

if TYPE_CHECKING:
    from rich.table import Table

    from lesionseg.longitudinal import ChangeResult


def change(
    scans: Annotated[
        Path,
        typer.Argument(metavar="SCANS.csv", show_default=False, help="Table of scans, as trial writes it."),
    ],
    *,
    plan: Annotated[
        Path, typer.Option(metavar="PLAN.yaml", show_default=False, help="Analysis plan with the schedule.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", show_default=False, help="Folder for the tables.")
    ],
    subjects: Annotated[
        Path | None,
        typer.Option(
            metavar="SUBJECTS.csv",
            help="Table of subject, day_zero, birth_date; needed where visits are found by date.",
        ),
    ] = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Decide which scan is which visit, and by how much lesions changed from the baseline.

    Writes the analysis table adlesion.csv and adlesion.parquet, pairing.csv, comparability.csv, tr.csv,
    blinded_summary.csv, data_dictionary.csv and change_manifest.json. Knows no treatment arm.
    """
    del verbose
    from lesionseg.longitudinal import CHANGE_FILES, CHANGE_FORMAT, MANIFEST, ChangeRequest, make_changes
    from lesionseg.workflow.output import OwnOutput, refuse_output

    screen = Screen("change", as_json=as_json, quiet=quiet)
    refuse_output(output, OwnOutput(CHANGE_FILES, MANIFEST, CHANGE_FORMAT), overwrite=overwrite)
    _report(screen, make_changes(ChangeRequest(scans, plan, output, subjects, overwrite=overwrite)))


def _report(screen: Screen, result: ChangeResult) -> None:
    facts = result.manifest
    screen.show(_table(facts))
    scans = facts["scans"]
    for reason in ("outside-windows", "no-date", "no-day-zero", "given-outside-window", "same-day"):
        if number := scans["by_reason"].get(reason):
            screen.mark(HINT, f"{_counted(number, 'scan')}: {_meaning(reason)}.")
    for flag, number in facts["comparability_flags"].items():
        screen.mark(HINT, f"{_counted(number, 'pair')} flagged {flag}.")
    for note in facts["notes"]:
        screen.mark(HINT, note)
    screen.show(f"Every decision: {result.folder / 'pairing.csv'}; analysis table: adlesion.csv beside it")
    screen.show("Research use only.")
    screen.result({"folder": str(result.folder), **facts})


def _table(facts: dict[str, Any]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    title = f"{_counted(facts['subjects'], 'subject')}, {_counted(facts['scans']['found'], 'scan')}"
    table = Table(title=Text(title), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("visit", overflow="fold")
    for name in ("measured", "failed or not evaluable", "no scan"):
        table.add_column(name, justify="right")
    for visit, counts in facts["visits"].items():
        numbers = (counts["measured"], counts["without_figures"], counts["no_scan"])
        table.add_row(Text(visit), *(str(number) for number in numbers))
    return table


def _meaning(reason: str) -> str:
    from lesionseg.longitudinal.pairing_words import MEANINGS, Reason

    return MEANINGS[Reason(reason)]


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
