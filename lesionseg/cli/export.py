"""``lesionseg export``: a case folder in, files for PACS, 3D Slicer and ITK-SNAP out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lesionseg.cli.options import JsonOption, OverwriteOption, QuietOption, VerboseOption
from lesionseg.cli.screen import GOOD, HINT, Screen

if TYPE_CHECKING:
    from lesionseg.workflow.export.request import ExportResult, ExportSettings

FORMATS = ("seg", "sr", "sc", "slicer", "itk-snap")
ENCODINGS = ("binary", "labelmap")
EVERY = "all"
_FORMATS_SHOWN = "|".join(FORMATS)


def known_formats(words: list[str]) -> list[str]:
    """Refuse a word that is no format."""
    for word in words:
        if word not in (*FORMATS, EVERY):
            raise typer.BadParameter(f"{word!r} is none of: {', '.join((*FORMATS, EVERY))}")
    return words


def _known_encoding(word: str) -> str:
    if word not in ENCODINGS:
        raise typer.BadParameter(f"{word!r} is none of: {', '.join(ENCODINGS)}")
    return word


def export(
    case: Annotated[
        Path,
        typer.Argument(metavar="CASE", show_default=False, help="Folder that `segment` or `trial` wrote."),
    ],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", show_default=False, help="Folder for the files.")],
    formats: Annotated[
        list[str],
        typer.Option(
            "--format",
            metavar=_FORMATS_SHOWN,
            callback=known_formats,
            show_default=False,
            help="A format that must be made; may be repeated. Default: all that the case allows.",
        ),
    ] = [],  # noqa: B006 - Typer makes a new list for every call
    source: Annotated[
        Path | None,
        typer.Option(metavar="INPUT", help="The scan, where it has moved since; its hashes are compared."),
    ] = None,
    encoding: Annotated[
        str, typer.Option(metavar="|".join(ENCODINGS), callback=_known_encoding, help="Of the DICOM SEG.")
    ] = "binary",
    whole_lesion: Annotated[
        bool,
        typer.Option("--whole-lesion", metavar="", help="A further segment of the SEG: non-solid and solid."),
    ] = False,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Write a case as DICOM SEG, SR and secondary capture, for 3D Slicer and for ITK-SNAP.

    The scan is read again, and must be the one that was measured.
    """
    del verbose
    from lesionseg.workflow.export.run import export_case
    from lesionseg.workflow.progress import of_stage

    screen = Screen("export", as_json=as_json, quiet=quiet)
    settings = export_settings(formats, encoding=encoding, whole_lesion=whole_lesion)
    with screen.progress() as progress:
        result = export_case(
            case,
            output,
            settings=settings,
            source=source,
            overwrite=overwrite,
            progress=of_stage(progress, "read"),
        )
    show_export(screen, result)
    screen.show("Research use only.")
    screen.result(export_payload(result))


def export_settings(
    formats: list[str], *, encoding: str = "binary", whole_lesion: bool = False
) -> ExportSettings:
    """Turn words of the command line into settings; ``all`` is all that the case allows."""
    from lesionseg.workflow.export.request import ExportSettings

    named = () if EVERY in formats else tuple(dict.fromkeys(formats))
    if encoding == "labelmap":
        return ExportSettings(named, "labelmap", whole_lesion)
    return ExportSettings(named, "binary", whole_lesion)


def show_export(screen: Screen, result: ExportResult) -> None:
    """Name the files that were written, and what was left out and why."""
    for name, files in result.files.items():
        screen.mark(GOOD, f"{name}: {' and '.join(str(file) for file in files)}")
    for part in result.left_out:
        screen.mark(HINT, f"{part.format} left out: {part.text}")
    for note in result.manifest["source"].get("notes", ()):
        screen.mark(HINT, note)


def export_payload(result: ExportResult) -> dict[str, Any]:
    """Return what JSON output says of an export."""
    return {
        "folder": str(result.folder),
        **{key: result.manifest[key] for key in ("source", "files", "left_out")},
    }
