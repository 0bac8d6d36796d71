"""From a volume to its label map in one call, and a segmenter that opens its network when it is needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

from lesionseg.segmentation import (
    AssessingSegmenter,
    ModelBundle,
    NetworkSegmenter,
    Progress,
    Segmentation,
    Segmenter,
    load_bundle,
    open_segmenter,
)
from lesionseg.volume import CTVolume, LabelMap
from lesionseg.workflow.request import SegmenterSettings


@dataclass(frozen=True)
class DeferredSegmenter:
    """A segmenter whose bundle is verified at once and whose network is opened at first use.

    A scan that is refused thus never waits for torch or OpenVINO to load.
    """

    settings: SegmenterSettings
    bundle: ModelBundle

    @classmethod
    def from_settings(cls, settings: SegmenterSettings) -> Self:
        """Verify the bundle that the settings ask for.

        Raises
        ------
        BundleError
            If it cannot be used.
        """
        return cls(settings, load_bundle(settings.model))

    @property
    def bundle_name(self) -> str:
        """Name and version of the model bundle."""
        return self.bundle.name

    @property
    def runtime(self) -> str:
        """Name and version of the inference runtime; opens the network."""
        return self._opened.runtime

    @property
    def device(self) -> str:
        """Name of the device; opens the network."""
        return self._opened.device

    def segment(self, volume: CTVolume, *, progress: Progress | None = None) -> LabelMap:
        """Label every voxel of `volume`; opens the network. Raises as `NetworkSegmenter` does."""
        return self._opened.segment(volume, progress=progress)

    def segment_assessed(self, volume: CTVolume, *, progress: Progress | None = None) -> Segmentation:
        """Label a volume and assess the result; opens the network. Raises as `NetworkSegmenter` does."""
        return self._opened.segment_assessed(volume, progress=progress)

    @cached_property
    def _opened(self) -> NetworkSegmenter:
        return open_segmenter(
            self.bundle,
            device=self.settings.device,
            runtime=self.settings.runtime,
            threads=self.settings.threads,
            deterministic=self.settings.deterministic,
            flips=self.settings.flips,
        )


def segment_assessed(
    segmenter: Segmenter, volume: CTVolume, *, progress: Progress | None = None
) -> Segmentation:
    """Label a volume, with the segmenter's confidence where it can tell one."""
    if isinstance(segmenter, AssessingSegmenter):
        return segmenter.segment_assessed(volume, progress=progress)
    return Segmentation(segmenter.segment(volume, progress=progress))


def segment(volume: CTVolume, settings: SegmenterSettings | None = None) -> LabelMap:
    """Label lungs and lesions of one volume with the default model, or as the settings say.

    For many volumes open one segmenter and keep it: `lesionseg.segmentation.open_segmenter`.

    Raises
    ------
    BundleError, DeviceError
        If model or device cannot be used.
    SegmentationError
        If the network cannot be run on this volume.
    """
    return DeferredSegmenter.from_settings(settings or SegmenterSettings()).segment(volume)
