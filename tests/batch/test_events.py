from __future__ import annotations

import pytest

from lesionseg.batch.events import BatchEvent, Happening, Tally


def stage(case: str, name: str, seconds: float | None = None) -> BatchEvent:
    return BatchEvent(Happening.STAGE, case, name, seconds)


def test_tally_counts_what_ended_and_what_each_stage_has() -> None:
    tally = Tally(total=4)
    for event in (
        BatchEvent(Happening.LISTED),
        BatchEvent(Happening.TAKEN_OVER, "A"),
        stage("B", "read"),
        stage("B", "read", 2.0),
        stage("C", "read"),
        BatchEvent(Happening.FAILED, "C", reason="geometry"),
        stage("D", "read"),
    ):
        tally.count(event)
    assert (tally.taken_over, tally.failed, tally.done, tally.ended) == (1, 1, 0, 2)
    assert tally.in_work == {"D": "read"}
    assert tally.stages == {"read": (1, 2.0)}


def test_time_left_is_told_from_scans_that_were_worked_on() -> None:
    times = iter([100.0, 130.0])
    tally = Tally(clock=lambda: next(times), total=10)
    tally.count(BatchEvent(Happening.TAKEN_OVER, "A"))
    assert tally.seconds_left is None
    tally.count(stage("B", "read"))
    tally.count(BatchEvent(Happening.DONE, "B"))
    assert tally.seconds_left == pytest.approx(30.0 * 8)
