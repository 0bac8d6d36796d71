"""A scan and a subject as the schedule sees them: names, dates, and whether there are figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

UNSCHEDULED = "unscheduled"
"""What the visit table may say of a scan that belongs to no visit of the plan."""


class Status(StrEnum):
    """What became of a scan."""

    MEASURED = "measured"
    FAILED = "failed"
    NOT_EVALUABLE = "not-evaluable"


class ValueOrigin(StrEnum):
    """Whose values a row of the table of scans holds; docs/readings.md says when."""

    MODEL = "model"
    READER = "reader"
    READERS_AVERAGE = "readers-average"
    ADJUDICATOR = "adjudicator"


@dataclass(frozen=True)
class Scan:
    """One scan that was found.

    Attributes
    ----------
    subject, scan_id : str
        `scan_id` stands once in a trial.
    study_date : date or None
    visit_given : str
        Name that the visit table gives it; empty where its date shall decide.
    status : Status
    reason, reason_text : str
        Code and sentence of a status other than measured.
    row : int or None
        In the table it came from, as a spreadsheet counts.
    """

    subject: str
    scan_id: str
    study_date: date | None = None
    visit_given: str = ""
    status: Status = Status.MEASURED
    reason: str = ""
    reason_text: str = ""
    row: int | None = None

    @property
    def is_measured(self) -> bool:
        """Whether it has figures."""
        return self.status is Status.MEASURED

    @property
    def why(self) -> str:
        """Why there are no figures, for the end of a sentence; empty for a measured scan."""
        if self.is_measured:
            return ""
        return self.reason_text.rstrip(". ") or self.reason or "no reason is given"


@dataclass(frozen=True)
class Subject:
    """One subject of the trial.

    Attributes
    ----------
    subject : str
    day_zero : date or None
        The day from which the days of the plan are counted.
    birth_date : date or None
    """

    subject: str
    day_zero: date | None = None
    birth_date: date | None = None

    def day_of(self, when: date | None) -> int | None:
        """Days from day zero, which is day 0; None where either date is not known."""
        return (when - self.day_zero).days if when and self.day_zero else None
