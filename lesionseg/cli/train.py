"""``lesionseg train``: a configuration in, a verified model bundle out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lesionseg.cli.options import (
    DeviceOption,
    JsonOption,
    OverwriteOption,
    QuietOption,
    ThreadsOption,
    VerboseOption,
)
from lesionseg.cli.screen import BAD, GOOD, HINT, Screen

if TYPE_CHECKING:
    from lesionseg.training.rehearsal import Rehearsal
    from lesionseg.training.run import TrainingResult


def train(
    config_path: Annotated[
        Path, typer.Argument(metavar="CONFIG", show_default=False, help="YAML file; see docs/training.md.")
    ],
    *,
    data_root: Annotated[
        Path | None,
        typer.Option(
            "--data-root",
            metavar="FOLDER",
            show_default=False,
            help="What data paths are relative to; default: the configuration's folder.",
        ),
    ] = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    restart: Annotated[
        bool,
        typer.Option(
            "--restart/--resume",
            metavar="",
            help="Begin anew, or go on where an earlier start of this run stopped.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", metavar="", help="Check everything and do one step; write nothing."),
    ] = False,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Train or fine-tune a network, and write it as a model bundle with card and checksums.

    A run that was broken off goes on from its last checkpoint, to the same weights on a CPU.
    """
    del verbose
    from lesionseg.training.config_file import read_config
    from lesionseg.training.run import RunOptions

    screen = Screen("train", as_json=as_json, quiet=quiet)
    config = read_config(config_path, data_root=data_root)
    options = RunOptions(device, threads, restart, overwrite)
    if dry_run:
        from lesionseg.training.rehearsal import rehearse

        with screen.progress() as progress:
            rehearsal = rehearse(config, options, progress=progress)
        _report_rehearsal(screen, rehearsal)
        return
    from lesionseg.training.run import run_training

    with screen.progress() as progress:
        result = run_training(config, options, progress=progress, on_row=_row_printer(screen))
    _report(screen, result)


def _row_printer(screen: Screen) -> Callable[[Mapping[str, float]], None] | None:
    """Lines of figures where there is no terminal to show a bar on."""
    import sys

    if sys.stderr.isatty():
        return None

    def show(row: Mapping[str, float]) -> None:
        dice = "/".join(f"{row[name]:.2f}" for name in ("dice_lung", "dice_lesion", "dice_solid"))
        screen.show(f"step {row['step']:.0f}: loss {row['loss']:.3f}, Dice of lung/lesion/solid {dice}")

    return show


def _report(screen: Screen, result: TrainingResult) -> None:
    from dataclasses import asdict

    screen.mark(
        GOOD,
        f"{result.bundle.name}: {result.steps} steps, {result.hours:.2f} hours on {result.device}; written "
        f"to {result.bundle.folder} and verified",
    )
    for line in result.self_test:
        text = f"phantom: {line.name} {line.measured_ml:.0f} ml, true {line.true_ml:.0f} ml"
        if line.tolerance_pct is None:
            screen.show(f"   {text}; shown, not judged")
        else:
            screen.mark(GOOD if line.passed else BAD, text)
    for note in result.notes:
        screen.mark(HINT, note)
    screen.show(f"Use it with: lesionseg segment INPUT -o OUT --model {result.bundle.folder}")
    screen.show("Research use only. Nothing is known yet of its accuracy on patients.")
    screen.result(
        {
            "bundle": str(result.bundle.folder),
            "name": result.bundle.name,
            "sha256": result.bundle.sha256,
            "steps": result.steps,
            "hours": result.hours,
            "device": result.device,
            "self_test": [asdict(line) for line in result.self_test],
            "notes": list(result.notes),
        }
    )


def _report_rehearsal(screen: Screen, rehearsal: Rehearsal) -> None:
    from dataclasses import asdict

    chests = ", ".join(f"{count} {kind}" for kind, count in rehearsal.chests.items())
    screen.mark(GOOD, f"configuration and data are in order: {chests}")
    screen.mark(
        GOOD,
        f"one step on {rehearsal.device}: loss {rehearsal.loss:.3f}, {rehearsal.seconds_per_step:.1f} s with "
        "making its batch",
    )
    left = rehearsal.steps - rehearsal.steps_done
    screen.show(f"Nothing was written. A run would do {left} of {rehearsal.steps} steps,")
    screen.show(
        f"roughly {rehearsal.hours_left:.1f} hours, with checkpoints and logs in {rehearsal.run_folder},"
    )
    screen.show(f"and write the bundle {rehearsal.output}.")
    for note in rehearsal.notes:
        screen.mark(HINT, note)
    screen.result({"dry_run": True, "hours_left": rehearsal.hours_left, **asdict(rehearsal)})
