"""From a volume to its label map in one call, and from settings to an open segmenter."""

from __future__ import annotations

from lesionseg.segmentation import NetworkSegmenter, open_segmenter
from lesionseg.volume import CTVolume, LabelMap
from lesionseg.workflow.request import SegmenterSettings


def open_from_settings(settings: SegmenterSettings) -> NetworkSegmenter:
    """Open the segmenter that the settings ask for.

    Raises
    ------
    BundleError, DeviceError
        If model or device cannot be used.
    """
    return open_segmenter(
        settings.model,
        device=settings.device,
        runtime=settings.runtime,
        threads=settings.threads,
        deterministic=settings.deterministic,
    )


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
    return open_from_settings(settings or SegmenterSettings()).segment(volume)
