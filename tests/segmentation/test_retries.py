from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from lesionseg.core.errors import DeviceError
from lesionseg.segmentation import (
    ModelBundle,
    ModelMetadata,
    NetworkSegmenter,
    Runtime,
    WindowSpec,
    open_segmenter,
)
from lesionseg.segmentation.retries import MOST_HALVINGS, is_out_of_memory, logits_within_memory
from lesionseg.volume.files import write_volume
from lesionseg.workflow.case import segment_case
from lesionseg.workflow.request import CaseRequest
from tests.segmentation.builders import simple_chest, threshold_logits, tiny_metadata

WINDOW = WindowSpec(shape=(16, 64, 64), divisor=(1, 16, 16))


class OutOfMemoryError(RuntimeError):
    """Named as torch's own."""


@dataclass
class NarrowRuntime:
    """A threshold on a device that takes windows of at most `voxels`."""

    voxels: int
    device: str = "cuda:0"
    description: str = "threshold"
    shapes: list[tuple[int, ...]] = field(default_factory=list)

    def __call__(self, window: np.ndarray) -> np.ndarray:
        self.shapes.append(window.shape)
        if window.size <= self.voxels:
            return threshold_logits(window, -420.0)
        raise DeviceError("the device cannot run the network") from OutOfMemoryError("CUDA out of memory")


def intensity(shape: tuple[int, int, int] = (20, 80, 80)) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


def metadata() -> ModelMetadata:
    return tiny_metadata(window=WINDOW)


def test_window_is_halved_until_it_fits_and_each_time_is_told() -> None:
    runtime = NarrowRuntime(4 * 16 * 16)
    passes = logits_within_memory(intensity(), runtime, metadata())
    assert passes.retries == (
        "window 6 x 16 x 16 after out-of-memory on cuda:0",
        "window 2 x 16 x 16 after out-of-memory on cuda:0",
    )
    expected = logits_within_memory(intensity(), NarrowRuntime(10**9), metadata())
    assert expected.retries == ()
    assert np.allclose(passes.logits, expected.logits, atol=0.05)


def test_every_window_keeps_to_the_divisor() -> None:
    runtime = NarrowRuntime(16 * 16)
    logits_within_memory(intensity((30, 150, 90)), runtime, metadata())
    assert all(not rows % 16 and not columns % 16 for _, rows, columns in runtime.shapes)


def test_volume_smaller_than_the_window_is_halved_from_its_own_size() -> None:
    runtime = NarrowRuntime(4 * 16 * 16)
    passes = logits_within_memory(intensity((8, 32, 32)), runtime, metadata())
    assert passes.retries == ("window 4 x 16 x 16 after out-of-memory on cuda:0",)


def test_after_three_halvings_the_cpu_takes_the_bundles_own_windows() -> None:
    gpu, cpu = NarrowRuntime(0), NarrowRuntime(10**9, device="cpu")
    passes = logits_within_memory(intensity((64, 128, 128)), gpu, metadata(), last_resort=lambda: cpu)
    assert len(passes.retries) == MOST_HALVINGS + 1
    assert passes.retries[-1] == "cpu after out-of-memory on cuda:0"
    assert cpu.shapes[0] == gpu.shapes[0]


def test_cpu_is_not_opened_where_a_smaller_window_fits() -> None:
    def refuse() -> Runtime:
        raise AssertionError("opened")

    passes = logits_within_memory(intensity(), NarrowRuntime(6 * 16 * 16), metadata(), last_resort=refuse)
    assert len(passes.retries) == 1


def test_memory_that_never_suffices_is_an_error_after_few_tries() -> None:
    runtime = NarrowRuntime(0)
    with pytest.raises(DeviceError) as caught:
        logits_within_memory(intensity((64, 128, 128)), runtime, metadata())
    assert is_out_of_memory(caught.value)
    assert len(runtime.shapes) == 1 + MOST_HALVINGS


def test_window_that_cannot_be_halved_is_not_tried_again() -> None:
    runtime = NarrowRuntime(0)
    with pytest.raises(DeviceError):
        logits_within_memory(intensity((1, 16, 16)), runtime, metadata())
    assert len(runtime.shapes) == 1


def test_other_failures_of_the_device_are_not_tried_again() -> None:
    calls = []

    class Broken(NarrowRuntime):
        def __call__(self, window: np.ndarray) -> np.ndarray:
            calls.append(window.shape)
            raise DeviceError("the device is gone")

    with pytest.raises(DeviceError, match="gone"):
        logits_within_memory(intensity(), Broken(0), metadata())
    assert len(calls) == 1


def test_host_memory_counts_as_well(monkeypatch: pytest.MonkeyPatch, tiny_bundle: ModelBundle) -> None:
    import torch

    runtime = open_segmenter(tiny_bundle, runtime="torch", device="cpu").network_runtime

    def refuse(*_: object) -> torch.Tensor:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to")

    monkeypatch.setattr(runtime, "_network", refuse)
    with pytest.raises(MemoryError, match="DefaultCPUAllocator"):
        runtime(intensity((4, 16, 16)))


def test_case_tells_in_its_manifest_what_was_tried_again(tiny_bundle: ModelBundle, tmp_path: Path) -> None:
    chest = simple_chest((6.0, 4.0, 4.0))
    scan = tmp_path / "scan.nii.gz"
    write_volume(chest.volume, scan)
    segmenter = NetworkSegmenter(tiny_bundle, NarrowRuntime(5000))
    result = segment_case(CaseRequest(scan, tmp_path / "out"), segmenter)
    assert any("after out-of-memory on cuda:0" in warning for warning in result.warnings)
    assert result.manifest["warnings"] == list(result.warnings)
