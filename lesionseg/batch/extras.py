"""What a case gets besides measurements: exports and a page, in place together with it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from lesionseg.batch.request import BatchSettings
from lesionseg.volume import CTVolume
from lesionseg.workflow.export.case_folder import from_result
from lesionseg.workflow.export.names import EXPORT_FOLDER
from lesionseg.workflow.export.possible import impossible
from lesionseg.workflow.export.request import ExportSettings
from lesionseg.workflow.export.run import export_results
from lesionseg.workflow.request import CASE_PAGE, CaseResult
from lesionseg.workflow.trial.pages import attempt


def add_extras(
    result: CaseResult, volume: CTVolume, *, settings: BatchSettings, folder: Path
) -> tuple[str, ...]:
    """Write into a case's staging folder what was asked for; return what could not be made, in sentences.

    Parameters
    ----------
    result : CaseResult
        Whose folder is the staging folder.
    volume : CTVolume
    settings : BatchSettings
    folder : Path
        The case's folder in the end, for messages.
    """
    warnings: tuple[str, ...] = ()
    if settings.export is not None:
        asked = settings.export
        warnings += attempt("the export", partial(_export, result, asked, folder)) + _left_out(result, asked)
    if settings.pages:
        warnings += attempt("the page", partial(_write_page, result, volume))
    return warnings


def _export(result: CaseResult, asked: ExportSettings, folder: Path) -> None:
    what = replace(from_result(result), case=str(folder))
    not_possible = {part.format for part in impossible(what, ExportSettings())}
    formats = tuple(name for name in asked.tried if name not in not_possible)
    if formats:
        export_results(what, result.folder / EXPORT_FOLDER, settings=replace(asked, formats=formats))


def _left_out(result: CaseResult, asked: ExportSettings) -> tuple[str, ...]:
    return tuple(
        f"{part.format} left out: {part.text}"
        for part in impossible(from_result(result), ExportSettings())
        if part.format in asked.tried
    )


def _write_page(result: CaseResult, volume: CTVolume) -> None:
    from lesionseg.reports.case.page import write_case_page

    write_case_page(result.folder, result.folder / CASE_PAGE, volume=volume)
