"""Tiny bundles, stand-in runtimes and simple chests for the segmentation tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lesionseg.segmentation import ModelMetadata, NetworkSpec, PreprocessingSpec, WindowSpec
from lesionseg.volume import CTVolume, VolumeGeometry

SPEC = PreprocessingSpec(window_hu=(-1000, 400), in_plane_spacing_mm=1.5, slice_spacing_mm=(1.5, 8.0))
COARSE_SPEC = PreprocessingSpec(window_hu=(-1000, 400), in_plane_spacing_mm=3.0, slice_spacing_mm=(1.5, 8.0))
"""For the tests of the whole way, a quarter of the voxels."""
TINY_ARGUMENTS = {
    "spatial_dims": 3,
    "in_channels": 1,
    "out_channels": 4,
    "kernel_size": [[1, 3, 3], [3, 3, 3], [3, 3, 3]],
    "strides": [1, [1, 2, 2], [1, 2, 2]],
    "upsample_kernel_size": [[1, 2, 2]] * 2,
    "filters": [4, 8, 8],
    "norm_name": "batch",
    "res_block": False,
    "deep_supervision": False,
}
TINY_WINDOW = WindowSpec(shape=(16, 64, 64), divisor=(1, 4, 4), overlap=0.25)


def tiny_metadata(**changes: object) -> ModelMetadata:
    """Metadata of a network small enough for tests."""
    values: dict[str, object] = {
        "name": "tiny",
        "version": "1",
        "summary": "random weights",
        "intended_use": "tests",
        "license": "Apache-2.0",
        "solid_convention": "none",
        "network": NetworkSpec(class_name="DynUNet", arguments=TINY_ARGUMENTS),
        "preprocessing": COARSE_SPEC,
        "window": TINY_WINDOW,
        "training_data": (),
    }
    return ModelMetadata.model_validate({**values, **changes})


@dataclass
class ThresholdRuntime:
    """Stands in for a network: voxels under `lung_below_hu` are lung, everything else is background."""

    lung_below_hu: float
    description: str = "threshold"
    device: str = "cpu"
    calls: int = 0

    def __call__(self, window: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        self.calls += 1
        return threshold_logits(window, self.lung_below_hu)


def threshold_logits(intensity: npt.NDArray[np.float32], lung_below_hu: float) -> npt.NDArray[np.float32]:
    """Logits linear in HU that are equal for background and lung at the threshold."""
    hu = (intensity + 1) / 2 * 1400 - 1000
    logits = np.full((4, *intensity.shape), -50.0, dtype=np.float32)
    logits[0] = 0.0
    logits[1] = (lung_below_hu - hu) / 100
    return logits


def rotation(axis: npt.ArrayLike, degrees: float) -> npt.NDArray[np.float64]:
    """Rotation matrix about `axis` (Rodrigues)."""
    x, y, z = np.asarray(axis, float) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.deg2rad(degrees)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def centred_geometry(
    extent_mm: float, spacing_mm: tuple[float, float, float], direction: npt.ArrayLike
) -> VolumeGeometry:
    """Grid of about `extent_mm` along every axis whose middle lies at (5, -7, 11) mm."""
    shape = [max(2, round(extent_mm / step)) for step in spacing_mm]
    columns = np.asarray(direction, float) * np.asarray(spacing_mm)
    origin = np.array([5.0, -7.0, 11.0]) - columns @ ((np.asarray(shape) - 1) / 2)
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = columns, origin
    return VolumeGeometry((shape[0], shape[1], shape[2]), affine, "1.2.3")


def ball_volume(geometry: VolumeGeometry, centre_lps_mm: npt.ArrayLike, radius_mm: float) -> CTVolume:
    """A ball of -850 HU in 0 HU, with a border as soft as the voxels are wide (partial volume)."""
    points = geometry.index_to_lps(np.moveaxis(np.indices(geometry.shape), 0, -1))
    depth_mm = radius_mm - np.linalg.norm(points - np.asarray(centre_lps_mm), axis=-1)
    share = np.clip(depth_mm / np.mean(geometry.spacing_mm) + 0.5, 0, 1)
    return CTVolume((-850 * share).astype(np.float32), geometry, "ball")


@dataclass(frozen=True)
class SimpleChest:
    """An elliptic body with two lungs and a forked windpipe, on a standard axial grid."""

    hu: npt.NDArray[np.float32]
    lung: npt.NDArray[np.bool_]
    airways: npt.NDArray[np.bool_]
    spacing_mm: tuple[float, float, float]

    @property
    def volume(self) -> CTVolume:
        return CTVolume(self.hu, VolumeGeometry.from_axes(self.hu.shape, self.spacing_mm), "chest")


def simple_chest(
    spacing_mm: tuple[float, float, float] = (3.0, 1.5, 1.5),
    *,
    lung_hu: float = -850.0,
    airway_hu: float = -990.0,
    noise_hu: float = 15.0,
) -> SimpleChest:
    """Body 320 x 220 mm, 300 mm high; lungs from 60 to 260 mm; windpipe from the top to a fork at 170 mm."""
    shape = (round(300 / spacing_mm[0]), round(240 / spacing_mm[1]), round(340 / spacing_mm[2]))
    z, y, x = (
        (np.arange(n) + 0.5) * s - o for n, s, o in zip(shape, spacing_mm, (0.0, 120.0, 170.0), strict=True)
    )
    z, y, x = np.meshgrid(z, y, x, indexing="ij", sparse=True)
    body = (x / 160) ** 2 + (y / 110) ** 2 < 1
    lung = ((np.abs(x) - 80) / 55) ** 2 + (y / 80) ** 2 + ((z - 160) / 100) ** 2 < 1
    trachea = (x**2 + (y - 10) ** 2 < 9**2) & (z > 170)
    drop = 170 - z
    bronchi = ((np.abs(x) - drop) ** 2 + (y - 10) ** 2 < 7**2) & (drop >= 0) & (drop < 40)
    airways = trachea | bronchi
    hu = np.where(body, 40.0, -1000.0) + np.zeros(shape)
    hu[lung] = lung_hu
    hu[airways] = airway_hu
    hu += np.random.default_rng(0).normal(0, noise_hu, shape)
    return SimpleChest(hu.astype(np.float32), lung & ~airways, airways, spacing_mm)
