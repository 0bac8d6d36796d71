"""Which scan is which visit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lesionseg.core.errors import InputError
from lesionseg.core.plan import VisitWindow
from lesionseg.longitudinal.pairing_words import (
    UNPLACED_SENTENCES,
    Reason,
    distance_words,
    window_words,
)
from lesionseg.longitudinal.scan import UNSCHEDULED, Scan, Status, Subject


@dataclass(frozen=True)
class Decision:
    """What was decided about one scan.

    Attributes
    ----------
    scan : Scan
    day : int or None
        From the subject's day zero; None where a date is missing.
    visit : str
        Name of the visit it belongs to, taken for it or not; empty for an unscheduled scan.
    chosen : bool
        Its figures stand for the visit.
    reason, reason_text : str
        Code and sentence.
    """

    scan: Scan
    day: int | None
    visit: str
    chosen: bool
    reason: Reason
    reason_text: str


@dataclass(frozen=True)
class Pairing:
    """All decisions.

    Attributes
    ----------
    decisions : tuple of Decision
        In the order of the scans.
    chosen : mapping of (subject, visit) to int
        Index of the scan taken.
    without_figures : mapping of (subject, visit) to int
        Where none could be taken: index of the failed or not evaluable scan nearest to the visit's day.
    """

    decisions: tuple[Decision, ...]
    chosen: Mapping[tuple[str, str], int]
    without_figures: Mapping[tuple[str, str], int]

    @property
    def unscheduled(self) -> tuple[Decision, ...]:
        """Scans that belong to no visit."""
        return tuple(made for made in self.decisions if not made.visit)


@dataclass(frozen=True)
class _Placed:
    """A scan and the visit that it is a candidate for."""

    index: int
    scan: Scan
    day: int | None
    window: VisitWindow

    @property
    def rank(self) -> tuple[bool, bool, int, int, str]:
        """Lowest first: with figures, named by the visit table, near, early; names make it unambiguous."""
        distance = abs(self.day - self.window.day) if self.day is not None else 0
        return (
            not self.scan.is_measured,
            not self.scan.visit_given,
            distance,
            self.day if self.day is not None else 0,
            self.scan.scan_id,
        )


def pair_visits(
    scans: Sequence[Scan], schedule: Sequence[VisitWindow], subjects: Mapping[str, Subject] | None = None
) -> Pairing:
    """Decide about every scan which visit it belongs to and whether its figures stand for that visit.

    A scan belongs to the visit that the visit table names, or else to the one whose window holds its day.
    Of several scans of one visit one with figures is taken before one without, then the one that the visit
    table names, then the nearest to the visit's day, then the earlier. The others are kept and listed.

    Parameters
    ----------
    scans : sequence of Scan
        In any order; the result keeps it.
    schedule : sequence of VisitWindow
        Windows that do not overlap.
    subjects : mapping of str to Subject, optional
        Day zero by subject; not needed where the visit table names every visit.

    Raises
    ------
    InputError
        If a scan is given a visit that the schedule lacks, or two scans of a subject are given one visit.
    """
    known = subjects or {}
    windows = {window.name: window for window in schedule}
    _refuse_unknown_visits(scans, windows)
    _refuse_repeated_visits(scans)
    decisions: dict[int, Decision] = {}
    chosen: dict[tuple[str, str], int] = {}
    without_figures: dict[tuple[str, str], int] = {}
    candidates: defaultdict[tuple[str, str], list[_Placed]] = defaultdict(list)
    for index, scan in enumerate(scans):
        day = known.get(scan.subject, Subject(scan.subject)).day_of(scan.study_date)
        placed = _place(index, scan, day, windows)
        if isinstance(placed, Decision):
            decisions[index] = placed
        else:
            candidates[scan.subject, placed.window.name].append(placed)
    for visit, group in candidates.items():
        ranked = sorted(group, key=lambda placed: placed.rank)
        (chosen if ranked[0].scan.is_measured else without_figures)[visit] = ranked[0].index
        decisions |= _choose(ranked)
    return Pairing(tuple(decisions[index] for index in range(len(scans))), chosen, without_figures)


def _place(index: int, scan: Scan, day: int | None, windows: Mapping[str, VisitWindow]) -> _Placed | Decision:
    if scan.visit_given.lower() == UNSCHEDULED:
        return _unplaced(scan, day, Reason.GIVEN_UNSCHEDULED)
    if scan.visit_given:
        return _Placed(index, scan, day, windows[scan.visit_given])
    if scan.study_date is None:
        return _unplaced(scan, day, Reason.NO_DATE)
    if day is None:
        return _unplaced(scan, day, Reason.NO_DAY_ZERO)
    for window in windows.values():
        if window.first_day <= day <= window.last_day:
            return _Placed(index, scan, day, window)
    listed = "; ".join(f"{window.name} {window_words(window)}" for window in windows.values())
    sentence = f"Day {day} lies in no visit's window ({listed})."
    return Decision(scan, day, "", chosen=False, reason=Reason.OUTSIDE_WINDOWS, reason_text=sentence)


def _unplaced(scan: Scan, day: int | None, reason: Reason) -> Decision:
    return Decision(scan, day, "", chosen=False, reason=reason, reason_text=UNPLACED_SENTENCES[reason])


# --- one visit of one subject ---------------------------------------------------------------------------


def _choose(ranked: Sequence[_Placed]) -> dict[int, Decision]:
    """Decide about all candidates of one visit, best first."""
    best = ranked[0]
    rivals = [placed for placed in ranked[1:] if placed.scan.is_measured]
    decisions = {}
    for placed in ranked:
        chosen = placed is best and placed.scan.is_measured
        reason, sentence = _won(placed, rivals) if chosen else _lost(placed, best)
        decisions[placed.index] = Decision(
            placed.scan, placed.day, placed.window.name, chosen=chosen, reason=reason, reason_text=sentence
        )
    return decisions


def _won(best: _Placed, rivals: Sequence[_Placed]) -> tuple[Reason, str]:
    window, day = best.window, best.day
    if best.scan.visit_given:
        if day is None or window.first_day <= day <= window.last_day:
            return Reason.GIVEN, f"The visit table gives this scan for {window.name}."
        return (
            Reason.GIVEN_OUTSIDE,
            f"The visit table gives this scan for {window.name}, although day {day} lies outside its window "
            f"({window_words(window)}).",
        )
    near = distance_words(day or 0, window)
    if not rivals:
        return Reason.ONLY_SCAN, f"{near}: the only measured scan in its window ({window_words(window)})."
    tied = [rival for rival in rivals if rival.rank[2] == best.rank[2] and rival.day != day]
    if tied:
        return Reason.EARLIER_ON_TIE, f"{near}, as near as {tied[0].scan.scan_id}, and earlier."
    return Reason.NEAREST, f"{near}, the nearest of {len(rivals) + 1} measured scans in its window."


def _lost(placed: _Placed, best: _Placed) -> tuple[Reason, str]:
    scan, taken = placed.scan, best.scan.scan_id
    visit = placed.window.name
    if scan.status is Status.FAILED:
        return Reason.SCAN_FAILED, f"The scan belongs to {visit} but could not be measured: {scan.why}."
    if scan.status is Status.NOT_EVALUABLE:
        return Reason.NOT_EVALUABLE, f"The scan belongs to {visit} but is not evaluable: {scan.why}."
    if best.scan.visit_given:
        return Reason.OTHER_GIVEN, f"The visit table gives {taken} for {visit}."
    near = distance_words(placed.day or 0, placed.window)
    if placed.rank[2] > best.rank[2]:
        return Reason.FURTHER_AWAY, f"{near}; {taken} is nearer."
    if placed.day == best.day:
        return Reason.SAME_DAY, f"{taken} was taken on the same day and comes first in the alphabet."
    return Reason.LATER_ON_TIE, f"{near}, as near as {taken}, which is earlier."


# --- what a caller may get wrong ------------------------------------------------------------------------


def _refuse_unknown_visits(scans: Sequence[Scan], windows: Mapping[str, VisitWindow]) -> None:
    for scan in scans:
        if scan.visit_given and scan.visit_given.lower() != UNSCHEDULED and scan.visit_given not in windows:
            raise InputError(
                "the plan has no such visit",
                case=f"{scan.subject}, {scan.scan_id}",
                expected=f"{', '.join(windows)} or {UNSCHEDULED}",
                found=scan.visit_given,
                remedy="Correct the visit table or the plan's schedule",
            )


def _refuse_repeated_visits(scans: Sequence[Scan]) -> None:
    first: dict[tuple[str, str], Scan] = {}
    for scan in scans:
        key = (scan.subject, scan.visit_given)
        if not scan.visit_given or scan.visit_given.lower() == UNSCHEDULED:
            continue
        if key in first:
            raise InputError(
                "two scans of one subject are given for one visit",
                case=f"{scan.subject}, {scan.visit_given}",
                found=f"{first[key].scan_id} and {scan.scan_id}",
                remedy=f"Keep one, or call the other {UNSCHEDULED}",
            )
        first[key] = scan
