"""A peer's torch network in OpenVINO, converted as lesionseg converts its own: traced, 32-bit floats."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch


def in_openvino(
    network: torch.nn.Module, example: tuple[int, ...], threads: int | None
) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return a function that stands in for the network.

    It is compiled for the example's shape now, and for any other shape once it meets it.
    """
    import openvino
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        decoder = TorchScriptPythonDecoder(
            torch.jit.trace(network.eval(), torch.zeros(example), check_trace=False)
        )
    front_end = FrontEndManager().load_by_framework("pytorch")
    model, core = front_end.convert(front_end.load(decoder)), openvino.Core()
    settings: dict[str, str | int] = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    if threads is not None:
        settings["INFERENCE_NUM_THREADS"] = threads
    compiled: dict[tuple[int, ...], openvino.InferRequest] = {}

    def compile_for(shape: tuple[int, ...]) -> None:
        model.reshape(list(shape))
        compiled[shape] = core.compile_model(model, "CPU", settings).create_infer_request()

    def run(batch: torch.Tensor) -> torch.Tensor:
        shape = tuple(batch.shape)
        if shape not in compiled:
            compile_for(shape)
        return torch.from_numpy(compiled[shape].infer({0: batch.numpy()})[0])

    compile_for(example)
    return run
