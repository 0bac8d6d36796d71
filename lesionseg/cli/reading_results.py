"""``lesionseg reading agree`` and ``finalize``: what readers' results come to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lesionseg.cli.audit import KeyFileOption, given_key
from lesionseg.cli.options import JsonOption, OverwriteOption, QuietOption, VerboseOption
from lesionseg.cli.screen import GOOD, HINT, Screen

if TYPE_CHECKING:
    from rich.table import Table

    from lesionseg.readings.agreement import ReaderPair

_OutputOption = Annotated[
    Path, typer.Option("--output", "-o", show_default=False, help="Folder for the results.")
]


def agree(
    readings: Annotated[
        Path, typer.Argument(metavar="FOLDER", show_default=False, help="Folder of readings.")
    ],
    *,
    output: _OutputOption,
    plan: Annotated[
        Path | None,
        typer.Option(metavar="PLAN.yaml", help="Plan with a section readings: measure, limit."),
    ] = None,
    key_file: KeyFileOption = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Compare two readers over all scans that both have read: overlap, limits of agreement, ICC.

    Writes scans_of_two_readers.csv, summary.csv and agreement.json.
    """
    del verbose
    from lesionseg.workflow.reading.agree import AgreeRequest, compare_all

    screen = Screen("reading agree", as_json=as_json, quiet=quiet)
    request = AgreeRequest(readings, output, plan, given_key(key_file), overwrite)
    result = compare_all(request)
    for pair in result.pairs:
        screen.show(_pair_table(pair))
    screen.show(f"Every scan and figure: {result.folder / 'summary.csv'}")
    screen.show("Research use only.")
    screen.result({"folder": str(result.folder), **result.manifest})


def finalize(
    scans: Annotated[
        Path,
        typer.Argument(metavar="SCANS.csv", show_default=False, help="Table of scans, as trial writes it."),
    ],
    *,
    readings: Annotated[Path, typer.Option(metavar="FOLDER", show_default=False, help="Folder of readings.")],
    plan: Annotated[
        Path, typer.Option(metavar="PLAN.yaml", show_default=False, help="Plan with a section readings.")
    ],
    output: _OutputOption,
    key_file: KeyFileOption = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Put final values into the table of scans, by the plan's rule, with their origin.

    Writes scans.csv, which change takes, final_values.csv and finalize.json. Refuses while a scan has none.
    """
    del verbose
    from lesionseg.workflow.reading.finalize import FinalizeRequest
    from lesionseg.workflow.reading.finalize import finalize as run

    screen = Screen("reading finalize", as_json=as_json, quiet=quiet)
    request = FinalizeRequest(scans, readings, plan, output, given_key(key_file), overwrite)
    result = run(request)
    for origin, number in result.manifest["counts"].items():
        screen.mark(GOOD, f"{number} scan{'' if number == 1 else 's'}: {origin}")
    for folder in result.manifest["unrecorded"]:
        screen.mark(HINT, f"{folder} is in no record of the audit log and does not count.")
    screen.show(f"Next: lesionseg change {result.folder / 'scans.csv'} --plan {plan} -o VISITS")
    screen.show(f"Record {result.record.number} of the audit log; its hash: {result.record.sha256}")
    screen.show("Research use only.")
    audit = {"record": result.record.number, "sha256": result.record.sha256}
    screen.result({"folder": str(result.folder), **result.manifest, "audit_record": audit})


def _pair_table(pair: ReaderPair) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    title = f"{pair.readers[0]} and {pair.readers[1]}: {len(pair.scans)} scans; differences first - second"
    table = Table(title=Text(title), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    for name in ("Dice, mean", "bias, ml", "limits, ml", "ICC(2,1)"):
        table.add_column(name, justify="right")
    figures = {(each.region, each.measure, each.statistic): each.estimate.value for each in pair.pooled}
    for region in dict.fromkeys(each.region for each in pair.pooled):
        lower, upper = (figures[region, "volume_ml", name] for name in ("lower_limit", "upper_limit"))
        table.add_row(
            region,
            _text(figures[region, "dice", "mean"], 3),
            _text(figures[region, "volume_ml", "bias"], 1),
            f"{_text(lower, 1)} to {_text(upper, 1)}" if lower is not None else "",
            _text(figures[region, "volume_ml", "icc_agreement"], 3),
        )
    return table


def _text(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
