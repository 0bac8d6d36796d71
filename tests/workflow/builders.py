"""Segmenters that need no trained weights, and scans on which they are right."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy import ndimage

from lesionseg.segmentation import (
    ModelBundle,
    ModelMetadata,
    NetworkSpec,
    PreprocessingSpec,
    Progress,
    WindowSpec,
    write_bundle,
)
from lesionseg.volume import CTVolume, LabelMap

NON_SOLID_HU, SOLID_HU, TISSUE_HU = -700.0, -300.0, -100.0


@dataclass
class RuleSegmenter:
    """Air enclosed by the body is lung, and so are the holes in it; HU tells lesion and solid component."""

    calls: int = 0
    error: BaseException | None = None
    bundle_name: str = "rule 1"
    runtime: str = "scipy"
    device: str = "cpu"
    seen: list[str] = field(default_factory=list)

    def segment(self, volume: CTVolume, *, progress: Progress | None = None) -> LabelMap:
        self.calls += 1
        self.seen.append(volume.name)
        if progress is not None:
            progress(0, 1)
        if self.error is not None:
            raise self.error
        pieces, _ = ndimage.label(volume.hu < SOLID_HU)
        rim = [pieces.take(end, axis=axis).ravel() for axis in (1, 2) for end in (0, -1)]
        lung = ndimage.binary_fill_holes((pieces > 0) & ~np.isin(pieces, np.concatenate(rim)))
        labels = lung.astype(np.uint8)
        labels[lung & (volume.hu > NON_SOLID_HU)] = 2
        labels[lung & (volume.hu > SOLID_HU)] = 3
        if progress is not None:
            progress(1, 1)
        return LabelMap(labels, volume.geometry)


def filled_chest(shape: tuple[int, int, int] = (24, 48, 64)) -> CTVolume:
    """Soft tissue up to the image's edge, two ellipsoid lungs, a ground glass ball in the right one."""
    from lesionseg.volume import VolumeGeometry

    z, y, x = np.meshgrid(*(np.linspace(-1, 1, length) for length in shape), indexing="ij")
    hu = np.full(shape, 40, np.int16)
    for side in (-1, 1):
        hu[((x - 0.45 * side) / 0.33) ** 2 + (y / 0.7) ** 2 + (z / 0.8) ** 2 < 1] = -860
    hu[((x + 0.45) / 0.15) ** 2 + ((y - 0.1) / 0.25) ** 2 + (z / 0.3) ** 2 < 1] = -500
    geometry = VolumeGeometry.from_axes(shape, (10.0, 5.0, 5.0), (-157.5, -117.5, -100.0))
    return CTVolume(hu, geometry, "filled chest")


def threshold_bundle(folder: Path) -> ModelBundle:
    """A real bundle whose network is linear in HU, so that its labels are known: HU thresholds.

    Each label's logit is a line over HU; the upper envelope of the four lines changes at the thresholds.
    """
    import torch

    arguments = {
        "spatial_dims": 3, "in_channels": 1, "out_channels": 4, "channels": [1, 1], "strides": [1],
        "kernel_size": 1, "up_kernel_size": 1, "num_res_units": 0, "act": None, "norm": None,
    }  # fmt: skip
    metadata = ModelMetadata(
        name="threshold", version="1", summary="HU thresholds", intended_use="tests", license="Apache-2.0",
        solid_convention=f"above {SOLID_HU:g} HU",
        network=NetworkSpec(class_name="UNet", arguments=arguments),
        preprocessing=PreprocessingSpec(
            window_hu=(-1000, 400), in_plane_spacing_mm=5.0, slice_spacing_mm=(5.0, 12.0)
        ),
        window=WindowSpec(shape=(16, 48, 64), divisor=(1, 1, 1)),
        training_data=(),
    )  # fmt: skip
    slopes, offsets = [0.0], [0.0]  # lung, then non-solid, solid, background
    for threshold_hu in (NON_SOLID_HU, SOLID_HU, TISSUE_HU):
        intensity = 2 * (threshold_hu + 1000) / 1400 - 1
        slopes.append(slopes[-1] + 10)
        offsets.append(offsets[-1] - 10 * intensity)
    order = [3, 0, 1, 2]  # background comes first in the output channels
    state = {
        "model.0.conv.weight": torch.ones(1, 1, 1, 1, 1),
        "model.0.conv.bias": torch.zeros(1),
        "model.1.submodule.conv.weight": torch.zeros(1, 1, 1, 1, 1),
        "model.1.submodule.conv.bias": torch.zeros(1),
        "model.2.conv.weight": torch.tensor([[slopes[i] for i in order], [0.0] * 4]).reshape(2, 4, 1, 1, 1),
        "model.2.conv.bias": torch.tensor([offsets[i] for i in order]),
    }
    return write_bundle(folder, state_dict=state, metadata=metadata, model_card="# Thresholds\n")
