"""``lesionseg batch --shard`` and ``lesionseg batch-merge``: a batch divided among several machines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lesionseg.cli.options import JsonOption, QuietOption, VerboseOption
from lesionseg.cli.run import SOME_FAILED
from lesionseg.cli.screen import BAD, GOOD, HINT, Screen

if TYPE_CHECKING:
    from lesionseg.batch.merge import MergeResult
    from lesionseg.batch.shards import Shard

_SHOWN = 10

ShardOption = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="K/N",
        show_default=False,
        help="Only the K-th of N shares of the scans, into OUT/shards/K-of-N; then batch-merge OUT.",
    ),
]


def shard_of(text: str | None, output: Path) -> tuple[Shard | None, Path]:
    """Return the shard that was asked for, and the folder for its results.

    Raises
    ------
    typer.BadParameter
        If the text names no shard.
    OutputExistsError
        If the output holds something else than shards of this division.
    """
    if text is None:
        return None, output
    from lesionseg.batch.shards import Shard, shard_folder
    from lesionseg.core.errors import ConfigurationError

    try:
        shard = Shard.parse(text)
    except ConfigurationError as error:
        raise typer.BadParameter(str(error), param_hint="--shard") from error
    return shard, shard_folder(output, shard)


def batch_merge(
    folder: Annotated[
        Path,
        typer.Argument(metavar="OUT", show_default=False, help="What batch --shard was given as --output."),
    ],
    *,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Make one summary, index and manifest over the shards of a divided batch.

    May be called at any time, and again: shards that are missing or not finished are named.

    Exit code 3 if there are such shards, or a scan could not be measured.
    """
    del verbose
    from lesionseg.batch.merge import merge_shards

    screen = Screen("batch-merge", as_json=as_json, quiet=quiet)
    result = merge_shards(folder)
    _show(screen, result)
    manifest = result.manifest
    payload = {name: manifest[name] for name in ("finished", "remarks", "scans_in_all", "counts", "shards")}
    screen.result({"folder": str(folder), **payload}, ok=result.complete)
    if not result.complete:
        raise typer.Exit(SOME_FAILED)


def _show(screen: Screen, result: MergeResult) -> None:
    done = result.manifest["counts"]["done"]
    screen.mark(GOOD, f"{done} of {result.manifest['scans_in_all']} scans done in {len(result.parts)} shards")
    for remark in result.remarks:
        screen.mark(BAD, remark)
    failed = [record for record in result.records if record.state == "failed"]
    for record in failed[:_SHOWN]:
        screen.mark(BAD, f"{record.case_id}: {record.reason_text}")
    if len(failed) > _SHOWN:
        screen.mark(BAD, f"and {len(failed) - _SHOWN} more that failed; index.html lists them first")
    if result.manifest["left_over"]:
        count = len(result.manifest["left_over"])
        screen.mark(HINT, f"{count} things found were not taken; index.html says why")
    screen.show(f"All cases: {result.folder / 'index.html'}")
    screen.show("Research use only.")
