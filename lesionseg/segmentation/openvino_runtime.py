"""Inference in OpenVINO on the CPU, converted in memory and without a word to the network.

Where the CPU has instructions for it, convolutions run in bfloat16, with sums in 32-bit floats, as the
networks are trained: twice as fast, and the labels of real scans stay at least 99.9 % equal. Elsewhere, and
on request, everything is computed in 32-bit floats.

OpenVINO's conversion tool reports its use over the internet as soon as ``import openvino`` loads it. It does
so through the package ``openvino_telemetry`` and falls back to a silent stub where that is absent; it is made
absent for the duration of the import. The conversion itself goes through the front end, not the tool.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionseg.core.errors import DeviceError
from lesionseg.segmentation.resampling import FloatArray

if TYPE_CHECKING:
    import torch

TELEMETRY_PACKAGE = "openvino_telemetry"
PRECISION = "INFERENCE_PRECISION_HINT"


class OpenVINORuntime:
    """One network on the CPU; compiled for each window shape it meets, the last one kept.

    Parameters
    ----------
    network : torch.nn.Module
        In evaluation mode, one input channel.
    example_shape : (int, int, int)
        Any window shape the network takes; small, as it is only used to trace the network.
    threads : int, optional
        OpenVINO's own choice if left out.
    deterministic : bool
        32-bit floats on every CPU, so that labels do not hang on which one it is.

    Raises
    ------
    DeviceError
        If OpenVINO cannot be loaded or cannot take the network.
    """

    device = "cpu"

    def __init__(
        self,
        network: torch.nn.Module,
        example_shape: tuple[int, int, int],
        *,
        threads: int | None = None,
        deterministic: bool = False,
    ) -> None:
        with _silent_openvino() as openvino:
            self._core = openvino.Core()
            self._model = _convert(network, example_shape)
            # OpenVINO's own choice; other types than these two were never compared
            has_bfloat16 = self._core.get_property("CPU", PRECISION) == openvino.Type.bf16
            version = openvino.__version__.split("-")[0]
        fast = has_bfloat16 and not deterministic
        self.description = f"openvino {version}{' bfloat16' if fast else ''}"
        self._settings: dict[str, str | int] = {
            PRECISION: "bf16" if fast else "f32",
            "PERFORMANCE_HINT": "LATENCY",
        }
        if threads is not None:
            self._settings["INFERENCE_NUM_THREADS"] = threads
        self._shape: tuple[int, ...] = ()
        self._request: Any = None

    def __call__(self, window: FloatArray) -> FloatArray:
        """Logits of one window."""
        if window.shape != self._shape:
            self._model.reshape([1, 1, *window.shape])
            compiled = self._core.compile_model(self._model, "CPU", self._settings)
            self._request, self._shape = compiled.create_infer_request(), window.shape
        outputs = self._request.infer({0: window[None, None]})
        return np.array(outputs[0][0], dtype=np.float32)


@contextmanager
def _silent_openvino() -> Iterator[Any]:
    hidden = TELEMETRY_PACKAGE not in sys.modules and "openvino" not in sys.modules
    if hidden:
        sys.modules[TELEMETRY_PACKAGE] = None  # type: ignore[assignment]  # what makes an import fail
    try:
        import openvino

        yield openvino
    except (ImportError, RuntimeError) as error:
        raise DeviceError(
            "OpenVINO cannot run this network",
            found=" ".join(str(error).split())[:300],
            remedy="Use --runtime torch, or reinstall openvino",
        ) from error
    finally:
        if hidden:
            del sys.modules[TELEMETRY_PACKAGE]


def _convert(network: torch.nn.Module, example_shape: tuple[int, int, int]) -> Any:
    import torch
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch announces the end of tracing; OpenVINO reads nothing else yet
        traced = torch.jit.trace(network, torch.zeros(1, 1, *example_shape), check_trace=False)  # type: ignore[no-untyped-call]
        decoder = TorchScriptPythonDecoder(traced)
    front_end = FrontEndManager().load_by_framework("pytorch")
    return front_end.convert(front_end.load(decoder))
