"""The Typer application; verbs load what they need when they run, so that help is instant."""

from __future__ import annotations

from typing import Annotated

import typer

from lesionseg import __version__
from lesionseg.cli.analyze import analyze
from lesionseg.cli.audit import audit
from lesionseg.cli.batch import batch
from lesionseg.cli.batch_shard import batch_merge
from lesionseg.cli.change import change
from lesionseg.cli.check import check
from lesionseg.cli.deidentify import deidentify
from lesionseg.cli.demo import demo
from lesionseg.cli.doctor import doctor
from lesionseg.cli.export import export
from lesionseg.cli.models import models
from lesionseg.cli.pacs_listen import pacs
from lesionseg.cli.power import power
from lesionseg.cli.reading import reading
from lesionseg.cli.report import report
from lesionseg.cli.segment import segment
from lesionseg.cli.train import train
from lesionseg.cli.trial import trial
from lesionseg.cli.validate import validate

app = typer.Typer(
    name="lesionseg",
    help="Lung lesion volumes on chest CT: DICOM in; label map, millilitres, proportions and a picture out.",
    epilog="Research use only. Not a medical device. No telemetry; pacs alone uses the network.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lesionseg {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", metavar="", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    del version


for _verb in (
    demo,
    doctor,
    check,
    segment,
    batch,
    batch_merge,
    export,
    trial,
    validate,
    change,
    analyze,
    report,
    power,
    train,
    deidentify,
):
    app.command()(_verb)
app.add_typer(models)
app.add_typer(pacs)
app.add_typer(reading)
app.add_typer(audit)
