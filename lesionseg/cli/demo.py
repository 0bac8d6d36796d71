"""``lesionseg demo``: a phantom trial, true against measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lesionseg.cli.options import (
    DeviceOption,
    JsonOption,
    ModelOption,
    OverwriteOption,
    QuietOption,
    RuntimeOption,
    ThreadsOption,
    VerboseOption,
)
from lesionseg.cli.screen import Screen
from lesionseg.cli.trial import show_trial, trial_as_dict

if TYPE_CHECKING:
    from rich.table import Table

    from lesionseg.workflow.demo.comparison import Quantities
    from lesionseg.workflow.demo.run import DemoResult


def demo(
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the demo.")] = Path(
        "demo-output"
    ),
    model: ModelOption = None,
    device: DeviceOption = "auto",
    runtime: RuntimeOption = "auto",
    threads: ThreadsOption = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Run a synthetic trial: 2 arms, 6 phantom patients, baseline and day 28, known ml in every scan.

    The phantoms are written as DICOM, with a plan and tables, and go the way your data goes: through
    `lesionseg trial`, up to the report. Prints true against measured.
    """
    del verbose
    from lesionseg.cli.licence import note_licence
    from lesionseg.workflow.demo.run import DEMO_OUTPUT, DemoSettings, run_demo
    from lesionseg.workflow.output import refuse_output
    from lesionseg.workflow.request import CaseSettings, SegmenterSettings, Watch
    from lesionseg.workflow.segmenting import DeferredSegmenter

    screen = Screen("demo", as_json=as_json, quiet=quiet)
    refuse_output(output, DEMO_OUTPUT, overwrite=overwrite)
    how = SegmenterSettings(model, device, runtime, threads)
    with screen.progress() as progress:
        segmenter = DeferredSegmenter.from_settings(how)
        note_licence(screen, getattr(segmenter, "bundle", None))
        result = run_demo(
            output,
            segmenter,
            settings=DemoSettings(case=CaseSettings(segmenter=how)),
            overwrite=overwrite,
            watch=Watch(progress=progress),
        )
    _report(screen, result)


def _report(screen: Screen, result: DemoResult) -> None:
    from dataclasses import asdict

    screen.show("Phantom trial: synthetic scans of known volume, no patient, no evidence", "bold")
    screen.show(_scan_table(result))
    screen.show(_change_table(result))
    screen.show(_honest_sentence(result))
    screen.show("What `lesionseg trial` says of it:", "bold")
    show_trial(screen, result.trial)
    screen.show(_true_sentence(result))
    screen.show(f"What lies where: {result.folder / 'README.md'}")
    screen.result(
        {
            "folder": str(result.folder),
            "scans": [asdict(scan) for scan in result.scans],
            "changes": [asdict(change) for change in result.changes],
            "true_effect": result.true_effect,
            "trial": trial_as_dict(result.trial),
        }
    )


def _true_sentence(result: DemoResult) -> str:
    true = "none" if result.true_effect is None else f"{result.true_effect:+.1f} percentage points"
    return f"By the true volumes the difference is {true}. Six invented patients are an example, no evidence."


def _honest_sentence(result: DemoResult) -> str:
    from lesionseg.workflow.demo.comparison import volume_errors

    lung, lesion = (volume_errors(result.scans, name) for name in ("lung_ml", "lesion_ml"))
    return (
        f"Error of the network, median (worst) scan: lung {lung.median_pct:.1f} % ({lung.worst_pct:.1f} %), "
        f"lesion {lesion.median_pct:.0f} % ({lesion.worst_pct:.0f} %) of the true volume."
    )


def _table(title: str, columns: tuple[str, ...]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", no_wrap=True)
    return table


def _scan_table(result: DemoResult) -> Table:
    table = _table(
        "Every scan, true / measured",
        ("scan", "lung ml", "lesion ml", "solid ml", "lesion %", "solid %"),
    )
    for scan in result.scans:
        cells = (
            _pair(scan.true, scan.measured, name)
            for name in ("lung_ml", "lesion_ml", "solid_ml", "lesion_pct", "solid_pct")
        )
        table.add_row(f"{scan.patient_id} {scan.visit}", *cells)
    return table


def _pair(true: Quantities, measured: Quantities, name: str) -> str:
    digits = 1 if name.endswith("_pct") else 0
    return f"{getattr(true, name):.{digits}f} / {getattr(measured, name):.{digits}f}"


def _change_table(result: DemoResult) -> Table:
    table = _table(
        "Lesion proportion, change from baseline to day 28, true / measured",
        ("patient", "percentage points", "relative to baseline"),
    )
    for change in result.changes:
        table.add_row(
            change.patient_id,
            _signed(change.true_change_points, change.measured_change_points),
            _signed(change.true_change_pct, change.measured_change_pct, " %"),
        )
    return table


def _signed(true: float | None, measured: float | None, unit: str = "") -> str:
    words = ["none" if value is None else f"{value:+.1f}{unit}" for value in (true, measured)]
    return " / ".join(words)
