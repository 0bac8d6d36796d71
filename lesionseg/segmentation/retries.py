"""Running the network within the memory there is: smaller windows, and at last the CPU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from lesionseg.core.errors import DeviceError
from lesionseg.segmentation.metadata import ModelMetadata, WindowSpec
from lesionseg.segmentation.passes import Passes, network_logits
from lesionseg.segmentation.protocol import Progress, Runtime
from lesionseg.segmentation.resampling import FloatArray
from lesionseg.segmentation.window import plan_windows

MOST_HALVINGS = 3
"""Windows of an eighth of the length hold a 512th of the voxels: what does not fit then never will."""

OpenRuntime = Callable[[], Runtime]


@dataclass(frozen=True)
class _Attempt:
    """One way to run the network over a scan."""

    runtime: Runtime
    metadata: ModelMetadata
    retries: tuple[str, ...] = ()

    def smaller(self, volume_shape: tuple[int, int, int]) -> _Attempt | None:
        """Do the same with half the window; None where it cannot be halved."""
        spec = self.metadata.window
        used = plan_windows(volume_shape, spec).shape
        halved = _halved(used, spec)
        if halved == used:
            return None
        window = spec.model_copy(update={"shape": halved})
        told = f"window {' x '.join(map(str, halved))} after out-of-memory on {self.runtime.device}"
        metadata = self.metadata.model_copy(update={"window": window})
        return replace(self, metadata=metadata, retries=(*self.retries, told))


def logits_within_memory(
    intensity: FloatArray,
    runtime: Runtime,
    metadata: ModelMetadata,
    *,
    last_resort: OpenRuntime | None = None,
    flips: bool = False,
    progress: Progress | None = None,
) -> Passes:
    """Do as `network_logits` does; where memory runs out, again with less.

    The window is halved along every axis, up to `MOST_HALVINGS` times; then the runtime that `last_resort`
    opens takes the bundle's own windows, and its own halvings if need be. The network sees less of the scan
    in a smaller window, so that labels may differ: what was done stands in ``Passes.retries``.

    Parameters
    ----------
    intensity : ndarray, shape (slices, rows, columns), float32
    runtime : Runtime
    metadata : ModelMetadata
    last_resort : callable, optional
        Opens a runtime on the CPU; called only when it is needed.
    flips, progress
        As of `network_logits`; progress begins at 0 again with every try.

    Raises
    ------
    DeviceError, MemoryError
        What the last try raised, if memory ran out in all of them.
    """
    shape = (intensity.shape[0], intensity.shape[1], intensity.shape[2])
    attempt = _Attempt(runtime, metadata)
    halvings = 0
    while True:
        try:
            passes = network_logits(
                intensity, attempt.runtime, attempt.metadata, flips=flips, progress=progress
            )
            return replace(passes, retries=attempt.retries)
        except (DeviceError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            following = attempt.smaller(shape) if halvings < MOST_HALVINGS else None
            halvings += 1
            if following is None and last_resort is not None:
                told = f"cpu after out-of-memory on {attempt.runtime.device}"
                following = _Attempt(last_resort(), metadata, (*attempt.retries, told))
                last_resort, halvings = None, 0
            if following is None:
                raise
        attempt = following  # beyond the handler, so that the error lets go of the device's memory


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out, on the device or beside it. Imports no torch."""
    return isinstance(error, MemoryError) or type(error.__cause__).__name__ == "OutOfMemoryError"


def _halved(shape: tuple[int, int, int], spec: WindowSpec) -> tuple[int, int, int]:
    """Half the lengths, rounded down to multiples of the divisor but never to nothing."""
    slices, rows, columns = (
        max(step, length // 2 // step * step) for length, step in zip(shape, spec.divisor, strict=True)
    )
    return slices, rows, columns
