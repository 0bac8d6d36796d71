"""Does a reader survive damaged files? Counted: series read, refused, and processes that died or hung."""

from __future__ import annotations

import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np

from scripts.bench.peers.readers import OWN
from scripts.bench.peers.series import ENCODINGS
from tests.support.mutation import FUZZ_SYNTAXES, mutate, phantom_sources

ROOT = Path(__file__).parents[3]
READ, REFUSED, CRASH, HANG = "read", "refused", "crash", "hang"
_START_SECONDS, _FILE_SECONDS = 300.0, 60.0
_SYNTAXES = [name for name, syntax in FUZZ_SYNTAXES.items() if syntax in ENCODINGS.values()]


def write_damaged(root: Path, count: int, seed: int = 0) -> None:
    """Write series of six slices, one of them damaged, in the encodings that are timed, in turn."""
    with tempfile.TemporaryDirectory() as folder:
        sources = [source for source in phantom_sources(Path(folder)) if source.name in _SYNTAXES]
    for number in range(count):
        files = dict(sources[number % len(sources)].files)
        random = np.random.default_rng([seed, number])
        victim = sorted(files)[int(random.integers(len(files)))]
        files[victim], _ = mutate(files[victim], random)
        (root / str(number)).mkdir(parents=True)
        for name, content in files.items():
            (root / str(number) / name).write_bytes(content)


def survive(reader: str, python: str, root: Path, count: int) -> Counter[str]:
    """Read them all in one process, and in a further one wherever it died."""
    found: Counter[str] = Counter({READ: 0, REFUSED: 0, CRASH: 0, HANG: 0})
    first = 0
    while first < count:
        first = _watch(reader, python, root, (first, count), found)
    return found


def _watch(reader: str, python: str, root: Path, numbers: tuple[int, int], found: Counter[str]) -> int:
    """Watch one process; return the number to go on with."""
    worker = subprocess.Popen(
        [python, "-m", "scripts.bench.peers.read_damaged", reader, str(root), *map(str, numbers)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
    )  # fmt: skip
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_pump, args=(worker.stdout, lines.put), daemon=True).start()
    begun: int | None = None
    try:
        while True:
            line = lines.get(timeout=_START_SECONDS if begun is None else _FILE_SECONDS)
            if line.isdigit():
                begun = int(line)
            elif line:
                found[line] += 1
            else:
                return _ended(worker, begun, numbers, found)
    except queue.Empty:
        found[HANG] += 1
        return (numbers[0] if begun is None else begun) + 1
    finally:
        worker.kill()
        worker.wait()


def _ended(
    worker: subprocess.Popen[str], begun: int | None, numbers: tuple[int, int], found: Counter[str]
) -> int:
    if worker.wait() == 0:
        return numbers[1]
    if begun is None:
        raise RuntimeError("the reader's process did not start; are the peers installed?")
    found[CRASH] += 1
    return begun + 1


def _pump(stream: IO[str], put: Callable[[str], None]) -> None:
    for line in stream:
        put(line.strip())
    put("")


def survival_table(peer_python: str, count: int, readers: tuple[str, ...]) -> dict[str, dict[str, int]]:
    """Counts for every reader, all on the same damaged series."""
    with tempfile.TemporaryDirectory(prefix="lesionseg-damaged-") as folder:
        root = Path(folder)
        write_damaged(root, count)
        counts = {}
        for name in readers:
            python = sys.executable if name == OWN else peer_python
            counts[name] = dict(survive(name, python, root, count))
            print(f"{name}: {counts[name]}", file=sys.stderr, flush=True)
        shutil.rmtree(root, ignore_errors=True)
    return counts
