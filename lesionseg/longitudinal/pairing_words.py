"""Why a scan is taken for a visit or not: codes for programs, sentences for people."""

from __future__ import annotations

from enum import StrEnum

from lesionseg.core.plan import VisitWindow


class Reason(StrEnum):
    """Every decision that pairing can make."""

    ONLY_SCAN = "only-scan"
    NEAREST = "nearest"
    EARLIER_ON_TIE = "earlier-on-tie"
    GIVEN = "given"
    GIVEN_OUTSIDE = "given-outside-window"
    FURTHER_AWAY = "further-away"
    LATER_ON_TIE = "later-on-tie"
    SAME_DAY = "same-day"
    OTHER_GIVEN = "other-given"
    SCAN_FAILED = "scan-failed"
    NOT_EVALUABLE = "not-evaluable"
    OUTSIDE_WINDOWS = "outside-windows"
    NO_DATE = "no-date"
    NO_DAY_ZERO = "no-day-zero"
    GIVEN_UNSCHEDULED = "given-unscheduled"


MEANINGS = {
    Reason.ONLY_SCAN: "taken: the only measured scan in the visit's window",
    Reason.NEAREST: "taken: of the measured scans in the window the nearest to the visit's day",
    Reason.EARLIER_ON_TIE: "taken: another is as near to the visit's day, but later",
    Reason.GIVEN: "taken: the visit table names the visit",
    Reason.GIVEN_OUTSIDE: "taken: the visit table names the visit, although the day lies outside its window",
    Reason.FURTHER_AWAY: "not taken: another is nearer to the visit's day",
    Reason.LATER_ON_TIE: "not taken: another is as near to the visit's day, and earlier",
    Reason.SAME_DAY: "not taken: another of the same day has the first scan_id of the alphabet",
    Reason.OTHER_GIVEN: "not taken: the visit table names another for this visit",
    Reason.SCAN_FAILED: "not taken: the scan has no figures, because measuring it failed",
    Reason.NOT_EVALUABLE: "not taken: the scan has no figures, because it was judged not evaluable",
    Reason.OUTSIDE_WINDOWS: "unscheduled: its day lies in no visit's window",
    Reason.NO_DATE: "unscheduled: neither a study date nor a visit is given",
    Reason.NO_DAY_ZERO: "unscheduled: neither a visit nor the subject's day zero is given",
    Reason.GIVEN_UNSCHEDULED: "unscheduled: the visit table says so",
}
"""One line on each code, for the documentation."""

UNPLACED_SENTENCES = {
    Reason.NO_DATE: "Neither a study date nor a visit is given for this scan.",
    Reason.NO_DAY_ZERO: "No visit is given for this scan, and the subject has no day zero to count from.",
    Reason.GIVEN_UNSCHEDULED: "The visit table says that this scan is unscheduled.",
}


def window_words(window: VisitWindow) -> str:
    """``days 21 to 35``."""
    if window.first_day == window.last_day:
        return f"day {window.first_day}"
    return f"days {window.first_day} to {window.last_day}"


def distance_words(day: int, window: VisitWindow) -> str:
    """``Taken on day 27, 1 day from the visit's day 28``."""
    distance = abs(day - window.day)
    if distance == 0:
        return f"Taken on the visit's day {day}"
    return (
        f"Taken on day {day}, {distance} day{'' if distance == 1 else 's'} from the visit's day {window.day}"
    )
