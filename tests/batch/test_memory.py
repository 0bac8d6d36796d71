"""Scans that are too large for the memory: tried with less, which is told, or failed alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from lesionseg.batch.events import BatchEvent, Happening, Tally
from lesionseg.core.errors import DeviceError
from lesionseg.segmentation import NetworkSegmenter, Progress, Segmentation
from lesionseg.volume import CTVolume
from tests.batch.builders import WatchedSegmenter, batch, name, record_of, states, without_times
from tests.batch.test_run import rows
from tests.segmentation.builders import threshold_logits
from tests.segmentation.conftest import write_tiny_bundle

A, B, C = (name(f"P00{number}") for number in (1, 2, 3))
RETRY = "window 8 x 128 x 128 after out-of-memory on cuda:0"


class FrugalSegmenter(WatchedSegmenter):
    """Needs smaller windows for its second scan."""

    def segment_assessed(self, volume: CTVolume, *, progress: Progress | None = None) -> Segmentation:
        retries = (RETRY,) if self.calls == 1 else ()
        return Segmentation(self.segment(volume, progress=progress), retries=retries)


def test_what_was_tried_again_stands_beside_the_case(scans: Path, out: Path) -> None:
    told: list[str] = []

    def watch(event: BatchEvent, tally: Tally) -> None:
        if event.kind is Happening.DONE:
            told.append(event.text)

    result = batch(scans, out, FrugalSegmenter(), observer=watch)
    assert set(states(result).values()) == {"done"}
    assert [record.warnings for record in result.records] == [(), (RETRY,), ()]
    assert RETRY in told
    assert [rows(out)[case]["warnings"] for case in (A, B, C)] == ["", RETRY, ""]
    assert RETRY in without_times(out / "cases" / B / "manifest.json")["warnings"]
    assert RETRY in (out / "index.html").read_text(encoding="utf-8")
    again = batch(scans, out, FrugalSegmenter())
    assert record_of(again, B).warnings == (RETRY,)


class OutOfMemoryError(RuntimeError):
    """As torch calls it."""


@dataclass
class FullRuntime:
    """A device without memory for one of the scans, whatever the window."""

    device: str = "cuda:0"
    description: str = "threshold"
    tries: int = 0
    full_until: int = field(default=10**6)

    def __call__(self, window: np.ndarray) -> np.ndarray:
        self.tries += 1
        if self.tries <= self.full_until:
            raise DeviceError("the device cannot run the network") from OutOfMemoryError("CUDA")
        return threshold_logits(window, -420.0)


def test_a_scan_that_fits_in_no_window_fails_alone_as_out_of_memory(
    scans: Path, out: Path, tmp_path: Path
) -> None:
    bundle = write_tiny_bundle(tmp_path / "tiny")
    counted = FullRuntime()
    batch(scans / "P001", tmp_path / "first", NetworkSegmenter(bundle, counted))
    runtime = FullRuntime(full_until=counted.tries)
    result = batch(scans, out, NetworkSegmenter(bundle, runtime))
    assert counted.tries > 1
    assert record_of(result, A).reason == "out-of-memory"
    assert "memory" in record_of(result, A).reason_text
    assert runtime.tries > counted.tries
    assert not {record_of(result, case).reason for case in (B, C)} & {"out-of-memory", "device"}


@pytest.mark.parametrize("error", [MemoryError("4 GiB"), MemoryError()])
def test_memory_of_the_host_counts_too(scans: Path, out: Path, error: MemoryError) -> None:
    result = batch(scans, out, FrugalSegmenter(errors={0: error}))
    assert states(result) == {A: "failed", B: "done", C: "done"}
    assert record_of(result, A).reason == "out-of-memory"
