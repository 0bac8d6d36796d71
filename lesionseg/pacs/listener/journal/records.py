"""Rows of the journal as small frozen objects."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a study's job stands.

    ``received`` waits for the segmenter, ``segmenting`` is with it, ``done`` has its results on disk,
    ``sent`` has all of them at the destination. ``failed`` has a reason. ``superseded``: further objects
    arrived while it was segmented, or a later revision was made before all of its results were sent.
    """

    RECEIVED = "received"
    SEGMENTING = "segmenting"
    DONE = "done"
    SENT = "sent"
    FAILED = "failed"
    SUPERSEDED = "superseded"


@dataclass(frozen=True)
class ReceivedObject:
    """An object that was acknowledged.

    Attributes
    ----------
    sop_instance_uid, study_uid, series_uid : str
        As in the data set.
    file : str
        Relative to the listener's folder.
    sha256 : str
        Of the file.
    size_bytes : int
    calling : str
        AE title of the sender.
    """

    sop_instance_uid: str
    study_uid: str
    series_uid: str
    file: str
    sha256: str
    size_bytes: int
    calling: str


@dataclass(frozen=True)
class Job:
    """One revision of a study.

    Attributes
    ----------
    number : int
        Unique in the journal.
    study_uid : str
    revision : int
        Counted from 1; objects that come after a revision was begun make the next one.
    state : State
    reason : str
        Why it failed or waits.
    starts : int
        How often its case was begun, stops in good order not counted.
    through : int
        Number of the last object that belongs to it.
    """

    number: int
    study_uid: str
    revision: int
    state: State
    reason: str
    starts: int
    through: int


@dataclass(frozen=True)
class Result:
    """A DICOM file made of a study, and whether it was sent.

    Attributes
    ----------
    job : int
    sop_instance_uid, sha256 : str
    file : str
        Relative to the listener's folder.
    sent : bool
    attempts : int
        That failed.
    reason : str
        What the last failed attempt, or a warning of the receiver, said.
    """

    job: int
    sop_instance_uid: str
    file: str
    sha256: str
    sent: bool = False
    attempts: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Transition:
    """A change of a job's state; `number` counts them all."""

    number: int
    study_uid: str
    revision: int
    at: str
    before: str
    after: str
    reason: str

    def as_dict(self) -> dict[str, str | int]:
        """Return it for the audit log."""
        return {
            "transition": self.number,
            "study_uid": self.study_uid,
            "revision": self.revision,
            "at": self.at,
            "from": self.before,
            "to": self.after,
            "reason": self.reason,
        }
