"""A small good CT series of a chest-like phantom, from which all odd and broken ones are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom import Dataset, dcmread

from lesionseg.dicom.write import WriterSettings, write_ct_series
from lesionseg.volume import CTVolume, VolumeGeometry

DEFAULT_SHAPE = (40, 64, 64)
DEFAULT_SPACING_MM = (6.25, 5.5, 5.5)  # exact in binary and in few decimals
_LUNG_HU, _LESION_HU, _SOLID_HU, _TISSUE_HU, _AIR_HU = -850, -550, 10, 40, -1000


@dataclass(frozen=True)
class Series:
    """A volume and the files it was written to."""

    volume: CTVolume
    paths: tuple[Path, ...]
    settings: WriterSettings

    @property
    def folder(self) -> Path:
        return self.paths[0].parent

    def datasets(self) -> list[Dataset]:
        """Fresh datasets in slice order, free to be altered."""
        return [dcmread(path) for path in self.paths]


def chest_hu(shape: tuple[int, int, int] = DEFAULT_SHAPE, *, seed: int = 0) -> npt.NDArray[np.int16]:
    """An elliptic trunk with two ellipsoid lungs, a ground glass and a solid lesion, and seeded noise."""
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, length) for length in shape), indexing="ij")
    hu = np.full(shape, float(_AIR_HU))
    hu[(x / 0.9) ** 2 + (y / 0.65) ** 2 < 1] = _TISSUE_HU
    for side in (-1, 1):
        hu[((x - 0.42 * side) / 0.32) ** 2 + (y / 0.48) ** 2 + (z / 0.85) ** 2 < 1] = _LUNG_HU
    hu[((x - 0.42) / 0.16) ** 2 + ((y - 0.15) / 0.2) ** 2 + ((z + 0.3) / 0.3) ** 2 < 1] = _LESION_HU
    hu[((x + 0.42) / 0.12) ** 2 + ((y - 0.15) / 0.15) ** 2 + ((z - 0.2) / 0.2) ** 2 < 1] = _SOLID_HU
    noise = np.random.default_rng(seed).normal(0, 12, shape)
    return np.clip(np.rint(hu + noise), -1024, 3071).astype(np.int16)


def chest_volume(
    shape: tuple[int, int, int] = DEFAULT_SHAPE,
    spacing_mm: tuple[float, float, float] = DEFAULT_SPACING_MM,
    direction: npt.ArrayLike | None = None,
    *,
    seed: int = 0,
) -> CTVolume:
    """The phantom on a grid whose foot end lies at z = -100 mm."""
    geometry = VolumeGeometry.from_axes(shape, spacing_mm, (-173.25, -160.5, -100.0), direction)
    return CTVolume(chest_hu(shape, seed=seed), geometry, name="chest phantom")


def write_series(
    folder: Path, volume: CTVolume | None = None, settings: WriterSettings | None = None
) -> Series:
    """Write `volume` (the default phantom) as a good series."""
    volume = chest_volume() if volume is None else volume
    settings = WriterSettings(entropy="tests") if settings is None else settings
    return Series(volume, write_ct_series(volume, folder, settings=settings), settings)


def save(dataset: Dataset, path: Path) -> Path:
    """Save an altered dataset, making the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def save_all(datasets: Sequence[Dataset], folder: Path, prefix: str = "IM") -> list[Path]:
    """Save altered datasets as numbered files."""
    return [save(dataset, folder / f"{prefix}{n:05d}.dcm") for n, dataset in enumerate(datasets, start=1)]


def z_mm(dataset: Dataset) -> float:
    """The slice's z position."""
    return float(dataset.ImagePositionPatient[2])


def set_z_mm(dataset: Dataset, position_mm: float) -> None:
    """Move the slice along z."""
    x, y, _ = dataset.ImagePositionPatient
    dataset.ImagePositionPatient = [x, y, position_mm]
