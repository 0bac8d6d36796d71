"""A connection with a Ray cluster: one that is there, or one of this machine alone."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from lesionseg.core.errors import ClusterError

# Set before Ray is imported: it tells nobody that it is used, and leaves the GPUs' variable to its workers.
_ENVIRONMENT: Final = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
# Ray has no passwords, so a cluster of this machine alone listens on the loopback address alone. The variable
# is the one by which Ray itself does so on desktops.
_LOOPBACK: Final = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
_QUIET: Final = {"log_to_driver": False, "logging_level": logging.ERROR}
# Scans never go through Ray's object store; this is the least that lets it start with room to spare.
_OWN_CLUSTER: Final = {"include_dashboard": False, "object_store_memory": 128 * 2**20}


@contextmanager
def ray_session(address: str | None) -> Iterator[Any]:
    """Connect, and yield the module ``ray``; a connection that this process has already is used, and kept.

    Parameters
    ----------
    address : str or None
        None starts a cluster of this machine, which ends with the block, or with the process.

    Raises
    ------
    ClusterError
        If there is no cluster at the address, or it is of another version of Ray or Python.
    """
    os.environ.update(_ENVIRONMENT if address else {**_ENVIRONMENT, **_LOOPBACK})
    import ray

    if ray.is_initialized():
        yield ray
        return
    where = {"address": address} if address else {"address": "local", **_OWN_CLUSTER}
    with _kept_signals():
        try:
            ray.init(**where, **_QUIET)
        except (OSError, RuntimeError, ValueError) as error:
            raise _unreachable(address, error) from error
    try:
        yield ray
    finally:
        ray.shutdown()


@contextmanager
def _kept_signals() -> Iterator[None]:
    """Take back the handlers that Ray replaces by its own: a batch has an orderly way to stop."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _unreachable(address: str | None, error: Exception) -> ClusterError:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return ClusterError(
        "the Ray cluster cannot be reached" if address else "Ray could not be started on this machine",
        case=address or "",
        found=" ".join(lines[:3]) or type(error).__name__,
        remedy="See whether ray status answers there, with the same versions of Ray and Python"
        if address
        else "See the log files in Ray's folder, by default /tmp/ray/session_latest/logs",
    )
