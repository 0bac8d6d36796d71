"""Ray without Ray: actors are objects of this process, which a test can let die or be slow to come."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any


class FakeRayError(Exception):
    pass


class FakeTaskError(FakeRayError):
    def __init__(self, cause: BaseException) -> None:
        self.cause = cause


@dataclass
class Reply:
    value: Any = None
    error: Exception | None = None


@dataclass
class FakeActor:
    ray: FakeRay
    number: int
    worker: Any
    alive: bool = True

    def __getattr__(self, method: str) -> Any:
        return FakeMethod(self, method)


@dataclass
class FakeMethod:
    actor: FakeActor
    name: str

    def options(self, concurrency_group: str) -> FakeMethod:
        return self

    def remote(self, *arguments: Any) -> Reply:
        case = next((getattr(each, "case_id", each) for each in arguments), "")
        self.actor.ray.calls.append((self.actor.number, self.name, case))
        if self.actor.alive and self.actor.ray.kills(self.actor.number, self.name, case):
            self.actor.alive = False
        if not self.actor.alive:
            return Reply(error=FakeRayError("the worker died\n\tpid: 7"))
        try:
            return Reply(getattr(self.actor.worker, self.name)(*arguments))
        except Exception as error:  # noqa: BLE001
            return Reply(error=FakeTaskError(error))


@dataclass
class FakeRay:
    """Stands in for the module ``ray``."""

    cpus: tuple[int, ...] = (1, 1)
    kills: Callable[[int, str, str], bool] = lambda number, step, case: False
    hired: int = 0
    room: int = 1000
    calls: list[tuple[int, str, str]] = field(default_factory=list)
    exceptions: Any = field(
        default_factory=lambda: SimpleNamespace(RayError=FakeRayError, RayTaskError=FakeTaskError)
    )
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "Resources": {"CPU": float(number)}} for number in self.cpus]

    def remote(self, **options: Any) -> Callable[[type], Any]:
        def hire(kind: type) -> Any:
            def start(*arguments: Any) -> FakeActor:
                with self._lock:
                    self.hired += 1
                    return FakeActor(self, self.hired, kind(*arguments))

            actor = SimpleNamespace(remote=start)
            actor.options = lambda **_: actor
            return actor

        return hire

    def wait(self, replies: list[Reply], timeout: float) -> tuple[list[Reply], list[Reply]]:
        """Beyond the room that there is nothing ever comes."""
        return (replies, []) if self.hired <= self.room else ([], replies)

    def get(self, reply: Reply) -> Any:
        if reply.error is not None:
            raise reply.error
        return reply.value

    def kill(self, actor: FakeActor, no_restart: bool) -> None:
        actor.alive = False

    @contextmanager
    def session(self, address: str | None) -> Iterator[FakeRay]:
        yield self
