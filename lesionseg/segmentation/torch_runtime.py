"""Inference in torch: on the CPU in 32-bit floats, on a CUDA device with automatic mixed precision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import numpy as np

from lesionseg.core.errors import DeviceError
from lesionseg.segmentation.resampling import FloatArray

if TYPE_CHECKING:
    import torch

_CPU_OUT_OF_MEMORY = "DefaultCPUAllocator"  # torch has no class for it; its message names the allocator


class TorchRuntime:
    """One network on one torch device.

    Parameters
    ----------
    network : torch.nn.Module
        In evaluation mode, one input channel.
    device : str
        ``cpu`` or ``cuda:N``.
    threads : int, optional
        CPU threads while a window is computed; torch's own setting if left out.
    deterministic : bool
        On CUDA: 32-bit floats and cuDNN's deterministic algorithms, so that equal input gives equal bytes.
        The CPU is deterministic either way.

    Raises
    ------
    DeviceError
        If the device cannot take the network, or runs out of memory; on the CPU `MemoryError`.
    """

    def __init__(
        self,
        network: torch.nn.Module,
        device: str = "cpu",
        *,
        threads: int | None = None,
        deterministic: bool = False,
    ) -> None:
        import torch

        self.description = f"torch {torch.__version__}"
        self.device = device
        self._threads = threads
        self._deterministic = deterministic
        try:
            self._network = network.eval().to(device)
            if device != "cpu":  # what cuDNN's kernels for half precision want
                self._network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        except (RuntimeError, AssertionError) as error:  # a torch without CUDA asserts
            raise _device_error(device, error) from error

    def __call__(self, window: FloatArray) -> FloatArray:
        """Logits of one window."""
        import torch

        with self._settings():
            try:
                batch = torch.from_numpy(window)[None, None].to(self.device)
                logits = self._network(batch)[0].float().cpu()
            except torch.OutOfMemoryError as error:
                raise _device_error(self.device, error) from error
            except RuntimeError as error:
                if _CPU_OUT_OF_MEMORY not in str(error):
                    raise
                raise MemoryError(" ".join(str(error).split())[:300]) from error
        return np.asarray(logits.numpy())

    @contextmanager
    def _settings(self) -> Iterator[None]:
        """Set torch up for one window, and leave it as it was."""
        import torch

        before = torch.get_num_threads()
        with ExitStack() as stack:
            stack.enter_context(torch.inference_mode())
            if self._threads is not None:
                stack.callback(torch.set_num_threads, before)
                torch.set_num_threads(self._threads)
            if self.device != "cpu":
                fast = not self._deterministic
                stack.enter_context(
                    torch.backends.cudnn.flags(
                        enabled=True, benchmark=fast, deterministic=not fast, allow_tf32=fast
                    )
                )
                stack.enter_context(torch.autocast("cuda", dtype=_half(), enabled=fast))
            yield


def _half() -> torch.dtype:
    """Bfloat16 where the GPU has it: it overflows no sooner than 32-bit floats."""
    import torch

    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


def _device_error(device: str, error: Exception) -> DeviceError:
    return DeviceError(
        "the device cannot run the network",
        case=device,
        found=" ".join(str(error).split())[:300],
        remedy="Use --device cpu, or close other programs that use the GPU",
    )
