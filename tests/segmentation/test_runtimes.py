from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from lesionseg.core.errors import DeviceError
from lesionseg.segmentation import ModelBundle, available_runtimes, open_segmenter
from lesionseg.segmentation.torch_runtime import TorchRuntime
from tests.segmentation.conftest import write_tiny_bundle

needs_openvino = pytest.mark.skipif(
    "openvino" not in available_runtimes(), reason="openvino is not installed"
)


def window(shape: tuple[int, int, int] = (6, 24, 20), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments], capture_output=True, text=True, timeout=240
    )


@needs_openvino
def test_openvino_and_torch_give_the_same_logits_in_32_bit_floats(tiny_bundle: ModelBundle) -> None:
    torch_runtime = open_segmenter(tiny_bundle, runtime="torch", device="cpu").network_runtime
    openvino_runtime = open_segmenter(tiny_bundle, runtime="openvino", deterministic=True).network_runtime
    assert "bfloat16" not in openvino_runtime.description
    for shape in ((6, 24, 20), (3, 16, 32), (6, 24, 20)):
        expected, found = torch_runtime(window(shape)), openvino_runtime(window(shape))
        assert found.shape == expected.shape == (4, *shape)
        assert found.dtype == expected.dtype == np.float32
        assert np.abs(expected).max() > 0.1
        assert np.allclose(found, expected, atol=1e-4)


@needs_openvino
def test_openvino_in_its_own_precision_gives_nearly_the_same_logits(tiny_bundle: ModelBundle) -> None:
    exact = open_segmenter(tiny_bundle, runtime="openvino", deterministic=True).network_runtime
    fast = open_segmenter(tiny_bundle, runtime="openvino").network_runtime
    expected, found = exact(window()), fast(window())
    assert found.dtype == np.float32
    assert np.abs(found - expected).max() < 0.02 * np.abs(expected).max()
    assert np.array_equal(found, expected) == ("bfloat16" not in fast.description)


@pytest.mark.parametrize("runtime", available_runtimes())
def test_result_of_a_window_is_not_overwritten_by_the_next(tiny_bundle: ModelBundle, runtime: str) -> None:
    network = open_segmenter(tiny_bundle, runtime=runtime, device="cpu").network_runtime
    first = network(window(seed=0))
    kept = first.copy()
    network(window(seed=1))
    assert np.array_equal(first, kept)


@needs_openvino
def test_openvino_opens_no_connection_and_loads_no_telemetry(tiny_bundle: ModelBundle) -> None:
    """Every way out is barred, name look-ups included, and each attempt is written down."""
    code = """
        import socket, sys, threading, urllib.request
        attempts = []
        def barred(*arguments, **options):
            attempts.append(arguments)
            raise OSError("barred")
        socket.socket.connect = socket.socket.connect_ex = socket.socket.sendto = barred
        socket.getaddrinfo = socket.create_connection = urllib.request.urlopen = barred
        import numpy as np
        from lesionseg.segmentation import open_segmenter
        segmenter = open_segmenter(sys.argv[1], runtime="openvino")
        segmenter.network_runtime(np.zeros((4, 8, 8), np.float32))
        for thread in threading.enumerate():
            if thread is not threading.current_thread():
                thread.join(10)
        loaded = [name for name in sys.modules if name.split(".")[0] == "openvino_telemetry"]
        print(attempts, loaded, segmenter.runtime.split()[0])
    """
    result = run_python(code, str(tiny_bundle.folder))
    assert result.stdout.strip() == "[] [] openvino", result.stderr


@pytest.mark.parametrize("runtime", available_runtimes())
def test_standard_error_stays_clean(tiny_bundle: ModelBundle, runtime: str) -> None:
    code = """
        import sys
        import numpy as np
        from lesionseg.segmentation import open_segmenter
        segmenter = open_segmenter(sys.argv[1], runtime=sys.argv[2], device="cpu")
        segmenter.network_runtime(np.zeros((4, 8, 8), np.float32))
    """
    result = run_python(code, str(tiny_bundle.folder), runtime)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_importing_the_room_loads_no_heavy_library() -> None:
    code = """
        import sys
        import lesionseg.segmentation
        heavy = ("torch", "monai", "openvino", "SimpleITK", "matplotlib", "pydicom")
        print(sorted(set(heavy) & set(sys.modules)))
    """
    result = run_python(code)
    assert result.stdout.strip() == "[]", result.stderr


def test_torch_keeps_its_own_number_of_threads(tiny_bundle: ModelBundle) -> None:
    import torch

    before = torch.get_num_threads()
    wanted = before + 1
    seen: list[int] = []
    network = tiny_bundle.network()
    network.register_forward_hook(lambda *_: seen.append(torch.get_num_threads()))
    TorchRuntime(network, threads=wanted)(window())
    assert seen == [wanted]
    assert torch.get_num_threads() == before


def test_device_that_torch_cannot_use_is_reported(tiny_bundle: ModelBundle) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(DeviceError, match="cannot run the network"):
        TorchRuntime(tiny_bundle.network(), "cuda:0")


@pytest.mark.gpu
def test_gpu_labels_agree_with_the_cpu_and_repeat_when_deterministic(tmp_path: Path) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    bundle = write_tiny_bundle(tmp_path / "tiny")
    expected = open_segmenter(bundle, device="cpu", runtime="torch").network_runtime(window((16, 64, 64)))
    for deterministic in (False, True):
        network = open_segmenter(bundle, device="cuda", deterministic=deterministic).network_runtime
        runs = [network(window((16, 64, 64))) for _ in range(3)]
        if deterministic:
            assert all(np.array_equal(run, runs[0]) for run in runs)
        assert np.mean(runs[0].argmax(axis=0) == expected.argmax(axis=0)) > 0.995
