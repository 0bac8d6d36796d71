"""Options that several verbs share."""

from __future__ import annotations

from typing import Annotated

import typer

JsonOption = Annotated[
    bool,
    typer.Option(
        "--json", metavar="", help="Print one JSON object on stdout; everything else goes to stderr."
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", metavar="", help="Print nothing but errors.")]
VerboseOption = Annotated[
    bool,
    typer.Option("--verbose", metavar="", help="Let other libraries' warnings through, and show tracebacks."),
]
ModelOption = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME|FOLDER", help="Model bundle; see `models list`."),
]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")]
RuntimeOption = Annotated[str, typer.Option("--runtime", help="auto, openvino or torch.")]
ThreadsOption = Annotated[
    int | None, typer.Option("--threads", min=1, help="CPU threads for the network; default: all cores.")
]
DeterministicOption = Annotated[
    bool,
    typer.Option(
        "--deterministic",
        metavar="",
        help="32-bit floats, and the same bytes on every run on a GPU too; slower.",
    ),
]
FlipsOption = Annotated[
    bool,
    typer.Option(
        "--flips",
        metavar="",
        help="Average over the mirrored scan too, in twice the time; widens the interval.",
    ),
]
REPAIRS = ("tilt", "duplicates")


def _known_repairs(words: list[str]) -> list[str]:
    for word in words:
        if word not in REPAIRS:
            raise typer.BadParameter(f"{word!r} is none of: {', '.join(REPAIRS)}")
    return words


RepairOption = Annotated[
    list[str],
    typer.Option(
        metavar="|".join(REPAIRS),
        callback=_known_repairs,
        show_default=False,
        help="A repair that may be done; may be repeated. What was done stands in the manifest.",
    ),
]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", metavar="", help="Replace an earlier lesionseg output in that folder.")
]
