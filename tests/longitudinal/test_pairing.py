from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lesionseg.core.errors import InputError
from lesionseg.longitudinal import Decision, Pairing, Reason, Scan, Status, Subject, pair_visits
from tests.longitudinal.builders import DAY_ZERO, SCHEDULE, on

SUBJECTS = {"A": Subject("A", DAY_ZERO), "B": Subject("B", DAY_ZERO)}
FAILED = {"status": Status.FAILED, "reason": "slices-missing", "reason_text": "Slices are missing."}


def scan(name: str, day: int | None, subject: str = "A", **more) -> Scan:
    return Scan(subject, name, None if day is None else on(day), **more)


def paired(*scans: Scan, subjects=SUBJECTS) -> Pairing:
    return pair_visits(scans, SCHEDULE, subjects)


def outcome(made: Decision) -> tuple[str, bool, Reason]:
    return made.visit, made.chosen, made.reason


def test_a_scan_in_a_window_is_its_visit() -> None:
    (made,) = paired(scan("a", 33)).decisions
    assert outcome(made) == ("day 28", True, Reason.ONLY_SCAN)
    assert made.day == 33
    assert "day 33, 5 days from the visit's day 28" in made.reason_text
    assert "days 21 to 35" in made.reason_text


def test_both_ends_of_a_window_belong_to_it() -> None:
    visits = [made.visit for made in paired(*(scan(str(day), day) for day in (-8, -7, 0, 1))).decisions]
    assert visits == ["", "baseline", "baseline", ""]


def test_the_nearest_scan_is_taken_and_the_others_are_kept() -> None:
    far, near = paired(scan("far", 24), scan("near", 29)).decisions
    assert outcome(near) == ("day 28", True, Reason.NEAREST)
    assert outcome(far) == ("day 28", False, Reason.FURTHER_AWAY)
    assert "near is nearer" in far.reason_text


def test_the_earlier_is_taken_on_a_tie() -> None:
    late, early = paired(scan("late", 30), scan("early", 26)).decisions
    assert outcome(early) == ("day 28", True, Reason.EARLIER_ON_TIE)
    assert outcome(late) == ("day 28", False, Reason.LATER_ON_TIE)


def test_of_two_scans_of_one_day_the_first_name_is_taken_and_this_is_said() -> None:
    second, first = paired(scan("b", 28), scan("a", 28)).decisions
    assert outcome(first) == ("day 28", True, Reason.NEAREST)
    assert outcome(second) == ("day 28", False, Reason.SAME_DAY)


@pytest.mark.parametrize("status", [Status.FAILED, Status.NOT_EVALUABLE])
def test_a_scan_without_figures_never_wins_over_a_measured_one(status: Status) -> None:
    bad, good = paired(scan("bad", 28, status=status, reason="motion"), scan("good", 35)).decisions
    assert outcome(good) == ("day 28", True, Reason.ONLY_SCAN)
    assert (bad.visit, bad.chosen, str(bad.reason)) == (
        "day 28", False, {"failed": "scan-failed", "not-evaluable": "not-evaluable"}[status]
    )  # fmt: skip
    assert "motion" in bad.reason_text


def test_a_visit_with_failed_scans_only_names_the_nearest_of_them() -> None:
    pairing = paired(scan("far", 22, **FAILED), scan("near", 27, **FAILED))
    assert not pairing.chosen
    assert pairing.without_figures == {("A", "day 28"): 1}
    assert {made.reason for made in pairing.decisions} == {Reason.SCAN_FAILED}
    assert "Slices are missing." in pairing.decisions[0].reason_text


def test_the_visit_table_decides_before_dates() -> None:
    named, near = paired(scan("named", 34, visit_given="day 28"), scan("near", 28)).decisions
    assert outcome(named) == ("day 28", True, Reason.GIVEN)
    assert outcome(near) == ("day 28", False, Reason.OTHER_GIVEN)


def test_a_named_visit_needs_neither_date_nor_day_zero() -> None:
    undated, unknown = paired(
        scan("a", None, visit_given="baseline"), scan("b", 500, visit_given="day 28"), subjects=None
    ).decisions
    assert outcome(undated) == ("baseline", True, Reason.GIVEN)
    assert outcome(unknown) == ("day 28", True, Reason.GIVEN)


def test_a_named_visit_outside_its_window_is_taken_and_said() -> None:
    (made,) = paired(scan("a", 60, visit_given="day 28")).decisions
    assert outcome(made) == ("day 28", True, Reason.GIVEN_OUTSIDE)
    assert "day 60 lies outside its window (days 21 to 35)" in made.reason_text


def test_a_measured_scan_replaces_a_named_one_that_failed() -> None:
    named, other = paired(scan("named", 28, visit_given="day 28", **FAILED), scan("other", 30)).decisions
    assert outcome(other) == ("day 28", True, Reason.ONLY_SCAN)
    assert outcome(named) == ("day 28", False, Reason.SCAN_FAILED)


@pytest.mark.parametrize(
    ("made", "subjects", "reason"),
    [
        (scan("a", 50), SUBJECTS, Reason.OUTSIDE_WINDOWS),
        (scan("a", None), SUBJECTS, Reason.NO_DATE),
        (scan("a", 28), None, Reason.NO_DAY_ZERO),
        (scan("a", 28), {"A": Subject("A")}, Reason.NO_DAY_ZERO),
        (scan("a", 28, visit_given="Unscheduled"), SUBJECTS, Reason.GIVEN_UNSCHEDULED),
    ],
)
def test_unscheduled_scans_are_kept_with_their_reason(made: Scan, subjects, reason: Reason) -> None:
    pairing = paired(made, subjects=subjects)
    assert [outcome(one) for one in pairing.unscheduled] == [("", False, reason)]
    assert pairing.decisions[0].reason_text


def test_subjects_do_not_share_visits() -> None:
    pairing = paired(scan("a", 28, "A"), scan("b", 28, "B"))
    assert pairing.chosen == {("A", "day 28"): 0, ("B", "day 28"): 1}


def test_an_unknown_visit_is_refused_with_those_of_the_plan() -> None:
    with pytest.raises(InputError, match="no such visit") as caught:
        paired(scan("a", 28, visit_given="day28"))
    assert "day 28" in caught.value.expected
    assert caught.value.found == "day28"


def test_one_visit_given_to_two_scans_is_refused_with_both() -> None:
    with pytest.raises(InputError, match="two scans") as caught:
        paired(scan("a", 27, visit_given="day 28"), scan("b", 28, visit_given="day 28"))
    assert caught.value.found == "a and b"


# --- whatever the scans -----------------------------------------------------------------------------------

SCANS = st.lists(
    st.tuples(st.sampled_from("AB"), st.one_of(st.none(), st.integers(-20, 120)), st.sampled_from(Status)),
    max_size=25,
).map(
    lambda facts: [
        scan(f"s{number:02d}", day, subject, status=status)
        for number, (subject, day, status) in enumerate(facts)
    ]
)


@given(SCANS)
def test_every_scan_has_one_decision_and_every_visit_at_most_one_scan(scans: list[Scan]) -> None:
    pairing = paired(*scans)
    assert [made.scan for made in pairing.decisions] == scans
    assert all(made.reason_text for made in pairing.decisions)
    taken = Counter((made.scan.subject, made.visit) for made in pairing.decisions if made.chosen)
    assert all(number == 1 for number in taken.values())
    assert set(taken) == set(pairing.chosen)


@given(SCANS)
def test_the_scan_taken_is_measured_and_no_other_is_nearer_or_as_near_and_earlier(scans: list[Scan]) -> None:
    pairing = paired(*scans)
    days = {window.name: window.day for window in SCHEDULE}
    for (subject, visit), index in pairing.chosen.items():
        best = pairing.decisions[index]
        assert best.scan.is_measured
        rivals = [
            made for made in pairing.decisions
            if made.visit == visit and made.scan.subject == subject and made.scan.is_measured
        ]  # fmt: skip
        ranks = [(abs(made.day - days[visit]), made.day) for made in rivals]
        assert (abs(best.day - days[visit]), best.day) == min(ranks)


@given(SCANS)
def test_a_measured_scan_in_a_window_never_leaves_its_visit_empty(scans: list[Scan]) -> None:
    pairing = paired(*scans)
    for made in pairing.decisions:
        if made.visit and made.scan.is_measured:
            assert (made.scan.subject, made.visit) in pairing.chosen
        if made.day is not None:
            within = [window.name for window in SCHEDULE if window.first_day <= made.day <= window.last_day]
            assert [made.visit] == (within or [""])


@given(SCANS, st.randoms(use_true_random=False))
def test_the_order_of_the_scans_does_not_matter(scans: list[Scan], random) -> None:
    mixed = list(scans)
    random.shuffle(mixed)
    assert {made.scan.scan_id: made for made in paired(*scans).decisions} == {
        made.scan.scan_id: made for made in paired(*mixed).decisions
    }
