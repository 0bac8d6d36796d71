"""A page for every case and every patient; one that fails is told and costs nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from lesionseg.core.errors import OutputError
from lesionseg.core.file_names import safe_file_name
from lesionseg.volume import CTVolume
from lesionseg.workflow.loading import load_scan
from lesionseg.workflow.request import CASE_PAGE, Watch
from lesionseg.workflow.scan_list.scan_list import ListedScan
from lesionseg.workflow.trial.request import PATIENTS, VISITS, ScanOutcome


def write_case_pages(
    outcomes: Sequence[ScanOutcome], repairs: tuple[str, ...], watch: Watch
) -> tuple[str, ...]:
    """Write ``case.html`` into every case folder that lacks it; return what went wrong."""
    from lesionseg.reports.case.page import write_case_page

    warnings: tuple[str, ...] = ()
    measured = [outcome for outcome in outcomes if outcome.folder is not None]
    for number, outcome in enumerate(measured, start=1):
        folder = outcome.folder or Path()
        if not (folder / CASE_PAGE).is_file():  # a case that is measured anew has lost its page
            write = partial(_case_page, write_case_page, outcome.scan, folder, repairs)
            warnings += attempt(f"the page of {outcome.scan.scan_id}", write)
        watch.progress("pages", number, len(measured))
    return warnings


def write_patient_pages(
    outcomes: Sequence[ScanOutcome], folder: Path, repairs: tuple[str, ...], watch: Watch
) -> tuple[str, ...]:
    """Write ``patients/<subject>.html`` for every subject with a scan; return what went wrong."""
    from lesionseg.reports.patient.page import PatientScan, write_patient_page

    warnings: tuple[str, ...] = ()
    subjects = tuple(dict.fromkeys(outcome.scan.subject for outcome in outcomes))
    for number, subject in enumerate(subjects, start=1):
        scans = [
            PatientScan(outcome.scan.scan_id, outcome.folder, partial(_volume, outcome.scan, repairs))
            for outcome in outcomes
            if outcome.scan.subject == subject
        ]
        path = folder / PATIENTS / f"{safe_file_name(subject)}.html"
        write = partial(write_patient_page, subject, folder / VISITS, path, scans=scans)
        warnings += attempt(f"the page of subject {subject}", write)
        watch.progress("patients", number, len(subjects))
    return warnings


def attempt(what: str, write: Callable[[], None]) -> tuple[str, ...]:
    """Write something that must not cost the run; return what went wrong, in a sentence."""
    try:
        write()
    except (OSError, OutputError):
        raise  # the disk, not the page
    except Exception as error:  # noqa: BLE001 - said in the manifest and on the screen
        return (f"{what} could not be written: {type(error).__name__}: {error}",)
    return ()


def _case_page(
    write_case_page: Callable[..., None], scan: ListedScan, folder: Path, repairs: tuple[str, ...]
) -> None:
    write_case_page(folder, folder / CASE_PAGE, volume=_volume(scan, repairs))


def _volume(scan: ListedScan, repairs: tuple[str, ...]) -> CTVolume:
    """Read a scan again; one at a time is in memory."""
    source = scan.source
    return load_scan(
        source.input_path,
        series_uid=source.asked_series,
        repairs=repairs if source.found is not None else (),
        found=source.found,
    ).volume
