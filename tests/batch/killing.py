"""Starts batches as processes, kills them at random moments, and reads what they say."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class KillableBatch:
    """A batch process that is started again and again on the same folder."""

    scans: Path
    out: Path
    control: Path
    seconds: float = 0.0
    bundle: Path | None = None
    pictures: bool = False
    process: subprocess.Popen[str] | None = None
    events: list[dict[str, Any]] = field(default_factory=list)

    def start(self) -> None:
        self.control.mkdir(exist_ok=True)
        settings = self.control / "settings.json"
        content = {
            "scans": str(self.scans),
            "out": str(self.out),
            "seconds": self.seconds,
            "bundle": str(self.bundle) if self.bundle else None,
            "pictures": self.pictures,
        }
        settings.write_text(json.dumps(content))
        self.events = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.batch.killable", str(settings)], stderr=subprocess.PIPE, text=True
        )
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()

    def wait_for(self, event: str, count: int = 1, patience_seconds: float = 120.0) -> None:
        last = time.monotonic() + patience_seconds
        while sum(said["event"] == event for said in self.events) < count:
            if self.process.poll() is not None or time.monotonic() > last:
                raise AssertionError(f"no {event}: exit {self.process.poll()}, {self.events[-3:]}")
            time.sleep(0.002)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        return self.process.wait(300)

    def run(self) -> None:
        self.start()
        assert self.end() == 0, self.events[-3:]

    def kill_at_random(self, times: int, chance: random.Random, longest_seconds: float) -> int:
        """Kill this often, each time at random after the scans are listed; return how often it was alive."""
        hits = 0
        for _ in range(times):
            self.start()
            self.wait_for("listed")
            time.sleep(chance.uniform(0.0, longest_seconds))
            hits += self.process.poll() is None
            self.kill()
        return hits

    def _read(self, process: subprocess.Popen[str]) -> None:
        for line in process.stderr:
            if line.startswith("{"):
                self.events.append(json.loads(line))
