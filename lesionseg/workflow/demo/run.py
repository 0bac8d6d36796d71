"""The demo: a phantom trial through the path that a user's data takes, and then true against measured."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from lesionseg.core.errors import LesionSegError
from lesionseg.core.tables import write_csv
from lesionseg.phantoms import ChestSettings
from lesionseg.segmentation import Segmenter
from lesionseg.workflow.demo.comparison import PatientChange, Quantities, ScanComparison, patient_changes
from lesionseg.workflow.demo.phantoms import (
    ALLOCATION,
    ARMS,
    PATIENTS,
    STUDY_DATES,
    DemoPatient,
    DemoScan,
    demo_scans,
)
from lesionseg.workflow.demo.readme import README_TITLE, readme_text
from lesionseg.workflow.demo.tables import (
    ARMS_CSV,
    DICOM,
    PLAN,
    SUBJECTS_CSV,
    TRIAL,
    VISITS_CSV,
    write_demo_tables,
)
from lesionseg.workflow.output import OwnOutput, refuse_output
from lesionseg.workflow.request import CaseSettings, Watch
from lesionseg.workflow.trial.request import ScanOutcome, TrialResult, TrialSettings
from lesionseg.workflow.trial.run import run_trial
from lesionseg.workflow.trial.scans import measured_cells

README, TRUTH_CSV = "README.md", "truth.csv"
DEMO_FILES = (README, DICOM, PLAN, VISITS_CSV, SUBJECTS_CSV, ARMS_CSV, TRIAL, TRUTH_CSV)
DEMO_OUTPUT = OwnOutput(DEMO_FILES, README, README_TITLE)


@dataclass(frozen=True)
class DemoResult:
    """What the demo found.

    Attributes
    ----------
    folder : Path
    trial : TrialResult
        As of any other trial.
    scans : tuple of ScanComparison
        True against measured.
    changes : tuple of PatientChange
        Likewise.
    true_effect : float or None
        The plan's primary estimate if it is made of the true changes.
    """

    folder: Path
    trial: TrialResult
    scans: tuple[ScanComparison, ...]
    changes: tuple[PatientChange, ...]
    true_effect: float | None


@dataclass(frozen=True)
class DemoSettings:
    """Who takes part and how they are scanned; the defaults are the demo of the documentation."""

    patients: tuple[DemoPatient, ...] = PATIENTS
    scanner: ChestSettings | None = None
    case: CaseSettings | None = None


def run_demo(
    folder: Path,
    segmenter: Segmenter,
    *,
    settings: DemoSettings | None = None,
    overwrite: bool = False,
    watch: Watch | None = None,
) -> DemoResult:
    """Write the phantom trial as DICOM and tables, run it as a trial, and compare with the truth.

    Parameters
    ----------
    folder : Path
        New or empty; removed again if the demo does not finish.
    segmenter : Segmenter
    settings : DemoSettings, optional
    overwrite : bool
        Replace an earlier demo in that folder.
    watch : Watch, optional
        The stage ``demo`` counts phantoms; the others are those of the trial.

    Raises
    ------
    LesionSegError
        As `run_trial` does; and if a phantom could not be measured, which is a fault worth stopping for.
    """
    settings, watch = settings or DemoSettings(), watch or Watch()
    with _demo_folder(folder, overwrite=overwrite):
        truth = _draw_phantoms(folder / DICOM, settings, watch)
        request = write_demo_tables(folder, settings.patients)
        how = TrialSettings(case=settings.case or CaseSettings())
        trial = run_trial(request, segmenter, settings=how, watch=watch)
        scans = tuple(_comparison(outcome, truth) for outcome in trial.outcomes)
        changes = patient_changes(scans)
        write_csv(folder / TRUTH_CSV, [_truth_row(scan) for scan in scans])
        (folder / README).write_text(readme_text(scans, segmenter.bundle_name), encoding="utf-8")
    return DemoResult(folder, trial, scans, changes, _true_effect(changes))


def _draw_phantoms(folder: Path, settings: DemoSettings, watch: Watch) -> dict[tuple[str, str], Quantities]:
    """Write every scan as DICOM; return the true volumes by patient and visit."""
    truth = {}
    total = 2 * len(settings.patients)
    watch.progress("demo", 0, total)
    for number, scan in enumerate(demo_scans(settings.patients, settings.scanner), start=1):
        _write_dicom(folder, scan)
        true = scan.phantom.truth
        truth[scan.patient.patient_id, scan.visit] = Quantities(true.lung_ml, true.lesion_ml, true.solid_ml)
        watch.progress("demo", number, total)
    return truth


def _write_dicom(folder: Path, scan: DemoScan) -> None:
    from lesionseg.dicom.write import WriterSettings, write_ct_series

    header = WriterSettings(
        entropy="lesionseg demo",
        patient_id=scan.patient.patient_id,
        patient_name=f"Phantom^{scan.patient.patient_id}",
        study_date=STUDY_DATES[scan.visit],
        study_description=f"Phantom trial, {scan.visit}",
    )
    write_ct_series(scan.phantom.volume, folder / scan.patient.place(scan.visit), settings=header)


def _comparison(outcome: ScanOutcome, truth: dict[tuple[str, str], Quantities]) -> ScanComparison:
    scan = outcome.scan
    if outcome.folder is None:
        raise LesionSegError(
            "a phantom of the demo could not be measured", case=scan.scan_id, found=outcome.reason_text
        )
    cells = measured_cells(outcome.folder)
    measured = Quantities(*(float(cells[field.name]) for field in fields(Quantities)))
    return ScanComparison(scan.subject, scan.visit_given, truth[scan.subject, scan.visit_given], measured)


def _truth_row(scan: ScanComparison) -> dict[str, Any]:
    row: dict[str, Any] = {"subject": scan.patient_id, "visit": scan.visit}
    for kind, found in (("true", scan.true), ("measured", scan.measured)):
        row |= {f"{kind}_{field.name}": round(getattr(found, field.name), 3) for field in fields(found)}
        row[f"{kind}_lesion_proportion_pct"] = round(found.lesion_pct, 4)
        row[f"{kind}_solid_proportion_pct"] = round(found.solid_pct, 4)
    return row


def _true_effect(changes: Sequence[PatientChange]) -> float | None:
    """Compare the arms as the plan does, by the true changes; None where an arm has none."""
    from lesionseg.statistics.rank.rank_sum import rank_sum

    arms = [
        [
            change.true_change_pct
            for change in changes
            if ALLOCATION[change.patient_id] == arm and change.true_change_pct is not None
        ]
        for arm in ARMS
    ]
    return rank_sum(*arms).effect if all(arms) else None


@contextmanager
def _demo_folder(folder: Path, *, overwrite: bool) -> Iterator[None]:
    """Make a fresh folder for the demo, and take it away again if the demo does not finish."""
    refuse_output(folder, DEMO_OUTPUT, overwrite=overwrite)
    if folder.is_dir():
        for path in folder.iterdir():
            _remove(path)
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
