"""Doing one thing beside another, where both wait for the disk or for libraries that leave Python's lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def beside(work: Callable[[], object], *, threads: int | None = None) -> Iterator[None]:
    """Do `work` in a thread of its own while the enclosed block runs.

    Parameters
    ----------
    work : callable
    threads : int, optional
        What the user allows; with 1 the work is done first, and the block after it.

    Raises
    ------
    Exception
        What the block raises, or else what `work` raises. Both have come to their end by then.
    """
    if threads == 1:
        work()
        yield
        return
    with ThreadPoolExecutor(max_workers=1) as pool:
        done = pool.submit(work)
        yield
        done.result()
