"""A disk that is really full, or read-only: a small file system in memory, where one may be mounted."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lesionseg.batch.events import BatchEvent, Happening, Tally
from lesionseg.core.errors import OutputError
from tests.batch.builders import WatchedSegmenter, batch, fingerprint, states, times_done
from tests.support.small_disk import mounted
from tests.workflow.builders import RuleSegmenter


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", "4m") as place:
        yield place


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(bytes(4096))
        except OSError:
            return


def test_a_disk_that_fills_up_loses_nothing(scans: Path, disk: Path, tmp_path: Path) -> None:
    batch(scans, tmp_path / "undisturbed")
    out, filler = disk / "out", disk / "filler"

    def watch(event: BatchEvent, tally: Tally) -> None:
        if event.kind is Happening.DONE:
            fill(filler)
            segmenter.hold.set()

    segmenter = WatchedSegmenter(hold=threading.Event(), hold_from=1)
    with pytest.raises(OutputError) as caught:
        batch(scans, out, segmenter, observer=watch)
    assert caught.value.case.startswith(str(out))
    filler.unlink()
    assert sum(times_done(out).values()) == 1
    again = RuleSegmenter()
    assert set(states(batch(scans, out, again)).values()) == {"done"}
    assert again.calls == 2
    assert fingerprint(out) == fingerprint(tmp_path / "undisturbed")


def test_a_read_only_disk_is_refused_before_any_work(scans: Path, disk: Path) -> None:
    batch(scans, disk / "out")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    segmenter = RuleSegmenter()
    for folder in ("out", "new"):
        with pytest.raises(OutputError, match="could not be written"):
            batch(scans, disk / folder, segmenter)
    assert segmenter.calls == 0
