from __future__ import annotations

import threading

import pytest

from lesionseg.core.beside import beside


def test_work_and_block_run_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=10)
    with beside(meeting.wait):
        meeting.wait()
    assert not meeting.broken


def test_work_is_done_first_and_in_the_same_thread_where_one_is_allowed() -> None:
    order: list[object] = []
    with beside(lambda: order.append(threading.current_thread()), threads=1):
        order.append("block")
    assert order == [threading.current_thread(), "block"]


@pytest.mark.parametrize("threads", [1, None])
def test_what_the_work_raises_reaches_the_caller(threads: int | None) -> None:
    def fail() -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"), beside(fail, threads=threads):
        pass


def test_the_error_of_the_block_comes_first_and_the_work_has_ended() -> None:
    ended = threading.Event()

    def fail() -> None:
        ended.set()
        raise OSError("later")

    with pytest.raises(ValueError, match="at once"), beside(fail):
        raise ValueError("at once")
    assert ended.is_set()
