"""One process that times one reader on some folders; run by loaders.py.

PYTHON -m scripts.bench.peers.read_times READER REPEATS FOLDER...

The first reading warms the files' cache and is compared; the seconds are those of the repeats. One JSON line
a folder on stdout.
"""

from __future__ import annotations

import contextlib
import json
import logging
import statistics
import sys
import warnings
from pathlib import Path
from typing import Any

from scripts.bench.peers.fingerprint import fingerprint
from scripts.bench.peers.machine import Spent, peak_gib, versions
from scripts.bench.peers.readers import FLOORS, TIMED_READERS


def time_reader(name: str, folder: Path, repeats: int) -> dict[str, Any]:
    """Seconds of the clock and of the processor, medians; what came out; peak memory so far."""
    read = FLOORS[name] if name in FLOORS else TIMED_READERS[name][0]
    try:
        volumes = read(folder)
        read_as = [fingerprint(*volume).as_json() for volume in volumes if name not in FLOORS]
        del volumes
        spent = []
        for _ in range(repeats):
            start = Spent.now()
            volumes = read(folder)
            spent.append(start.since())
            del volumes
    except Exception as error:  # noqa: BLE001 - whatever a reader raises is its refusal
        return {"error": f"{type(error).__name__}: {str(error)[:200]}"}
    return {
        "wall_s": round(statistics.median(one.wall_s for one in spent), 4),
        "wall_s_least": round(min(one.wall_s for one in spent), 4),
        "cpu_s": round(statistics.median(one.cpu_s for one in spent), 4),
        "peak_gib": round(peak_gib(), 3),
        "read_as": read_as,
    }


def main() -> int:
    name, repeats, folders = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    package = "numpy" if name in FLOORS else TIMED_READERS[name][1]
    for folder in folders:
        with contextlib.redirect_stdout(sys.stderr):
            result = time_reader(name, Path(folder), repeats)
        print(json.dumps({"folder": folder, "version": versions(package).get(package, ""), **result}))
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
