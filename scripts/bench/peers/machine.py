"""What the figures were taken on, and what one process has used."""

from __future__ import annotations

import json
import os
import platform
import resource
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil

QUIET_CORES = 0.1
"""Cores that others may use before a run starts; with more, its seconds are worth little."""
_LOOK_SECONDS = 3.0
_KIB_PER_GIB = 1 << 20


def machine() -> dict[str, object]:
    """Processor, memory and load, as JSON values."""
    busy = _busy_cores()
    return {
        "cpu": _cpu_name(),
        "cpus": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "python": platform.python_version(),
        "busy_cores_before": round(busy, 2),
        "quiet": busy <= QUIET_CORES,
    }


def _busy_cores() -> float:
    """Cores in use by whatever else runs now; the load average would still tell of the part before."""
    cores = os.cpu_count() or 1
    return psutil.cpu_percent(interval=_LOOK_SECONDS) / 100 * cores


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def versions(*packages: str) -> dict[str, str]:
    """Installed version of each package; one that is not installed is left out."""
    found = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True)
class Spent:
    """Seconds of the clock and of the processor since some moment, children included once they have ended."""

    wall_s: float
    cpu_s: float

    @classmethod
    def now(cls) -> Spent:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return cls(time.perf_counter(), time.process_time() + children.ru_utime + children.ru_stime)

    def since(self) -> Spent:
        now = Spent.now()
        return Spent(now.wall_s - self.wall_s, now.cpu_s - self.cpu_s)


def peak_gib() -> float:
    """Largest resident memory of this process, or of a child that has ended.

    Its own is not that of getrusage, which starts with the memory of the process that started this one.
    """
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return max(_own_peak_kib(), children) / _KIB_PER_GIB


def _own_peak_kib() -> int:
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    print(json.dumps(machine(), indent=1))
