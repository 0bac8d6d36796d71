"""A whole trial: a folder of DICOM and a few tables go in, the answer and all it stands on comes out."""

from __future__ import annotations

from pathlib import Path

from lesionseg.core.errors import ConfigurationError
from lesionseg.core.files import staged_file
from lesionseg.core.tables import write_csv
from lesionseg.longitudinal import ChangeRequest, ChangeResult, make_changes
from lesionseg.segmentation import Segmenter
from lesionseg.workflow.output import refuse_output
from lesionseg.workflow.request import Watch
from lesionseg.workflow.trial.answer import compare_arms, write_reports
from lesionseg.workflow.trial.cases import run_cases
from lesionseg.workflow.trial.check import check_trial, refuse_altered
from lesionseg.workflow.trial.manifest import TrialFacts, begin_folder, finish_folder
from lesionseg.workflow.trial.pages import write_case_pages, write_patient_pages
from lesionseg.workflow.trial.request import (
    CASES,
    SCANS_CSV,
    TRIAL_OUTPUT,
    VISITS,
    ScanOutcome,
    TrialRequest,
    TrialResult,
    TrialSettings,
)
from lesionseg.workflow.trial.scans import scan_rows


def run_trial(
    request: TrialRequest,
    segmenter: Segmenter,
    *,
    settings: TrialSettings | None = None,
    watch: Watch | None = None,
) -> TrialResult:
    """Check everything, measure every scan, pair the visits, and with arms compare them.

    Nothing is written before plan, tables and DICOM headers agree. Then each step leaves its files before
    the next begins; run again after an interruption it takes over every case that still fits. Arms are
    joined last, when everything else is on disk, and stand in ``analysis/`` and the report only.

    Parameters
    ----------
    request : TrialRequest
    segmenter : Segmenter
        From `lesionseg.segmentation.open_segmenter`.
    settings : TrialSettings, optional
    watch : Watch, optional
        The stage ``scans`` counts scans; ``pages`` and ``patients`` their pages.

    Returns
    -------
    TrialResult
        Scans that failed are in it and in ``scans.csv``; they stop nothing.

    Raises
    ------
    InputError, ConfigurationError
        If plan, tables and scans do not fit together; as `check_trial` does.
    BundleError, DeviceError
        If the network cannot be run at all.
    AnalysisError
        If the arms cannot be compared.
    OutputExistsError, OutputError
        If the folder holds something else, cannot be written, or the disk is full.
    """
    settings, watch = settings or TrialSettings(), watch or Watch()
    _refuse_folders(request)
    started, timer = watch.now(), watch.stopwatch()
    with timer.stage("check"):
        checked = check_trial(request)
    folder = request.output
    facts = TrialFacts(request, settings, checked, segmenter, started)
    begin_folder(facts)
    with timer.stage("cases"):
        outcomes = run_cases(checked.scans.scans, segmenter, folder / CASES, settings=settings, watch=watch)
        _write_scans(folder, outcomes)
    with timer.stage("change"):
        refuse_altered(request, checked.hashes)
        changes = _make_changes(request)
    with timer.stage("pages"):
        warnings = write_case_pages(outcomes, settings.repairs, watch)
        warnings += write_patient_pages(outcomes, folder, settings.repairs, watch)
    with timer.stage("compare"):
        analysis = compare_arms(request, request.arms) if request.arms else None
    with timer.stage("report"):
        warnings += write_reports(folder, request.plan, unblinded=analysis is not None, pdf=settings.pdf)
    manifest = finish_folder(facts, outcomes, warnings, timer)
    return TrialResult(
        folder=folder,
        outcomes=outcomes,
        left_over=checked.scans.left_over,
        notes=checked.scans.notes,
        warnings=warnings,
        manifest=manifest,
        changes=changes.manifest,
        analysis=analysis,
    )


def _refuse_folders(request: TrialRequest) -> None:
    """Refuse an output folder that holds something else, or lies where the scans are searched for."""
    if request.output.resolve().is_relative_to(request.dicom.resolve()):
        raise ConfigurationError(
            "the results cannot lie in the folder that is searched for scans",
            case=str(request.output),
            expected=f"a folder outside {request.dicom}",
            remedy="Name another output folder",
        )
    refuse_output(request.output, TRIAL_OUTPUT, overwrite=True)  # an earlier run is gone on with


def _write_scans(folder: Path, outcomes: tuple[ScanOutcome, ...]) -> None:
    with staged_file(folder / SCANS_CSV) as path:
        write_csv(path, scan_rows(outcomes, folder))


def _make_changes(request: TrialRequest) -> ChangeResult:
    folder = request.output
    return make_changes(
        ChangeRequest(
            folder / SCANS_CSV, request.plan, folder / VISITS, subjects=request.subjects, overwrite=True
        )
    )
