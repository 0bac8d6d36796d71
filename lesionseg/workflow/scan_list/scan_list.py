"""A folder of many patients and visits becomes a list of scans: whose, of which visit, which series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lesionseg.core.errors import InputError

if TYPE_CHECKING:
    from lesionseg.dicom.discovery import Findings


@dataclass(frozen=True)
class ScanSource:
    """Where a scan lies, and which of its series is measured.

    Attributes
    ----------
    input_path : Path
        Folder that holds all of its slices, or a volume file.
    files : tuple of Path
        Of the series that is measured; empty where none could be chosen.
    patient_id, study_uid, series_uid : str
        As the files say; empty where they do not, and of a volume file.
    study_date : date or None
    asked_series : str or None
        The series, if the table names one; otherwise the best of the study is chosen.
    found : Findings or None
        Headers of the study; None of a volume file.
    error : InputError or None
        Why no series could be chosen: a tie, or nothing that can be measured.
    """

    input_path: Path
    files: tuple[Path, ...]
    patient_id: str = ""
    study_uid: str = ""
    series_uid: str = ""
    study_date: date | None = None
    asked_series: str | None = None
    found: Findings | None = None
    error: InputError | None = None


@dataclass(frozen=True)
class ListedScan:
    """One scan of the trial.

    Attributes
    ----------
    subject : str
    scan_id : str
        Unique in the trial, and a file name.
    visit_given : str
        From the table of visits; empty where the visit is found by date.
    study_date : date or None
        From the table, otherwise from the files.
    path : str
        Of the source, below the folder that was searched.
    source : ScanSource
    row : int or None
        Of the table, counted as a spreadsheet does.
    """

    subject: str
    scan_id: str
    visit_given: str
    study_date: date | None
    path: str
    source: ScanSource
    row: int | None = None


@dataclass(frozen=True)
class LeftOver:
    """Something that lies in the folder and belongs to no scan of the list."""

    what: str
    path: str
    reason: str
    patient_id: str = ""
    study_date: str = ""
    study_uid: str = ""
    series_uid: str = ""


@dataclass(frozen=True)
class ScanList:
    """The scans in the order of subject, date and name; what is left over; what is odd.

    Attributes
    ----------
    scans : tuple of ListedScan
    left_over : tuple of LeftOver
    notes : tuple of str
        Oddities that stop nothing: one patient ID under two subjects, a date unlike the study date.
    """

    scans: tuple[ListedScan, ...]
    left_over: tuple[LeftOver, ...]
    notes: tuple[str, ...]

    @property
    def subjects(self) -> tuple[str, ...]:
        """Every subject with a scan, once."""
        return tuple(dict.fromkeys(scan.subject for scan in self.scans))


@dataclass(frozen=True)
class FoundScan:
    """A scan before it has a name."""

    subject: str
    visit: str
    source: ScanSource
    date_given: date | None = None
    row: int | None = None

    @property
    def study_date(self) -> date | None:
        """The table's date if it gives one, else the files'."""
        return self.date_given or self.source.study_date


def read_dicom_date(text: str) -> date | None:
    """Return a DICOM date (``YYYYMMDD``, PS3.5 6.2); None where it is none."""
    try:
        return datetime.strptime(text.strip(), "%Y%m%d").date()
    except ValueError:
        return None


def relative_path(path: Path, root: Path) -> str:
    """Return a path below the searched folder as text with forward slashes."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def odd_identities(scans: Sequence[FoundScan]) -> list[str]:
    """Say where subjects and patient IDs do not pair off, and where a date is not the files' own."""
    patients: dict[str, set[str]] = {}
    subjects: dict[str, set[str]] = {}
    for scan in scans:
        if scan.source.patient_id:
            patients.setdefault(scan.subject, set()).add(scan.source.patient_id)
            subjects.setdefault(scan.source.patient_id, set()).add(scan.subject)
    notes = [
        f"the scans of subject {subject} carry {len(found)} patient IDs: {', '.join(sorted(found))}"
        for subject, found in sorted(patients.items())
        if len(found) > 1
    ]
    notes += [
        f"scans with the patient ID {patient} are listed under {len(found)} subjects: "
        f"{', '.join(sorted(found))}"
        for patient, found in sorted(subjects.items())
        if len(found) > 1
    ]
    notes += [
        f"row {scan.row}: the date {scan.date_given} is taken, not the study date {scan.source.study_date}"
        for scan in scans
        if scan.date_given and scan.source.study_date and scan.date_given != scan.source.study_date
    ]
    return notes
