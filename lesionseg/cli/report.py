"""``lesionseg report``: the page of a trial, of its blinded changes, of one patient or of one scan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lesionseg.cli.options import JsonOption, QuietOption, VerboseOption
from lesionseg.cli.screen import Screen

if TYPE_CHECKING:
    from lesionseg.cli.report_sources import Sources


def report(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", show_default=False, help="Results of trial, analyze, change or segment."
        ),
    ],
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="PAGE.html", show_default=False, help="The page.")
    ],
    pdf: Annotated[
        Path | None,
        typer.Option(metavar="PAGE.pdf", help="A trial's page as PDF too; needs the extra pdf."),
    ] = None,
    changes: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Results of change, beside those of analyze.")
    ] = None,
    scans: Annotated[
        Path | None, typer.Option(metavar="SCANS.csv", help="Table of scans, for the quality listing.")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(metavar="PLAN.yaml", help="Tells a blinded page the endpoints.")
    ] = None,
    patient: Annotated[
        str | None, typer.Option(metavar="SUBJECT", help="The page of one patient of a trial instead.")
    ] = None,
    scan: Annotated[
        Path | None, typer.Option(metavar="INPUT", help="The scan of a case, for the viewer in its page.")
    ] = None,
    blinded: Annotated[
        bool, typer.Option("--blinded", metavar="", help="Leave the arms closed though they are known.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", metavar="", help="Replace an earlier page.")
    ] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Write one self-contained HTML page, and on request the same as PDF.

    Without an analysis the arms are closed: the page shows all patients as one group.
    """
    del verbose
    from lesionseg.cli.report_sources import find_sources

    sources = find_sources(folder, blinded=blinded, changes=changes).with_given(changes, scans)
    kind = "patient" if patient is not None else sources.kind
    if pdf is not None and kind in ("case", "patient"):
        raise typer.BadParameter("only the page of a trial is made for paper", param_hint="--pdf")
    _refuse_existing([output, *([pdf] if pdf else [])], overwrite=overwrite)
    if pdf is not None:
        from lesionseg.reports.pdf import load_weasyprint

        load_weasyprint()  # its absence is told before any work is done
    if patient is not None:
        _write_patient(sources, patient, output)
    elif sources.case is not None:
        _write_case(sources.case, scan, output)
    else:
        _write_trial(sources, plan, output, pdf)
    screen = Screen("report", as_json=as_json, quiet=quiet)
    if kind == "blinded":
        screen.show("The arms are closed: all patients are shown as one group.")
    screen.show(f"Report: {output}" + (f" and {pdf}" if pdf else ""))
    screen.show("Research use only.")
    screen.result({"kind": kind, "page": str(output), "pdf": str(pdf) if pdf else None})


def _refuse_existing(paths: Sequence[Path], *, overwrite: bool) -> None:
    from lesionseg.core.errors import OutputExistsError

    for path in paths:
        if path.is_dir():
            raise OutputExistsError("the output is a folder", case=str(path), remedy="Name a file")
        if path.exists() and not overwrite:
            raise OutputExistsError(
                "the page is there already", case=str(path), remedy="Name another file or pass --overwrite"
            )


def _write_trial(sources: Sources, plan: Path | None, output: Path, pdf: Path | None) -> None:
    from lesionseg.reports.trial.report import write_trial_report

    write_trial_report(sources.analysis, sources.changes, output, scans=sources.scans, plan=plan)
    if pdf is not None:
        from lesionseg.reports.pdf import write_pdf

        write_pdf(output.read_text(encoding="utf-8"), pdf)


def _write_case(case: Path, scan: Path | None, output: Path) -> None:
    from lesionseg.reports.case.page import write_case_page
    from lesionseg.workflow.loading import load_volume

    write_case_page(case, output, volume=load_volume(scan) if scan else None)


def _write_patient(sources: Sources, patient: str, output: Path) -> None:
    """Write a patient's page from whatever cases lie beside the changes; it never carries an arm."""
    from lesionseg.core.file_names import safe_file_name
    from lesionseg.reports.patient.page import PatientScan, write_patient_page

    if sources.changes is None:
        raise typer.BadParameter("a patient's page needs the results of trial or change")
    folder = sources.cases / safe_file_name(patient) if sources.cases is not None else None
    cases = sorted(path for path in folder.iterdir() if path.is_dir()) if folder and folder.is_dir() else []
    scans = [PatientScan(case.name, case) for case in cases]
    write_patient_page(patient, sources.changes, output, scans=scans)
