"""Adverse events by arm: subjects with each event, compared by Fisher's exact test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lesionseg.statistics.estimate import Estimate
from lesionseg.statistics.proportions import risk_difference

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

    Subjects are counted, not events: who had a headache twice counts once. Terms that differ in capitals or
    spaces only are one term, under the spelling that comes first. P values are two-sided and not adjusted for
    the number of terms: they describe safety, they prove nothing. The row of any event is always there.

    Parameters
    ----------
    events : iterable of (subject, term)
        One pair per event.
    treated : mapping
        Every subject of the population, with or without events: True for treatment, False for control.

    Returns
    -------
    AdverseEvents
        Subjects with events who are not in the population are named aside, and counted nowhere.
    """
    known: list[tuple[str, str]] = []
    outside: set[str] = set()
    spelling: dict[str, str] = {}
    for subject, term in events:
        if subject in treated:
            key = " ".join(term.split()).casefold()
            spelling.setdefault(key, " ".join(term.split()))
            known.append((subject, key))
        else:
            outside.add(subject)
    by_term: dict[str, list[str]] = {key: [] for key in spelling}
    for subject, key in known:
        by_term[key].append(subject)
    rows = [_row(spelling[key], subjects, treated, alpha) for key, subjects in by_term.items()]
    rows.sort(key=lambda row: (-row.treatment_subjects - row.control_subjects, row.term.casefold()))
    any_event = _row(ANY_EVENT, [subject for subject, _ in known], treated, alpha)
    return AdverseEvents((any_event, *rows), tuple(sorted(outside)))


def _row(term: str, subjects: Sequence[str], treated: Mapping[str, bool], alpha: float) -> EventRow:
    arms = Counter(treated.values())
    events = Counter(treated[subject] for subject in subjects)
    once = Counter(treated[subject] for subject in set(subjects))
    comparison = risk_difference(once[True], arms[True], once[False], arms[False], alpha=alpha)
    return EventRow(term, once[True], once[False], events[True], events[False], comparison)
