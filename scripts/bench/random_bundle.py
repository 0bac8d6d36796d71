"""A bundle of random weights and a synthetic chest, for benchmarks that need no data."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lesionseg.segmentation import ModelBundle, ModelMetadata, load_bundle, write_bundle
from lesionseg.volume import CTVolume, VolumeGeometry

ARCHITECTURE = {
    "spatial_dims": 3,
    "in_channels": 1,
    "out_channels": 4,
    "kernel_size": [[1, 3, 3], [1, 3, 3], [3, 3, 3], [3, 3, 3], [3, 3, 3]],
    "strides": [1, [1, 2, 2], [1, 2, 2], [1, 2, 2], [1, 2, 2]],
    "upsample_kernel_size": [[1, 2, 2]] * 4,
    "filters": [16, 32, 48, 64, 96],
    "norm_name": "batch",
    "res_block": False,
    "deep_supervision": False,
}
TINY = {"filters": [4, 4, 8, 8, 8]}


def random_bundle(folder: Path, window: tuple[int, int, int], changes: dict[str, object]) -> ModelBundle:
    """Write a bundle of the architecture above with seeded random weights and load it."""
    import torch

    from lesionseg.segmentation.network import build_network

    metadata = ModelMetadata.model_validate(
        {
            "name": "random",
            "version": "0",
            "summary": "random weights",
            "intended_use": "benchmarks",
            "license": "Apache-2.0",
            "solid_convention": "none",
            "network": {"class_name": "DynUNet", "arguments": {**ARCHITECTURE, **changes}},
            "preprocessing": {
                "window_hu": (-1000, 400),
                "in_plane_spacing_mm": 1.5,
                "slice_spacing_mm": (1.5, 8.0),
            },
            "window": {"shape": window, "divisor": (1, 16, 16)},
            "training_data": (),
        }
    )
    torch.manual_seed(0)
    state = build_network(metadata.network).state_dict()
    return write_bundle(folder / "random", state_dict=state, metadata=metadata, model_card="# Random\n")


def open_bundle(name: str, folder: Path, window: tuple[int, int, int]) -> ModelBundle:
    """``random`` and ``tiny`` are made on the spot; anything else is loaded."""
    if name in ("random", "tiny"):
        return random_bundle(folder, window, TINY if name == "tiny" else {})
    return load_bundle(None if name == "default" else name)


def synthetic_chest(shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> CTVolume:
    """An elliptic body with two elliptic lungs over nearly the whole height, made slice by slice."""
    rng = np.random.default_rng(0)
    y, x = np.meshgrid(
        (np.arange(shape[1]) - shape[1] / 2) * spacing_mm[1],
        (np.arange(shape[2]) - shape[2] / 2) * spacing_mm[2],
        indexing="ij",
    )
    body = (x / 165) ** 2 + (y / 115) ** 2 < 1
    hu = np.empty(shape, np.int16)
    for index in range(shape[0]):
        height = 2 * (index + 0.5) / shape[0] - 1
        lung = ((np.abs(x) - 80) / 60) ** 2 + (y / 85) ** 2 + height**2 < 1
        hu[index] = np.where(lung, -850, np.where(body, 40, -1000)) + rng.normal(0, 20, body.shape)
    return CTVolume(hu, VolumeGeometry.from_axes(shape, spacing_mm), "synthetic chest")
