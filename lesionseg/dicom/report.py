"""What lies under a folder: every series with a verdict, and which one would be measured."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from lesionseg.core.errors import EmptyInputError, InputError
from lesionseg.dicom.discovery import Findings, find_slices
from lesionseg.dicom.loader import check_group, decode_group, refuse_unreadable
from lesionseg.dicom.selection import SeriesGroup, choose, group_by_series, why_not_by_itself, why_out
from lesionseg.dicom.series import SeriesChoice
from lesionseg.dicom.settings import LoaderSettings, Note


class Verdict(StrEnum):
    """What becomes of a series."""

    USABLE = "usable"
    REFUSED = "refused"
    OUT = "out"
    """Not a CT series to measure: a localizer, derived images, a dose report, another modality."""


@dataclass(frozen=True)
class SeriesReport:
    """One series and its verdict.

    Attributes
    ----------
    series_uid, description : str
    slices : int
    verdict : Verdict
    reason : str
        Why it is out or refused; empty where usable.
    error : InputError or None
        What loading it would raise.
    notes : tuple of Note
    """

    series_uid: str
    description: str
    slices: int
    verdict: Verdict
    reason: str
    error: InputError | None
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class FolderReport:
    """Everything found under a path.

    Attributes
    ----------
    path : Path
    series : tuple of SeriesReport
        In order of UID.
    choice : SeriesChoice or None
        Which series would be measured and why; None where none would.
    choice_error : InputError or None
        Why none would: no CT series, no file, or a tie.
    unreadable : tuple of InputError
        Files that may hold a slice but cannot be used.
    strays : dict of str to int
        Files without an image, counted by kind.
    """

    path: Path
    series: tuple[SeriesReport, ...]
    choice: SeriesChoice | None
    choice_error: InputError | None
    unreadable: tuple[InputError, ...]
    strays: dict[str, int]

    @property
    def error(self) -> InputError | None:
        """What `load_series` on this path would raise; None where it would succeed."""
        if self.choice is None:
            return self.choice_error
        chosen = self.choice.chosen_uid
        return next((report.error for report in self.series if report.series_uid == chosen), None)


def check_folder(
    path: Path,
    settings: LoaderSettings = LoaderSettings(),  # noqa: B008 - frozen
    *,
    decode: bool = False,
) -> FolderReport:
    """Check every series under a path.

    Parameters
    ----------
    path : Path
        A folder, searched to any depth, or one file.
    settings : LoaderSettings
    decode : bool
        Decode the pixels of every usable series too, which finds damaged ones and takes as long as loading.

    Raises
    ------
    InputNotFoundError
        If the path does not exist.
    UnreadableFileError
        If the path itself cannot be opened. Bad content never raises: it is reported.
    """
    try:
        findings = find_slices(path)
    except EmptyInputError as error:
        return FolderReport(path, (), None, error, (), {})
    groups = group_by_series(findings.slices)
    reports = tuple(_report(group, findings, settings, decode=decode) for group in groups)
    unreadable = tuple(file.error for file in findings.unreadable)
    choice: SeriesChoice | None = None
    choice_error: InputError | None = None
    try:
        if not groups:
            refuse_unreadable(findings, "")
        choice = choose(groups, None, str(path))[1]
    except InputError as error:
        choice_error = error
    return FolderReport(path, reports, choice, choice_error, unreadable, findings.strays)


def _report(
    group: SeriesGroup, findings: Findings, settings: LoaderSettings, *, decode: bool
) -> SeriesReport:
    facts = (group.uid, group.description, len(group.slices))
    out = why_out(group) or why_not_by_itself(group)
    if out:
        return SeriesReport(*facts, Verdict.OUT, out, None, ())
    try:
        refuse_unreadable(findings, group.uid)
        checked = check_group(group, settings)
        notes = checked.notes
        if decode:
            notes += decode_group(group, checked.stack, settings, None)[1]
    except InputError as error:
        return SeriesReport(*facts, Verdict.REFUSED, error.problem, error, ())
    return SeriesReport(*facts, Verdict.USABLE, "", None, notes)
