"""``lesionseg validate``: label maps against reference masks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lesionseg.cli.options import JsonOption, OverwriteOption, QuietOption, VerboseOption
from lesionseg.cli.run import SOME_FAILED
from lesionseg.cli.screen import BAD, HINT, Screen

if TYPE_CHECKING:
    from rich.table import Table

    from lesionseg.volumetry.agreement import ComparisonSettings
    from lesionseg.volumetry.agreement.findings import Findings
    from lesionseg.workflow.validation.run import ValidationResult

_WHAT = "Label map, result folder of segment, or folder of either kind."
_LABELS = "NAME=VALUE[+VALUE],..."


def validate(
    predictions: Annotated[
        Path, typer.Argument(metavar="PREDICTIONS", show_default=False, help=f"What was found. {_WHAT}")
    ],
    references: Annotated[
        Path, typer.Argument(metavar="REFERENCES", show_default=False, help=f"What is true. {_WHAT}")
    ],
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", show_default=False, help="Folder for the results.")
    ],
    regions: Annotated[
        str, typer.Option(metavar="NAME,...", help="Of lung, lesion, non_solid, solid; default: all in both.")
    ] = "",
    reference_labels: Annotated[
        str,
        typer.Option(metavar=_LABELS, help="What the references' values mean; for lesion masks: lesion=1."),
    ] = "lung=1,non_solid=2,solid=3",
    prediction_labels: Annotated[
        str, typer.Option(metavar=_LABELS, help="What the predictions' values mean.")
    ] = "lung=1,non_solid=2,solid=3",
    tolerance_mm: Annotated[float, typer.Option("--tolerance-mm", help="Of the surface Dice.")] = 2.0,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap intervals.")] = 0,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Compare label maps with reference masks, matched by case name.

    Writes cases.csv, summary.csv, summary.json, report.html and manifest.json.

    Exit code 3 if a reference could not be compared.
    """
    del verbose
    settings = _settings(regions, prediction_labels, reference_labels, tolerance_mm)
    from lesionseg.volumetry.agreement import Resampling
    from lesionseg.workflow.request import Watch
    from lesionseg.workflow.validation.run import ValidationRequest
    from lesionseg.workflow.validation.run import validate as run

    screen = Screen("validate", as_json=as_json, quiet=quiet)
    request = ValidationRequest(
        predictions, references, output, settings, Resampling(seed=seed), overwrite=overwrite
    )
    with screen.progress() as progress:
        result = run(request, watch=Watch(progress=progress))
    _report(screen, result)
    if not result.findings.complete:
        raise typer.Exit(SOME_FAILED)


def _settings(regions: str, predictions: str, references: str, tolerance_mm: float) -> ComparisonSettings:
    """Read the options; what makes no sense is misuse of the command line."""
    from lesionseg.core.errors import ConfigurationError
    from lesionseg.volumetry.agreement import ComparisonSettings, RegionLabels

    names = tuple(name.strip() for name in regions.split(",")) if regions else ()
    try:
        return ComparisonSettings(
            RegionLabels.parse(predictions), RegionLabels.parse(references), names, tolerance_mm
        )
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from error


def _report(screen: Screen, result: ValidationResult) -> None:
    findings = result.findings
    screen.show(_table(findings))
    for left in findings.left_out:
        screen.mark(HINT if left.status == "no-reference" else BAD, f"{left.case}: {left.problem}")
    for note in findings.notes:
        screen.mark(HINT, note)
    for warning in result.warnings:
        screen.mark(BAD, warning)
    screen.show(f"Every case, plots and rules: {result.folder / 'report.html'}")
    screen.show("Research use only.")
    screen.result(_as_dict(result), ok=findings.complete)


def _table(findings: Findings) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from lesionseg.reports.validation.words import REGION_NAMES, amount, pooled_cell, share, signed

    cases = f"{len(findings.compared)} case{'' if len(findings.compared) == 1 else 's'} compared"
    title = f"{cases}; means with 95 % intervals; surface Dice at {findings.settings.tolerance_mm:g} mm"
    columns = (
        ("Dice", "dice", "mean", share),
        ("surface Dice", "surface_dice", "mean", share),
        ("bias, ml", "volume_ml", "bias", signed(amount)),
        ("bias, points", "proportion_pct", "bias", signed(amount)),
    )
    table = Table(
        title=Text(title), title_justify="left", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True
    )
    table.add_column("", no_wrap=True)
    for name, *_ in columns:
        table.add_column(name, justify="right")
    for region in findings.settings.compared:
        cells = [pooled_cell(findings.figure(region, *which), write) for _, *which, write in columns]
        words = (f"{cell.text}\n{cell.interval}".strip() for cell in cells)
        table.add_row(REGION_NAMES[region], *words)
    return table


def _as_dict(result: ValidationResult) -> dict[str, Any]:
    manifest = result.manifest
    return {
        "folder": str(result.folder),
        "cases": manifest["cases"],
        "summary": [figure.as_row() for figure in result.findings.pooled],
        "left_out": manifest["left_out"],
        "notes": manifest["notes"],
        "warnings": manifest["warnings"],
        "settings": manifest["settings"],
        "times": manifest["times"],
    }
