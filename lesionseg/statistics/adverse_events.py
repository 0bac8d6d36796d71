"""Adverse events by arm: subjects with each event, compared by Fisher's exact test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lesionseg.statistics.estimate import Estimate

ANY_EVENT = "any event"


@dataclass(frozen=True)
class EventRow:
    """One term, or any event: how many subjects of each arm had it, and how often.

    Attributes
    ----------
    term : str
    treatment_subjects, control_subjects : int
        Subjects with the event at least once.
    treatment_events, control_events : int
        Events, repeated ones included.
    comparison : Estimate
        Risk difference in percentage points with Newcombe's interval, Fisher's exact P; `n_treatment` and
        `n_control` are all subjects of the arms.
    """

    term: str
    treatment_subjects: int
    control_subjects: int
    treatment_events: int
    control_events: int
    comparison: Estimate


@dataclass(frozen=True)
class AdverseEvents:
    """The table of events: `rows` (any event first, then the most frequent), and who was left out of it."""

    rows: tuple[EventRow, ...]
    subjects_without_arm: tuple[str, ...]


def adverse_events(
    events: Iterable[tuple[str, str]], treated: Mapping[str, bool], *, alpha: float = 0.05
) -> AdverseEvents:
    """Compare the arms term by term.

    Parameters
    ----------
    events : iterable of (subject, term)
        One pair per event.
    treated : mapping
        Every subject of the population, with or without events: True for treatment, False for control.
    """
    raise NotImplementedError
