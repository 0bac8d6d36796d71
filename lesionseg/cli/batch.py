"""``lesionseg batch``: many scans in, every one done or explained."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lesionseg.cli.batch_engine import (
    CpusPerWorkerOption,
    EngineName,
    EngineOption,
    RayAddressOption,
    WorkersOption,
    engine_of,
)
from lesionseg.cli.batch_query import split_inputs
from lesionseg.cli.batch_shard import ShardOption, shard_of
from lesionseg.cli.export import EVERY, export_settings, known_formats
from lesionseg.cli.export import FORMATS as EXPORT_FORMATS
from lesionseg.cli.options import (
    DeterministicOption,
    DeviceOption,
    FlipsOption,
    JsonOption,
    ModelOption,
    QuietOption,
    RepairOption,
    RuntimeOption,
    ThreadsOption,
    VerboseOption,
)
from lesionseg.cli.run import INTERRUPTED, SOME_FAILED
from lesionseg.cli.screen import BAD, GOOD, HINT, Screen, write_json

if TYPE_CHECKING:
    from lesionseg.batch.request import BatchResult

_SHOWN = 10


def batch(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT...",
            show_default=False,
            help="Folders of studies; single scans; tables SCANS.csv with the column path; "
            "queries QUERY.yaml to an archive.",
        ),
    ],
    *,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            show_default=False,
            help="Folder for the results; an earlier batch is gone on with.",
        ),
    ],
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
            help="Write every case that allows it in this format too; may be repeated.",
        ),
    ] = [],  # noqa: B006
    pages: Annotated[
        bool, typer.Option("--pages", metavar="", help="Write a page with a viewer for every case.")
    ] = False,
    readers: Annotated[int, typer.Option("--readers", min=1, help="Scans decoded at the same time.")] = 1,
    in_memory: Annotated[
        int, typer.Option("--in-memory", min=1, help="Scans in memory at once, at most.")
    ] = 3,
    shard: ShardOption = None,
    engine: EngineOption = EngineName.LOCAL,
    ray_address: RayAddressOption = None,
    cpus_per_worker: CpusPerWorkerOption = None,
    workers: WorkersOption = None,
    log_json: Annotated[
        bool, typer.Option("--log-json", metavar="", help="One JSON object for every event, on stderr.")
    ] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Segment and measure every scan of the inputs that is not done already.

    Writes cases/, summary.csv, summary.parquet, index.html and manifest.json. Run it again to go on after an
    interruption. Ctrl-C finishes what is segmented; a second one stops at once.

    Exit code 3 if a scan could not be measured.
    """
    del verbose
    from lesionseg.batch.request import BatchRequest, BatchSettings
    from lesionseg.batch.run import BatchWatch, run_batch
    from lesionseg.cli.batch_screen import stop_on_signal, watching
    from lesionseg.cli.licence import note_licence
    from lesionseg.workflow.request import CaseSettings, SegmenterSettings
    from lesionseg.workflow.segmenting import DeferredSegmenter

    screen = Screen("batch", as_json=as_json, quiet=quiet)
    how = SegmenterSettings(model, device, runtime, threads, deterministic, flips)
    settings = BatchSettings(
        CaseSettings(segmenter=how),
        tuple(repair),
        export_settings(export) if export else None,
        pages,
        readers,
        in_memory,
    )
    on_disk, sources = split_inputs(inputs)
    share, folder = shard_of(shard, output)
    who = engine_of(engine, ray_address, cpus_per_worker, workers)
    segmenter = DeferredSegmenter.from_settings(how)
    note_licence(screen, getattr(segmenter, "bundle", None))
    try:
        with stop_on_signal() as stop, watching(quiet=quiet, log_json=log_json) as observer:
            result = run_batch(
                BatchRequest(on_disk, folder, sources, share),
                segmenter,
                settings=settings,
                watch=BatchWatch(stop.noting(observer), stop.asked),
                engine=who,
            )
    except KeyboardInterrupt:
        _stop_now(output, as_json=as_json)
    _show(screen, result)
    if result.stopped:
        raise typer.Exit(INTERRUPTED)
    screen.result(_payload(result), ok=result.complete)
    if not result.complete:
        raise typer.Exit(SOME_FAILED)


def _stop_now(output: Path, *, as_json: bool) -> None:
    """End the process without waiting for a network in the middle of a scan."""
    if as_json:
        error = {"code": "interrupted", "problem": "interrupted; what is done stays done"}
        write_json({"command": "batch", "ok": False, "error": error})
    sys.stderr.write(f"stopped at once; run the same command again to go on in {output}\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(INTERRUPTED)


def _show(screen: Screen, result: BatchResult) -> None:
    manifest, failed = result.manifest, [row for row in result.records if row.state == "failed"]
    counts = manifest["counts"]
    taken_over = len(manifest["times"]["taken_over"])
    words = f"{counts['done']} scans done" + (f", {taken_over} of them before" if taken_over else "")
    screen.mark(GOOD, words)
    for row in failed[:_SHOWN]:
        screen.mark(BAD, f"{row.case_id}: {row.reason_text}")
    if len(failed) > _SHOWN:
        screen.mark(BAD, f"and {len(failed) - _SHOWN} more that failed; index.html lists them first")
    if manifest["left_over"]:
        screen.mark(HINT, f"{len(manifest['left_over'])} things found were not taken; index.html says why")
    waiting = counts["pending"] + counts["running"]
    if waiting:
        screen.mark(HINT, f"{waiting} scans wait: run the same command again to go on")
    screen.show(f"All cases: {result.folder / 'index.html'}")
    screen.show("Research use only.")


def _payload(result: BatchResult) -> dict[str, Any]:
    manifest = result.manifest
    cases = [
        {name: case[name] for name in ("case", "state", "reason", "reason_text", "warnings")}
        for case in manifest["cases"]
    ]
    return {
        "folder": str(result.folder),
        "counts": manifest["counts"],
        "cases": cases,
        "left_over": manifest["left_over"],
        "times": manifest["times"],
    }
