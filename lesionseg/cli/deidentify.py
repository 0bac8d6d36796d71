"""``lesionseg deidentify``: CT images without what identifies their patients."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lesionseg.cli.options import JsonOption, QuietOption, VerboseOption
from lesionseg.cli.run import SOME_FAILED
from lesionseg.cli.screen import BAD, GOOD, HINT, Screen

if TYPE_CHECKING:
    from lesionseg.workflow.deidentify import DeidentifyResult

_SHOWN = 20


def deidentify(
    path: Annotated[
        Path, typer.Argument(metavar="INPUT", show_default=False, help="DICOM folder or file; any patients.")
    ],
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", show_default=False, help="New folder, which may be passed on.")
    ],
    key_file: Annotated[
        Path,
        typer.Option(
            "--key-file", show_default=False, help="Secret that pseudonyms, UIDs and dates are made with."
        ),
    ],
    new_key: Annotated[
        bool, typer.Option("--new-key", metavar="", help="Make a key first; never overwrites one.")
    ] = False,
    subjects: Annotated[
        Path | None,
        typer.Option(show_default=False, help="Table with patient_id and subject, instead of made-up names."),
    ] = None,
    linkage: Annotated[
        Path | None,
        typer.Option(
            show_default=False, help="Where to write who is whom; outside the output. Confidential."
        ),
    ] = None,
    words: Annotated[
        Path | None, typer.Option(show_default=False, help="Further words that may stay in descriptions.")
    ] = None,
    keep_characteristics: Annotated[
        bool,
        typer.Option("--keep-characteristics", metavar="", help="Keep age (up to 89), sex, size and weight."),
    ] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Copy CT images without what identifies patients, staff and places (DICOM PS3.15 Basic Profile).

    Dates move by the same number of days in all scans of a patient. What may show who it is, is not copied.

    Exit code 3 if a CT image was refused.
    """
    del verbose
    from lesionseg.workflow.deidentify import DeidentifyRequest
    from lesionseg.workflow.deidentify import deidentify as run
    from lesionseg.workflow.request import Watch

    screen = Screen("deidentify", as_json=as_json, quiet=quiet)
    request = DeidentifyRequest(
        input_path=path,
        output_folder=output,
        key_file=key_file,
        make_key=new_key,
        subjects=subjects,
        words=words,
        linkage=linkage,
        characteristics=keep_characteristics,
    )
    with screen.progress() as progress:
        result = run(request, watch=Watch(progress=progress))
    _report(screen, result)
    if not result.complete:
        raise typer.Exit(SOME_FAILED)


def _report(screen: Screen, result: DeidentifyResult) -> None:
    files, series = result.report["files"], result.report["series"]
    screen.mark(
        GOOD,
        f"{files['copied']} files copied to {result.folder}; series: {len(series)}, "
        f"subjects: {result.report['subjects']}",
    )
    for kind, status in ((BAD, "refused"), (HINT, "left-out")):
        rows = [row for row in result.rows if row.status == status]
        for row in rows[:_SHOWN]:
            screen.mark(kind, f"{status}: {row.source}: {row.reason}")
        if len(rows) > _SHOWN:
            screen.mark(kind, f"and {len(rows) - _SHOWN} more files {status}; see deidentify.csv")
    for note in result.report["notes"]:
        screen.mark(HINT, note)
    screen.caution(
        "Look at the images and at deidentify.json before you pass them on; faces are not removed."
    )
    screen.result(_as_dict(result), ok=result.complete)


def _as_dict(result: DeidentifyResult) -> dict[str, Any]:
    """Return the report and, on this screen only, which source files were not copied."""
    not_copied = [
        {"number": row.number, "source": str(row.source), "status": row.status, "code": row.code,
         "reason": row.reason}
        for row in result.rows
        if row.status != "copied"
    ]  # fmt: skip
    return {**result.report, "folder": str(result.folder), "not_copied": not_copied}
