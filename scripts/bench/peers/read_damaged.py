"""One process that reads damaged series with one reader and tells what came of each; run by survival.py.

PYTHON -m scripts.bench.peers.read_damaged READER ROOT FIRST LAST

Prints the number before each series and ``read`` or ``refused`` after it.
"""

from __future__ import annotations

import logging
import os
import resource
import sys
import warnings
from pathlib import Path

from scripts.bench.peers.readers import TIMED_READERS

MEMORY_GIB = 12
"""Address space; a damaged header may ask for more than there is."""


def main() -> int:
    name, root, first, last = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_GIB << 30,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    read = TIMED_READERS[name][0]
    for number in range(first, last):
        print(number, file=out, flush=True)
        print(_outcome(read, root / str(number)), file=out, flush=True)
    return 0


def _outcome(read: object, folder: Path) -> str:
    from scripts.bench.peer_readers import ReaderDiedError

    try:
        return "read" if read(folder) else "refused"  # type: ignore[operator]
    except ReaderDiedError:
        return "crash"
    except BaseException:  # noqa: BLE001 - panics of codecs too; none of them ends the process
        return "refused"


if __name__ == "__main__":
    sys.exit(main())
