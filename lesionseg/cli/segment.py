"""``lesionseg segment``: one scan in, a folder of results out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lesionseg.cli.export import EVERY, export_payload, export_settings, known_formats, show_export
from lesionseg.cli.export import FORMATS as EXPORT_FORMATS
from lesionseg.cli.options import (
    DeterministicOption,
    DeviceOption,
    FlipsOption,
    JsonOption,
    ModelOption,
    OverwriteOption,
    QuietOption,
    RepairOption,
    RuntimeOption,
    ThreadsOption,
    VerboseOption,
)
from lesionseg.cli.screen import BAD, HINT, Screen

if TYPE_CHECKING:
    from rich.table import Table

    from lesionseg.workflow.export.request import ExportResult
    from lesionseg.workflow.request import CaseResult


def segment(
    input_path: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT",
            show_default=False,
            help="DICOM folder or file; or a .nii.gz, .nrrd or .mha volume in HU.",
        ),
    ],
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", show_default=False, help="Folder for the results.")
    ],
    series: Annotated[
        str | None, typer.Option("--series", metavar="UID", help="The series to use where there are several.")
    ] = None,
    repair: RepairOption = [],  # noqa: B006 - Typer makes a new list for every call
    model: ModelOption = None,
    device: DeviceOption = "auto",
    runtime: RuntimeOption = "auto",
    threads: ThreadsOption = None,
    deterministic: DeterministicOption = False,
    flips: FlipsOption = False,
    export: Annotated[
        list[str],
        typer.Option(
            "--export",
            metavar="|".join((*EXPORT_FORMATS, EVERY)),
            callback=known_formats,
            show_default=False,
            help="Write the case in this format too, into the folder export; may be repeated.",
        ),
    ] = [],  # noqa: B006
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Segment lungs and lesions of one chest CT, measure them, and draw a picture to judge them by.

    Writes labels.nii.gz, measurements.json, measurements.csv, overview.png and manifest.json.
    """
    del verbose  # read by the runner, before anything is imported
    from lesionseg.cli.licence import note_licence
    from lesionseg.workflow.case import segment_case
    from lesionseg.workflow.loading import refuse_absent_input
    from lesionseg.workflow.output import refuse_output
    from lesionseg.workflow.request import CASE_OUTPUT, CaseRequest, CaseSettings, SegmenterSettings, Watch
    from lesionseg.workflow.segmenting import DeferredSegmenter

    screen = Screen("segment", as_json=as_json, quiet=quiet)
    refuse_absent_input(input_path)
    request = CaseRequest(input_path, output, series, tuple(repair), overwrite)
    refuse_output(output, CASE_OUTPUT, overwrite=overwrite)  # before the model is loaded
    _refuse_export(input_path, export)
    how = SegmenterSettings(model, device, runtime, threads, deterministic, flips)
    with screen.progress() as progress:
        segmenter = DeferredSegmenter.from_settings(how)
        note_licence(screen, getattr(segmenter, "bundle", None))
        result = segment_case(
            request, segmenter, settings=CaseSettings(segmenter=how), watch=Watch(progress=progress)
        )
    _show(screen, result)
    exported = _export(screen, result, export) if export else None  # the case is complete, whatever comes
    screen.show("Research use only.")
    screen.result(_payload(result, exported))


def _refuse_export(input_path: Path, formats: list[str]) -> None:
    from lesionseg.volume.files import is_volume_file
    from lesionseg.workflow.export.possible import refuse_volume_file

    if formats and input_path.is_file() and is_volume_file(input_path):
        refuse_volume_file(str(input_path), export_settings(formats))


def _export(screen: Screen, result: CaseResult, formats: list[str]) -> ExportResult:
    from lesionseg.workflow.export.case_folder import from_result
    from lesionseg.workflow.export.names import EXPORT_FOLDER
    from lesionseg.workflow.export.run import export_results

    folder = result.folder / EXPORT_FOLDER
    exported = export_results(from_result(result), folder, settings=export_settings(formats))
    show_export(screen, exported)
    return exported


def _show(screen: Screen, result: CaseResult) -> None:
    from lesionseg.reports.caption import flag_text

    screen.show(_table(result))
    for flag in result.measurements.flags:
        screen.mark(BAD if flag.severity == "critical" else HINT, flag_text(flag))
    for note in result.manifest["notes"]:
        screen.mark(HINT, note["text"])
    for warning in result.warnings:
        screen.mark(BAD, warning)
    screen.show(f"Look at {result.folder / 'overview.png'} before you use these figures.")


def _payload(result: CaseResult, exported: ExportResult | None) -> dict[str, Any]:
    said = {
        "folder": str(result.folder),
        "measurements": result.measurements.as_row(),
        "quality_flags": result.manifest["quality_flags"],
        "notes": result.manifest["notes"],
        "warnings": list(result.warnings),
        "choice": result.manifest["source"].get("choice"),
        "model": result.manifest["model"],
        "times": result.manifest["times"],
    }
    return said if exported is None else {**said, "export": export_payload(exported)}


def _table(result: CaseResult) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from lesionseg.reports.caption import BRACKETS, interval_texts, volume_text

    measured = result.measurements
    lesion, solid = interval_texts(measured)
    table = Table(
        title=Text(result.manifest["input"]["path"]),
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
        caption=Text(BRACKETS) if lesion or solid else None,
        caption_justify="left",
    )
    table.add_column("")
    for region in ("both lungs", "right", "left"):
        table.add_column(region, justify="right", no_wrap=True)
    regions = [measured.regions[name] for name in ("whole", "right", "left")]
    table.add_row("lung", *(volume_text(region.lung_ml) for region in regions))
    table.add_row("lesion", *(volume_text(region.lesion_ml) for region in regions))
    table.add_row("solid component", *(volume_text(region.solid_ml) for region in regions))
    # only both lungs together have an interval
    table.add_row("lesion, of the lung", *_shares([part.lesion_proportion_pct for part in regions], lesion))
    table.add_row("solid, of the lung", *_shares([part.solid_proportion_pct for part in regions], solid))
    return table


def _shares(shares_pct: list[float | None], interval: str) -> list[str]:
    """Write a row of shares, the first with its interval if it has one."""
    from lesionseg.reports.caption import share_text

    first, *others = (share_text(share_pct) for share_pct in shares_pct)
    return [f"{first} {interval}".strip(), *others]
