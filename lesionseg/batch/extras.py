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
from lesionseg.workflow.export.request import Exportable, ExportSettings
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
        what = replace(from_result(result), case=str(folder))
        warnings += _add_export(what, settings.export, result.folder / EXPORT_FOLDER)
    if settings.pages:
        warnings += attempt("the page", partial(_write_page, result, volume))
    return warnings


def _add_export(what: Exportable, asked: ExportSettings, folder: Path) -> tuple[str, ...]:
    """Export as far as the case allows; tell what was asked for by name and left out."""
    found = impossible(what, replace(asked, formats=())) if asked.formats else ()
    left_out = {part.format: f"{part.format} left out: {part.text}" for part in found}
    formats = tuple(name for name in asked.formats if name not in left_out)
    warnings = tuple(left_out[name] for name in asked.formats if name in left_out)
    if asked.formats and not formats:
        return warnings
    return warnings + attempt(
        "the export", partial(_write_export, what, replace(asked, formats=formats), folder)
    )


def _write_export(what: Exportable, settings: ExportSettings, folder: Path) -> None:
    export_results(what, folder, settings=settings)


def _write_page(result: CaseResult, volume: CTVolume) -> None:
    from lesionseg.reports.case.page import write_case_page

    write_case_page(result.folder, result.folder / CASE_PAGE, volume=volume)
