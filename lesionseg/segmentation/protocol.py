"""What every segmenter offers, whatever network or device stands behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from lesionseg.core.confidence import Confidence
from lesionseg.segmentation.resampling import FloatArray
from lesionseg.volume import CTVolume, LabelMap

Progress = Callable[[int, int], None]
"""Called with (windows done, windows in all), the first time with 0 done."""


@runtime_checkable
class Segmenter(Protocol):
    """Turns a CT volume into a label map on the same grid."""

    @property
    def bundle_name(self) -> str:
        """Name and version of the model bundle."""

    @property
    def runtime(self) -> str:
        """Name and version of the inference runtime."""

    @property
    def device(self) -> str:
        """Name of the device the network runs on."""

    def segment(self, volume: CTVolume, *, progress: Progress | None = None) -> LabelMap:
        """Label every voxel of `volume`; a volume without lungs gives a map of zeros.

        Raises
        ------
        SegmentationError
            If the network cannot be run on this volume.
        """


@dataclass(frozen=True)
class Segmentation:
    """A label map and how far it can be trusted.

    Attributes
    ----------
    label_map : LabelMap
    confidence : Confidence or None
        None where the segmenter cannot say, or found no lung.
    retries : tuple of str
        What was tried again with less memory, such as "window 8 x 128 x 128 after out-of-memory on cuda:0".
    """

    label_map: LabelMap
    confidence: Confidence | None = None
    retries: tuple[str, ...] = ()


@runtime_checkable
class AssessingSegmenter(Segmenter, Protocol):
    """A segmenter that also says how far its labels can be trusted."""

    def segment_assessed(self, volume: CTVolume, *, progress: Progress | None = None) -> Segmentation:
        """Label every voxel of `volume`, as `segment` does to the byte, and assess the result."""


class Runtime(Protocol):
    """Runs one network on one device, window by window."""

    @property
    def description(self) -> str:
        """Name and version."""

    @property
    def device(self) -> str:
        """Name of the device."""

    def __call__(self, window: FloatArray) -> FloatArray:
        """Logits ``(labels, slices, rows, columns)`` of a prepared window ``(slices, rows, columns)``."""
