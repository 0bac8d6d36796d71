"""The whole way from a CT volume to its label map with one model bundle."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from lesionseg.core.errors import ConfigurationError
from lesionseg.segmentation.appendages import cut_appendages
from lesionseg.segmentation.body import lung_search_box
from lesionseg.segmentation.bundle import ModelBundle, load_bundle
from lesionseg.segmentation.confidence import NetworkRun, assess
from lesionseg.segmentation.device import AUTO, CPU, OPENVINO, resolve
from lesionseg.segmentation.pockets import fill_air_pockets
from lesionseg.segmentation.postprocessing import clean_lungs, exclude_airways
from lesionseg.segmentation.preprocessing import prepare, restore, working_hu
from lesionseg.segmentation.protocol import Progress, Runtime, Segmentation
from lesionseg.segmentation.retries import OpenRuntime, logits_within_memory
from lesionseg.segmentation.specks import drop_specks, smallest_piece_voxels
from lesionseg.volume import CTVolume, LabelMap

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class NetworkSegmenter:
    """A bundle's network on one runtime; see `Segmenter`.

    Attributes
    ----------
    bundle : ModelBundle
    network_runtime : Runtime
    flips : bool
        Run the network on the left-right mirrored scan as well and average the two: twice the time.
    last_resort : callable, optional
        Opens a runtime on the CPU, for a scan that does not fit into the device's memory.
    """

    bundle: ModelBundle
    network_runtime: Runtime
    flips: bool = False
    last_resort: OpenRuntime | None = None

    @property
    def bundle_name(self) -> str:
        """Name and version of the model bundle."""
        return self.bundle.name

    @property
    def runtime(self) -> str:
        """Name and version of the inference runtime."""
        return self.network_runtime.description

    @property
    def device(self) -> str:
        """Name of the device the network runs on."""
        return self.network_runtime.device

    def segment(self, volume: CTVolume, *, progress: Progress | None = None) -> LabelMap:
        """Label every voxel of `volume` on its own grid.

        Prepare, find the box that can hold lung, run the network over it, take the airways out, add pockets
        of air the network left out, cut off dense appendages (bowel), interpolate back, keep the lungs, fill
        their holes and drop specks of lesion. The same volume gives the same bytes on the same device. Where
        the device's memory does not suffice, smaller windows are tried, and at last the CPU.

        Raises
        ------
        SegmentationError
            If the network returns something unusable.
        DeviceError
            If the device gives out, or its memory does not suffice for the smallest windows.
        """
        return self._run(volume, progress).label_map

    def segment_assessed(self, volume: CTVolume, *, progress: Progress | None = None) -> Segmentation:
        """Do as `segment` does, and say how far the labels can be trusted; no confidence without lung."""
        run = self._run(volume, progress)
        if not run.label_map.labels.any():
            return Segmentation(run.label_map, retries=run.passes.retries)
        return Segmentation(run.label_map, assess(run, self.bundle), run.passes.retries)

    def _run(self, volume: CTVolume, progress: Progress | None) -> NetworkRun:
        metadata = self.bundle.metadata
        prepared = prepare(volume, metadata.preprocessing)
        hu = working_hu(prepared, metadata.preprocessing)
        spacing_mm = prepared.geometry.spacing_mm
        box = lung_search_box(hu, spacing_mm)
        hu = hu[box.slices]
        passes = logits_within_memory(
            prepared.intensity[box.slices],
            self.network_runtime,
            metadata,
            last_resort=self.last_resort,
            flips=self.flips,
            progress=progress,
        )
        airways = exclude_airways(passes.logits, hu, spacing_mm)
        fill_air_pockets(passes.logits, hu, airways)
        cut_appendages(passes.logits, spacing_mm)
        labels = clean_lungs(restore(passes.logits, prepared, box))
        drop_specks(labels, smallest_piece_voxels(volume.geometry.spacing_mm))
        return NetworkRun(prepared, box, hu, passes, airways, LabelMap(labels, volume.geometry))


def open_segmenter(
    bundle: ModelBundle | Path | str | None = None,
    *,
    device: str = AUTO,
    runtime: str = AUTO,
    threads: int | None = None,
    deterministic: bool = False,
    flips: bool = False,
) -> NetworkSegmenter:
    """Load a bundle's network onto a device.

    Parameters
    ----------
    bundle : ModelBundle, Path or str, optional
        A loaded bundle, or what `load_bundle` takes; the default bundle if left out.
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
    runtime : str
        ``auto``, ``torch`` or ``openvino``.
    threads : int, optional
        CPU threads for the network.
    deterministic : bool
        32-bit floats on every device, at some cost in speed, and on a GPU equal bytes on every run. A CPU
        always gives equal bytes.
    flips : bool
        Average the network's output with that of the mirrored scan; takes twice as long.

    Raises
    ------
    BundleError, DeviceError
        If bundle or device cannot be used.
    ConfigurationError
        If `threads` is not positive.
    """
    if threads is not None and threads < 1:
        raise ConfigurationError("the number of threads must be at least 1", found=str(threads))
    placement = resolve(device, runtime)
    loaded = bundle if isinstance(bundle, ModelBundle) else load_bundle(bundle)
    network = loaded.network()
    if placement.runtime == OPENVINO:
        return NetworkSegmenter(
            loaded, _openvino(network, loaded, threads, deterministic=deterministic), flips
        )
    from lesionseg.segmentation.torch_runtime import TorchRuntime

    torch_runtime = TorchRuntime(network, placement.device, threads=threads, deterministic=deterministic)
    last_resort = None if placement.device == CPU else _on_cpu(loaded, threads, deterministic=deterministic)
    return NetworkSegmenter(loaded, torch_runtime, flips, last_resort)


def _on_cpu(bundle: ModelBundle, threads: int | None, *, deterministic: bool) -> OpenRuntime:
    """Open the bundle's network on the CPU when it is first asked for, and keep it."""
    return lru_cache(1)(
        lambda: (
            open_segmenter(bundle, device=CPU, threads=threads, deterministic=deterministic).network_runtime
        )
    )


def _openvino(
    network: torch.nn.Module, bundle: ModelBundle, threads: int | None, *, deterministic: bool
) -> Runtime:
    from lesionseg.segmentation.openvino_runtime import OpenVINORuntime

    slices, rows, columns = bundle.metadata.window.divisor
    shape = (2 * slices, 2 * rows, 2 * columns)
    return OpenVINORuntime(network, shape, threads=threads, deterministic=deterministic)
