from __future__ import annotations

import pytest

from lesionseg.core.errors import ConfigurationError, DeviceError
from lesionseg.segmentation import (
    ModelBundle,
    available_devices,
    available_runtimes,
    describe_runtimes,
    device,
    open_segmenter,
    resolve,
)
from lesionseg.segmentation.device import Placement


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch):
    """Pretend that these devices and runtimes are there."""

    def set_up(
        devices: tuple[str, ...] = ("cpu",), runtimes: tuple[str, ...] = ("openvino", "torch")
    ) -> None:
        monkeypatch.setattr(device, "available_devices", lambda: devices)
        monkeypatch.setattr(device, "available_runtimes", lambda: runtimes)

    return set_up


def test_openvino_is_the_default_on_the_cpu(pretend) -> None:
    pretend()
    assert resolve() == Placement("openvino", "cpu")
    pretend(runtimes=("torch",))
    assert resolve() == Placement("torch", "cpu")


def test_gpu_is_the_default_where_there_is_one(pretend) -> None:
    pretend(("cpu", "cuda:0", "cuda:1"))
    assert resolve() == Placement("torch", "cuda:0")
    assert resolve("CUDA") == Placement("torch", "cuda:0")
    assert resolve("cuda:1", "torch") == Placement("torch", "cuda:1")
    assert resolve("cpu") == Placement("openvino", "cpu")
    assert resolve(runtime="openvino") == Placement("openvino", "cpu")


@pytest.mark.parametrize("name", ["cuda", "cuda:3", "tpu", "mps"])
def test_device_that_is_not_there_is_refused_with_a_remedy(pretend, name: str) -> None:
    pretend()
    with pytest.raises(DeviceError, match="no such device") as caught:
        resolve(name)
    assert "cpu" in caught.value.expected
    assert "--device cpu" in caught.value.remedy


def test_openvino_on_a_gpu_is_refused(pretend) -> None:
    pretend(("cpu", "cuda:0"))
    with pytest.raises(DeviceError, match="CPU only"):
        resolve("cuda:0", "openvino")


def test_runtime_that_is_not_installed_is_refused_with_the_command(pretend) -> None:
    pretend(runtimes=("torch",))
    with pytest.raises(DeviceError, match="not installed") as caught:
        resolve("cpu", "openvino")
    assert "lesionseg[openvino]" in caught.value.remedy


def test_unknown_runtime_is_refused() -> None:
    with pytest.raises(DeviceError, match="unknown runtime"):
        resolve(runtime="caffe")


def test_thread_count_must_be_positive(tiny_bundle: ModelBundle) -> None:
    with pytest.raises(ConfigurationError, match="threads"):
        open_segmenter(tiny_bundle, threads=0)


def test_what_is_here_is_described(pretend) -> None:
    assert available_devices()[0] == "cpu"
    assert "torch" in available_runtimes()
    described = {runtime.name: runtime for runtime in describe_runtimes()}
    assert described["torch"].installed
    assert described["torch"].devices == available_devices()
    pretend(runtimes=("torch",))
    described = {runtime.name: runtime for runtime in describe_runtimes()}
    assert not described["openvino"].installed
    assert "pip install" in described["openvino"].remedy
