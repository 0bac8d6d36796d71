"""In which order cases are handed out, and how often."""

from __future__ import annotations

import threading
from pathlib import Path

from lesionseg.batch.cases import BatchCase
from lesionseg.batch.cluster.source import Source

A, B, C = (BatchCase(name, name, Path(name)) for name in "ABC")


def test_each_case_once_in_order() -> None:
    source = Source([A, B], 3)
    assert [source.take(0.0), source.take(0.0), source.take(0.0)] == [A, B, None]
    assert not source.is_over
    source.settle(A)
    source.settle(B)
    assert source.is_over


def test_a_lost_case_comes_again_after_the_others() -> None:
    source = Source([A, B, C], 3)
    assert source.take(0.0) == A
    assert source.may_retry(A)
    source.give_back(A)
    assert [source.take(0.0) for _ in range(3)] == [B, C, A]


def test_the_last_try_waits_until_nothing_else_is_in_work() -> None:
    source = Source([A, B], 2)
    source.take(0.0)
    source.give_back(A)
    assert source.take(0.0) == B
    assert source.take(0.0) is None
    source.settle(B)
    assert source.take(0.0) == A
    assert not source.may_retry(A)


def test_two_suspects_are_never_in_work_together() -> None:
    source = Source([A, B], 2)
    for _ in range(2):
        source.give_back(source.take(0.0))  # type: ignore[arg-type]
    assert source.take(0.0) == A
    assert source.take(0.0) is None
    source.settle(A)
    assert source.take(0.0) == B


def test_a_case_that_was_never_begun_loses_no_try() -> None:
    source = Source([A], 2)
    for _ in range(5):
        source.take(0.0)
        source.give_back(A, counted=False)
    source.take(0.0)
    assert source.may_retry(A)


def test_a_last_try_that_was_never_begun_stays_a_last_try() -> None:
    source = Source([A, B, C], 2)
    source.give_back(source.take(0.0))  # type: ignore[arg-type]
    for case in (B, C):
        source.settle(source.take(0.0) or case)
    source.give_back(source.take(0.0), counted=False)  # type: ignore[arg-type]
    assert source.take(0.0) == A
    assert not source.may_retry(A)


def test_who_waits_hears_of_a_case_that_comes_back() -> None:
    source = Source([A], 3)
    source.take(0.0)
    found = []
    waiting = threading.Thread(target=lambda: found.append(source.take(20.0)))
    waiting.start()
    source.give_back(A)
    waiting.join(20.0)
    assert found == [A]
