"""Every scan of a trial through `segment_case`; one that fails becomes a row and stops nothing."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from lesionseg.core.errors import (
    AnatomyError,
    BundleError,
    DeviceError,
    LesionSegError,
    OutputError,
    OutputExistsError,
)
from lesionseg.core.file_names import safe_file_name
from lesionseg.longitudinal import Status
from lesionseg.segmentation import Segmenter
from lesionseg.workflow.case import segment_case
from lesionseg.workflow.output import refuse_output
from lesionseg.workflow.request import CASE_OUTPUT, CaseRequest, Watch
from lesionseg.workflow.scan_list.scan_list import ListedScan
from lesionseg.workflow.trial.request import ScanOutcome, TrialSettings
from lesionseg.workflow.trial.resume import WantedCase

FAULT = "fault"
"""Reason code of a scan that met a fault of lesionseg's own."""


def run_cases(
    scans: Sequence[ListedScan],
    segmenter: Segmenter,
    folder: Path,
    *,
    settings: TrialSettings,
    watch: Watch,
) -> tuple[ScanOutcome, ...]:
    """Measure every scan into ``folder/<subject>/<scan_id>/``, or take over what an earlier run measured.

    Raises
    ------
    BundleError, DeviceError, OutputError
        If no further scan could be measured either: model, device or disk fail.
    """
    outcomes = []
    watch.progress("scans", 0, len(scans))
    for number, scan in enumerate(scans, start=1):
        place = folder / safe_file_name(scan.subject) / scan.scan_id
        outcomes.append(_one_case(scan, segmenter, place, settings, watch))
        watch.progress("scans", number, len(scans))
    return tuple(outcomes)


def _one_case(
    scan: ListedScan, segmenter: Segmenter, folder: Path, settings: TrialSettings, watch: Watch
) -> ScanOutcome:
    try:
        return _measured(scan, segmenter, folder, settings, watch)
    except OutputExistsError as error:  # somebody's files: they stay
        return ScanOutcome(scan, Status.FAILED, None, error.code, str(error))
    except (BundleError, DeviceError, OutputError):
        raise
    except AnatomyError as error:
        _remove_outdated(folder)
        return ScanOutcome(scan, Status.NOT_EVALUABLE, None, error.code, str(error))
    except LesionSegError as error:
        _remove_outdated(folder)
        return ScanOutcome(scan, Status.FAILED, None, error.code, str(error))
    except Exception as error:  # noqa: BLE001 - told as this scan's fault; the others go on
        _remove_outdated(folder)
        return ScanOutcome(scan, Status.FAILED, None, FAULT, f"{type(error).__name__}: {error}")


def _measured(
    scan: ListedScan, segmenter: Segmenter, folder: Path, settings: TrialSettings, watch: Watch
) -> ScanOutcome:
    source = scan.source
    repairs = settings.repairs if source.found is not None else ()
    wanted = WantedCase(source.files, source.asked_series, repairs, settings.case, segmenter)
    if not settings.overwrite and wanted.is_in(folder):
        return ScanOutcome(scan, Status.MEASURED, folder, reused=True)
    if source.error is not None:
        raise source.error
    request = CaseRequest(
        source.input_path,
        folder,
        series_uid=source.asked_series,
        repairs=repairs,
        overwrite=True,
        found=source.found,
        label=scan.scan_id,
    )
    result = segment_case(request, segmenter, settings=settings.case, watch=watch)
    return ScanOutcome(scan, Status.MEASURED, folder, warnings=result.warnings)


def _remove_outdated(folder: Path) -> None:
    """Take away what an earlier run made of this scan, which no longer holds; nothing else is touched."""
    try:
        refuse_output(folder, CASE_OUTPUT, overwrite=True)
    except OutputError:
        return
    shutil.rmtree(folder, ignore_errors=True)
