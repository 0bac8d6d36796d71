"""``lesionseg reading add``: a reader's mask taken in and measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lesionseg.cli.audit import KeyFileOption, given_key
from lesionseg.cli.options import JsonOption, QuietOption, VerboseOption
from lesionseg.cli.reading_list import figure_text, list_readings, withdraw
from lesionseg.cli.reading_results import agree, finalize
from lesionseg.cli.screen import BAD, GOOD, HINT, Screen

if TYPE_CHECKING:
    from lesionseg.workflow.reading.request import AddResult

reading = typer.Typer(
    name="reading",
    help="Readers' masks taken in and measured, compared, and made final by the plan's rule.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
reading.command("list")(list_readings)
reading.command("withdraw")(withdraw)
reading.command("agree")(agree)
reading.command("finalize")(finalize)

ROLES = ("reader", "adjudicator")


def _known_role(word: str) -> str:
    if word not in ROLES:
        raise typer.BadParameter(f"{word!r} is none of: {', '.join(ROLES)}")
    return word


@reading.command("add")
def add(
    scan: Annotated[
        Path,
        typer.Argument(
            metavar="CASE|SCAN",
            show_default=False,
            help="Result folder of segment or trial; or the scan itself, where there is none.",
        ),
    ],
    mask: Annotated[
        Path,
        typer.Argument(
            metavar="MASK",
            show_default=False,
            help="DICOM SEG, RTSTRUCT, .seg.nrrd, NIfTI, NRRD, MetaImage.",
        ),
    ],
    *,
    readings: Annotated[
        Path, typer.Option(metavar="FOLDER", show_default=False, help="Folder of all readings of the trial.")
    ],
    reader: Annotated[
        str, typer.Option(metavar="NAME", show_default=False, help="Who read: name, initials or number.")
    ],
    why: Annotated[
        str, typer.Option(metavar="TEXT", show_default=False, help="What was changed, and why; in one line.")
    ],
    role: Annotated[str, typer.Option(metavar="|".join(ROLES), callback=_known_role)] = "reader",
    supersedes: Annotated[
        str, typer.Option(metavar="READING", help="The reader's own earlier reading that this one corrects.")
    ] = "",
    scan_id: Annotated[
        str, typer.Option(metavar="ID", help="Name of the scan in the trial; default: that of the case.")
    ] = "",
    source: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Where the scan of the case lies now.")
    ] = None,
    series: Annotated[
        str | None, typer.Option(metavar="UID", help="The series, where SCAN holds several.")
    ] = None,
    segment: Annotated[
        list[str],
        typer.Option(
            metavar="NAME=REGION",
            show_default=False,
            help="What a segment or value means: lung, lesion, non_solid, solid or background; repeatable.",
        ),
    ] = [],  # noqa: B006 - Typer makes a new list for every call
    fraction: Annotated[
        float | None, typer.Option(help="From which fraction on a voxel of a FRACTIONAL segment is inside.")
    ] = None,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Take in the mask that a reader drew or corrected, measured as the model's is.

    Nothing is overwritten: a corrected reading is a new one that supersedes the old. Holds no treatment arm.
    """
    del verbose
    from lesionseg.readings.masks import SegmentMapping
    from lesionseg.readings.reading import Role
    from lesionseg.workflow.reading.add import add_reading
    from lesionseg.workflow.reading.request import AddRequest
    from lesionseg.workflow.request import Watch

    screen = Screen("reading add", as_json=as_json, quiet=quiet)
    mapping = SegmentMapping.parse(tuple(segment), fraction) if segment or fraction else None
    request = AddRequest(
        scan, mask, readings, reader, why, Role(role), supersedes, scan_id, source, series, mapping,
        given_key(key_file),
    )  # fmt: skip
    with screen.progress() as progress:
        result = add_reading(request, watch=Watch(progress=progress))
    _report_added(screen, result)


def _report_added(screen: Screen, result: AddResult) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    facts, model = result.facts, result.facts["model"]
    table = Table(title=Text(f"{result.reading.scan.scan_id}, {result.reading.reader}"), box=SIMPLE_HEAD)
    table.add_column("")
    for name in ("reader", *(["model", "difference"] if model else [])):
        table.add_column(name, justify="right")
    for name, value in facts["figures"].items():
        beside = model["figures"][name] if model else None
        table.add_row(
            name, figure_text(value), *([figure_text(beside), _difference(value, beside)] if model else [])
        )
    screen.show(table)
    for note in facts["mask"]["notes"]:
        screen.mark(HINT, note["text"])
    for warning in result.warnings:
        screen.mark(BAD, warning)
    screen.mark(GOOD, f"{result.reading.reading_id}: kept in {result.reading.folder}")
    screen.show(f"Record {result.record.number} of the audit log; its hash: {result.record.sha256}")
    screen.show("Research use only.")
    screen.result(
        {
            "reading_id": result.reading.reading_id,
            "folder": str(result.reading.folder),
            "reading": facts,
            "audit": {"record": result.record.number, "sha256": result.record.sha256},
            "warnings": list(result.warnings),
        }
    )


def _difference(value: float | None, beside: float | None) -> str:
    return "" if value is None or beside is None else f"{value - beside:+.2f}"
