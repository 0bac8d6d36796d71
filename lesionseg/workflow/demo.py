"""The demo: a phantom trial through the path that a user's data takes, and then true against measured."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from lesionseg.core.tables import write_csv
from lesionseg.phantoms import ChestSettings
from lesionseg.segmentation import Segmenter
from lesionseg.workflow.case import segment_case
from lesionseg.workflow.demo_comparison import (
    ArmSummary,
    PatientChange,
    Quantities,
    ScanComparison,
    patient_changes,
    summarise_arms,
)
from lesionseg.workflow.demo_readme import README_TITLE, readme_text
from lesionseg.workflow.demo_trial import ALLOCATION, PATIENTS, STUDY_DATES, DemoPatient, DemoScan, demo_scans
from lesionseg.workflow.output import OwnOutput, refuse_output
from lesionseg.workflow.request import CaseRequest, CaseSettings, Watch

README, DICOM, RESULTS = "README.md", "dicom", "results"
TRUTH_CSV, RESULTS_CSV, CHANGE_CSV, ARMS_CSV = "truth.csv", "results.csv", "change.csv", "arms.csv"
DEMO_FILES = (README, DICOM, RESULTS, TRUTH_CSV, RESULTS_CSV, CHANGE_CSV, ARMS_CSV)
DEMO_OUTPUT = OwnOutput(DEMO_FILES, README, README_TITLE)


@dataclass(frozen=True)
class DemoResult:
    """What the demo found.

    Attributes
    ----------
    folder : Path
    scans : tuple of ScanComparison
    changes : tuple of PatientChange
    arms : tuple of ArmSummary
    pictures : tuple of Path
    """

    folder: Path
    scans: tuple[ScanComparison, ...]
    changes: tuple[PatientChange, ...]
    arms: tuple[ArmSummary, ...]
    pictures: tuple[Path, ...]


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
    """Write the phantom trial as DICOM, measure every scan from its files, and compare with the truth.

    Parameters
    ----------
    folder : Path
        New or empty; removed again if the demo does not finish.
    segmenter : Segmenter
    settings : DemoSettings, optional
    overwrite : bool
        Replace an earlier demo in that folder.
    watch : Watch, optional
        The stage ``demo`` counts scans.

    Raises
    ------
    LesionSegError
        As `segment_case` does; a phantom that is refused is a fault worth stopping for.
    """
    settings, watch = settings or DemoSettings(), watch or Watch()
    with _demo_folder(folder, overwrite=overwrite):
        scans, pictures = [], []
        total = 2 * len(settings.patients)
        watch.progress("demo", 0, total)
        for number, scan in enumerate(demo_scans(settings.patients, settings.scanner), start=1):
            comparison, picture = _one_scan(folder, scan, segmenter, settings, watch)
            scans.append(comparison)
            pictures.append(picture)
            watch.progress("demo", number, total)
        changes = patient_changes(scans)
        arms = summarise_arms(changes, ALLOCATION)  # the arms are read here, after the last measurement
        result = DemoResult(folder, tuple(scans), changes, arms, tuple(pictures))
        _write_tables(result)
        (folder / README).write_text(readme_text(result.scans, segmenter.bundle_name), encoding="utf-8")
    return result


def _one_scan(
    folder: Path, scan: DemoScan, segmenter: Segmenter, settings: DemoSettings, watch: Watch
) -> tuple[ScanComparison, Path]:
    from lesionseg.dicom.write import WriterSettings, write_ct_series

    place = f"{scan.patient.patient_id}-{scan.visit.replace(' ', '-')}"
    header = WriterSettings(
        entropy="lesionseg demo",
        patient_id=scan.patient.patient_id,
        patient_name=f"Phantom^{scan.patient.patient_id}",
        study_date=STUDY_DATES[scan.visit],
        study_description=f"Phantom trial, {scan.visit}",
    )
    write_ct_series(scan.phantom.volume, folder / DICOM / place, settings=header)
    request = CaseRequest(folder / DICOM / place, folder / RESULTS / place)
    result = segment_case(request, segmenter, settings=settings.case, watch=watch)
    truth, whole = scan.phantom.truth, result.measurements.whole
    comparison = ScanComparison(
        patient_id=scan.patient.patient_id,
        visit=scan.visit,
        true=Quantities(truth.lung_ml, truth.lesion_ml, truth.solid_ml),
        measured=Quantities(whole.lung_ml, whole.lesion_ml, whole.solid_ml),
        flags=tuple(flag.sentence for flag in result.measurements.flags),
    )
    return comparison, result.folder / "overview.png"


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


def _write_tables(result: DemoResult) -> None:
    scans = result.scans
    write_csv(result.folder / TRUTH_CSV, [_scan_row(scan, scan.true) for scan in scans])
    write_csv(result.folder / RESULTS_CSV, [_scan_row(scan, scan.measured) for scan in scans])
    write_csv(result.folder / CHANGE_CSV, [asdict(change) for change in result.changes])
    write_csv(result.folder / ARMS_CSV, [asdict(arm) for arm in result.arms])


def _scan_row(scan: ScanComparison, quantities: Quantities) -> dict[str, Any]:
    values = {field.name: round(getattr(quantities, field.name), 3) for field in fields(quantities)}
    return {
        "patient_id": scan.patient_id,
        "visit": scan.visit,
        **values,
        "lesion_proportion_pct": round(quantities.lesion_pct, 4),
        "solid_proportion_pct": round(quantities.solid_pct, 4),
    }
