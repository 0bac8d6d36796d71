"""How much comes in: by association, and by all of them together in a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

_COMMAND_BYTES: Final = 1 << 16
"""More than any command set of C-STORE or C-ECHO takes."""
_COMMAND, _LAST = 0x01, 0x02
"""Bits of the message control header, PS3.8 E.2."""
_OPEN_REQUESTS: Final = 2
"""No asynchronous operations are negotiated (PS3.7 D.3.3.3), so a sender waits for each answer."""


class Tally:
    """What one association has sent; keeps an oversized object out of memory.

    The library gathers a whole object in memory before anyone is asked. So each fragment passes here first:
    of an object that is too large one byte more than allowed is let through, by which it is known.
    """

    def __init__(self, *, object_bytes: int, association_bytes: int) -> None:
        self.objects = 0
        self.bytes = 0
        self._object_bytes = object_bytes
        self._association_bytes = association_bytes
        self._received_bytes = 0
        self._message_bytes = 0
        self._command_bytes = 0
        self._open_requests = 0

    def admit(self, fragment: bytes) -> bytes:
        """Return a fragment of a message, with its control header, cut where the object is too large."""
        is_last = bool(fragment[0] & _LAST)
        self._received_bytes += len(fragment)
        if fragment[0] & _COMMAND:
            self._command_bytes += len(fragment)
            if is_last:
                self._open_requests += 1
            return fragment
        left = max(0, self._object_bytes + 1 - self._message_bytes)
        self._message_bytes += len(fragment) - 1
        if is_last:
            self._message_bytes = self._command_bytes = 0
        return fragment[: 1 + left]

    def answered(self) -> None:
        """Note that a request was answered."""
        self._open_requests = max(0, self._open_requests - 1)
        self._command_bytes = 0

    @property
    def is_abusive(self) -> bool:
        """Whether the association must be ended: it floods, whatever it is answered."""
        return (
            self._received_bytes > 2 * (self._association_bytes + self._object_bytes)
            or self._command_bytes > _COMMAND_BYTES
            or self._open_requests > _OPEN_REQUESTS
        )


class Brake:
    """A token bucket that holds what may come in within a second.

    Parameters
    ----------
    bytes_per_second : float
    clock : callable, optional
        Seconds of a clock that is never set back.
    """

    def __init__(self, bytes_per_second: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = bytes_per_second
        self._clock = clock
        self._tokens = bytes_per_second
        self._at = clock()
        self._lock = threading.Lock()

    def wait_seconds(self, size_bytes: int) -> float:
        """Take this many bytes out; return how long to wait until they are paid for."""
        with self._lock:
            now = self._clock()
            self._tokens = min(self._rate, self._tokens + (now - self._at) * self._rate) - size_bytes
            self._at = now
            return max(0.0, -self._tokens / self._rate)
