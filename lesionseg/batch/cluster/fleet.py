"""All workers together: whether there are any, and whether each of them may begin."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lesionseg.batch.cluster.post import Post
from lesionseg.core.errors import ClusterError

_POLL_SECONDS = 0.1
_STRAGGLER_SECONDS = 15.0
"""After the first worker is ready: machines differ in how fast they load a network, but not by more."""


@dataclass
class Fleet:
    """The posts of a run.

    Attributes
    ----------
    posts : sequence of Post
    patience_seconds : float
        How long there may be no worker at all.
    """

    posts: Sequence[Post]
    patience_seconds: float
    clock: Callable[[], float] = time.monotonic
    _seen: float = field(init=False)

    def __post_init__(self) -> None:
        self._seen = self.clock()

    def wait_until_ready(self, asked: threading.Event) -> None:
        """Wait for the workers; those of slow machines may come later.

        Parameters
        ----------
        asked : Event
            Somebody asked to stop, who need not wait.

        Raises
        ------
        LesionSegError
            What a worker refuses to work for: it does not see the scans, has another model or version, or no
            such device.
        ClusterError
            If there is no worker in time.
        """
        first: float | None = None
        while not asked.wait(_POLL_SECONDS):
            ready = [post.look() for post in self.posts]
            self._refuse_refused()
            if any(ready) and first is None:
                first = self.clock()
            if all(ready) or (first is not None and self.clock() - first > _STRAGGLER_SECONDS):
                return
            self.refuse_if_none_left()

    def refuse_if_none_left(self) -> None:
        """Raise where no worker is there, and none has been for long or none will come.

        Raises
        ------
        ClusterError
        """
        now = self.clock()
        if any(post.look() for post in self.posts):
            self._seen = now
        elif all(post.is_closed for post in self.posts) or now - self._seen > self.patience_seconds:
            reasons = [post.refusal.text for post in self.posts if post.refusal is not None]
            raise ClusterError(
                "there is no worker left in the cluster",
                expected=f"one of {len(self.posts)}",
                found=reasons[-1] if reasons else f"none within {now - self._seen:.0f} s",
                remedy="See with ray status what the machines do; run the same command again to go on",
            )

    def close(self) -> None:
        """End all workers."""
        for post in self.posts:
            post.close()

    def _refuse_refused(self) -> None:
        for post in self.posts:
            if post.refusal is not None:
                raise post.refusal.error or ClusterError(
                    "a worker could not be made ready", found=post.refusal.text
                )
