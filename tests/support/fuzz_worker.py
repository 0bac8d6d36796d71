"""One process that reads damaged series, one after the other, and tells what came of each.

Run as ``python -m tests.support.fuzz_worker`` by `tests.support.fuzz_campaign`, which watches it. Before each
file it prints ``begin``, after it the outcome, one JSON object a line.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import resource
import shutil
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lesionseg.core.errors import LesionSegError
from lesionseg.dicom import LoadedSeries, check_folder, load_series
from lesionseg.volume import CTVolume
from tests.support.mutation import FuzzSource, mutate


def read_outcome(folder: Path, good: LoadedSeries) -> str:
    """What loading the damaged series gives, against the intact one."""
    try:
        loaded = load_series(folder)
    except LesionSegError as error:
        return f"typed {type(error).__name__}"
    except MemoryError:
        return "memory"
    except BaseException as error:  # noqa: BLE001 - the very thing that is counted, panics of codecs too
        return f"untyped {_where(error)}"
    noted = {note.code for note in loaded.notes} - {note.code for note in good.notes}
    return f"loaded {_compare(loaded.volume, good.volume)}{', noted' if noted else ''}"


def check_outcome(folder: Path) -> str:
    """What the folder report gives."""
    try:
        check_folder(folder)
    except LesionSegError as error:
        return f"typed {type(error).__name__}"
    except MemoryError:
        return "memory"
    except BaseException as error:  # noqa: BLE001 - the very thing that is counted, panics of codecs too
        return f"untyped {_where(error)}"
    return "report"


def _compare(volume: CTVolume, good: CTVolume) -> str:
    if volume.hu.shape != good.hu.shape:
        return "other shape"
    if not volume.geometry.matches(good.geometry):
        return "other geometry"
    if np.array_equal(volume.hu, good.hu):
        return "same"
    changed = int((volume.hu != good.hu).any(axis=(1, 2)).sum())
    return "other values in one slice" if changed == 1 else "other values in several slices"


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
    return f"{type(error).__name__} at {place}: {str(error)[:100]}"


def run(
    sources: list[FuzzSource], folder: Path, seed: int, numbers: range, tell: Callable[[object], None]
) -> None:
    """Damage and read, `numbers` of the campaign `seed`."""
    good = [_intact(source, folder / f"good{index}") for index, source in enumerate(sources)]
    for number in numbers:
        index = number % len(sources)
        random = np.random.default_rng([seed, number])
        name, content = sources[index].files[int(random.integers(len(sources[index].files)))]
        damaged, how = mutate(content, random)
        victim = folder / f"good{index}" / name
        victim.write_bytes(damaged)
        tell({"begin": number, "source": sources[index].name, "how": how})
        start, used_kib = time.perf_counter(), _peak_kib()
        loaded = read_outcome(victim.parent, good[index])
        checked = check_outcome(victim.parent)
        seconds, grown = time.perf_counter() - start, (_peak_kib() - used_kib) // 1024
        tell({"number": number, "load": loaded, "check": checked, "seconds": seconds, "grown_mib": grown})
        victim.write_bytes(content)


def _intact(source: FuzzSource, folder: Path) -> LoadedSeries:
    folder.mkdir(parents=True)
    for name, content in source.files:
        (folder / name).write_bytes(content)
    return load_series(folder)


def _peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("sources", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("seed", type=int)
    parser.add_argument("first", type=int)
    parser.add_argument("last", type=int)
    parser.add_argument("memory_mib", type=int)
    arguments = parser.parse_args()
    limit = arguments.memory_mib << 20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def tell(message: object) -> None:
        out.write(json.dumps(message) + "\n")
        out.flush()

    sources = pickle.loads(arguments.sources.read_bytes())
    try:
        run(sources, arguments.folder, arguments.seed, range(arguments.first, arguments.last), tell)
    finally:
        shutil.rmtree(arguments.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
