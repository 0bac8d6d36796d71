"""``lesionseg check``: what lies under a path, and whether it can be measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lesionseg.cli.options import JsonOption, QuietOption, VerboseOption
from lesionseg.cli.screen import BAD, GOOD, HINT, Screen

if TYPE_CHECKING:
    from rich.table import Table

    from lesionseg.dicom import FolderReport, SeriesReport


def check(
    path: Annotated[
        Path,
        typer.Argument(metavar="PATH", show_default=False, help="DICOM folder or file, or a volume file."),
    ],
    *,
    decode: Annotated[
        bool,
        typer.Option(
            "--decode/--no-decode",
            metavar="",
            help="Decode the pixels too; finds damaged ones, takes longer.",
        ),
    ] = True,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """List every series with a verdict, the reason and the remedy, and say which one segment would take.

    Exit code 0 if there is a usable one, else 1.
    """
    del verbose
    from lesionseg.volume.files import is_volume_file

    screen = Screen("check", as_json=as_json, quiet=quiet)
    if path.is_file() and is_volume_file(path):
        _check_volume_file(screen, path)
    else:
        _check_dicom(screen, path, decode=decode)


def _check_volume_file(screen: Screen, path: Path) -> None:
    from lesionseg.workflow.loading import load_scan

    scan = load_scan(path)
    shape, spacing_mm = scan.volume.geometry.shape, scan.volume.geometry.spacing_mm
    screen.mark(GOOD, f"{path}: usable, {_by(shape, 'd')} voxels of {_by(spacing_mm, '.2f')} mm")
    for note in scan.notes:
        screen.mark(HINT, note["text"])
    screen.result(
        {"path": str(path), "kind": "volume file", "shape": list(shape), "spacing_mm": list(spacing_mm),
         "notes": list(scan.notes)}
    )  # fmt: skip


def _check_dicom(screen: Screen, path: Path, *, decode: bool) -> None:
    from lesionseg.dicom import check_folder

    report = check_folder(path, decode=decode)
    error = report.error
    if report.series:
        screen.show(_table(report))
    _show_details(screen, report)
    if error is None and report.choice is not None:
        screen.mark(GOOD, f"segment takes {report.choice.chosen_uid}: {report.choice.reason}")
    elif error is not None:
        screen.mark(BAD, f"segment refuses this: {error}")
    screen.result(_as_dict(report), ok=error is None)
    if error is not None:
        raise typer.Exit(1)


def _table(report: FolderReport) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(str(report.path)), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("series", overflow="fold", ratio=3)
    table.add_column("description", overflow="fold", ratio=2)
    table.add_column("slices", justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("reason", overflow="fold", ratio=4)
    colours = {"usable": "green", "refused": "red", "out": "dim"}
    for series in report.series:
        table.add_row(
            Text(series.series_uid or "(no UID)"),
            Text(series.description),
            str(series.slices),
            Text(series.verdict, colours[series.verdict]),
            Text(_reason(series)),
        )
    return table


def _reason(series: SeriesReport) -> str:
    if series.error is None:
        return series.reason
    found = f": {series.error.found}" if series.error.found else ""
    return f"{series.error.problem}{found}"


def _show_details(screen: Screen, report: FolderReport) -> None:
    for series in report.series:
        if series.error is not None and series.error.remedy:
            screen.mark(HINT, f"{series.series_uid}: {series.error.remedy}")
        for note in series.notes:
            screen.mark(HINT, f"{series.series_uid}: {note.text}")
    for error in report.unreadable:
        screen.mark(HINT, str(error))
    if report.strays:
        counted = ", ".join(f"{number} x {kind}" for kind, number in sorted(report.strays.items()))
        screen.show(f"Files without an image: {counted}")


def _as_dict(report: FolderReport) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "path": str(report.path),
        "kind": "dicom",
        "series": [_series_dict(series) for series in report.series],
        "choice": asdict(report.choice) if report.choice else None,
        "error": report.error.as_dict() if report.error else None,
        "unreadable": [error.as_dict() for error in report.unreadable],
        "strays": report.strays,
    }


def _series_dict(series: SeriesReport) -> dict[str, Any]:
    return {
        "series_uid": series.series_uid,
        "description": series.description,
        "slices": series.slices,
        "verdict": str(series.verdict),
        "reason": series.reason,
        "error": series.error.as_dict() if series.error else None,
        "notes": [{"code": note.code, "text": note.text} for note in series.notes],
    }


def _by(values: tuple[float, ...], how: str) -> str:
    return " x ".join(f"{value:{how}}" for value in values)
