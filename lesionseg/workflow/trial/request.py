"""What is asked of a trial, what its folder holds, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lesionseg.longitudinal import Status
from lesionseg.workflow.output import OwnOutput
from lesionseg.workflow.request import MANIFEST, CaseSettings
from lesionseg.workflow.scan_list.scan_list import LeftOver, ListedScan

if TYPE_CHECKING:
    from lesionseg.statistics import TrialAnalysis

SCANS_CSV, CASES, VISITS, PATIENTS, ANALYSIS = "scans.csv", "cases", "visits", "patients", "analysis"
REPORT, REPORT_PDF = "report.html", "report.pdf"
TRIAL_FILES = (SCANS_CSV, CASES, VISITS, PATIENTS, ANALYSIS, REPORT, REPORT_PDF, MANIFEST)
"""All that a trial's folder may hold."""
TRIAL_FORMAT = "lesionseg-trial/1"
TRIAL_OUTPUT = OwnOutput(TRIAL_FILES, MANIFEST, TRIAL_FORMAT)


@dataclass(frozen=True)
class TrialRequest:
    """Which scans and tables, and where the results go.

    Attributes
    ----------
    dicom : Path
        Folder with the DICOM files of all patients and visits, in any order.
    plan : Path
        The analysis plan.
    output : Path
        New, empty, or an earlier run of a trial, which is then gone on with.
    visits, subjects : Path or None
        Which scan is whose and of which visit; day zero of each subject.
    arms : Path or None
        Opens the blinding. It is checked at once, and read again when everything else is on disk.
    endpoints, adverse_events : Path or None
        Further endpoints; events. Used with `arms` only.
    """

    dicom: Path
    plan: Path
    output: Path
    visits: Path | None = None
    subjects: Path | None = None
    arms: Path | None = None
    endpoints: Path | None = None
    adverse_events: Path | None = None

    @property
    def tables(self) -> dict[str, Path]:
        """The files given, by name, for the manifest."""
        named = {
            "plan": self.plan,
            "visits": self.visits,
            "subjects": self.subjects,
            "arms": self.arms,
            "endpoints": self.endpoints,
            "adverse_events": self.adverse_events,
        }
        return {name: path for name, path in named.items() if path is not None}


@dataclass(frozen=True)
class TrialSettings:
    """How a trial is run.

    Attributes
    ----------
    case : CaseSettings
        Of every scan.
    repairs : tuple of str
        Repairs that may be done to DICOM scans (``tilt``, ``duplicates``).
    pdf : bool
        Print the report as PDF too.
    overwrite : bool
        Measure every scan anew, also those that an earlier run has measured.
    """

    case: CaseSettings = field(default_factory=CaseSettings)
    repairs: tuple[str, ...] = ()
    pdf: bool = True
    overwrite: bool = False


@dataclass(frozen=True)
class ScanOutcome:
    """What became of one scan.

    Attributes
    ----------
    scan : ListedScan
    status : Status
        Failed: refused or gone wrong; not evaluable: sound, but no chest.
    folder : Path or None
        Holds what `segment` writes; None unless measured.
    reason, reason_text : str
        Error code and sentence; empty where measured.
    reused : bool
        Measured by an earlier run.
    warnings : tuple of str
    """

    scan: ListedScan
    status: Status
    folder: Path | None = None
    reason: str = ""
    reason_text: str = ""
    reused: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrialResult:
    """What a trial leaves behind.

    Attributes
    ----------
    folder : Path
        Holds `TRIAL_FILES`, without those that were not asked for or failed.
    outcomes : tuple of ScanOutcome
    left_over : tuple of LeftOver
        What lies in the DICOM folder and belongs to no scan.
    notes : tuple of str
        Oddities that a reader should know.
    warnings : tuple of str
        What went wrong without stopping the run.
    manifest, changes : dict
        Of the trial, and of its paired visits, as written.
    analysis : TrialAnalysis or None
        The comparison of the arms; None without an arm table.
    """

    folder: Path
    outcomes: tuple[ScanOutcome, ...]
    left_over: tuple[LeftOver, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    manifest: dict[str, Any]
    changes: dict[str, Any]
    analysis: TrialAnalysis | None = None

    @property
    def complete(self) -> bool:
        """Whether every scan was measured."""
        return all(outcome.status is Status.MEASURED for outcome in self.outcomes)
