"""Scans spoilt on purpose, and volumes that show no chest: what must not pass without a word."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from lesionseg.volume import CTVolume, VolumeGeometry

LOWEST_HU, HIGHEST_HU = -1024, 3071
_SEED = 404


def rescaled(volume: CTVolume, slope: float, offset_hu: float, name: str) -> CTVolume:
    return _with_hu(volume, slope * volume.hu.astype(np.float32) + offset_hu, name)


def noisy(volume: CTVolume, factor: float, own_noise_hu: float) -> CTVolume:
    """Add white noise until there is `factor` times as much."""
    added = own_noise_hu * np.sqrt(factor**2 - 1)
    rng = np.random.default_rng(_SEED)
    hu = volume.hu + added * rng.standard_normal(volume.hu.shape, dtype=np.float32)
    return _with_hu(volume, hu, f"noise x{factor:g}")


def moved_between_slices(volume: CTVolume, largest_mm: float = 12.0) -> CTVolume:
    """Every slice shifted in its plane on its own: a patient who did not lie still."""
    rng = np.random.default_rng(_SEED)
    hu = np.empty(volume.hu.shape, np.float32)
    for index, plane in enumerate(volume.hu):
        shift = rng.uniform(-largest_mm, largest_mm, 2) / volume.geometry.spacing_mm[1:]
        hu[index] = ndimage.shift(plane.astype(np.float32), shift, order=1, cval=LOWEST_HU)
    return _with_hu(volume, hu, f"slices shifted by up to {largest_mm:g} mm")


def breathed(volume: CTVolume, stroke_mm: float = 20.0) -> CTVolume:
    """Blocks of 15 mm, every other one taken at another phase of breathing: stairs at the diaphragm."""
    step_mm = volume.geometry.spacing_mm[0]
    count = volume.hu.shape[0]
    index = np.arange(count)
    phase = (index * step_mm // 15.0).astype(int) % 2
    source = np.clip(index + phase * max(1, round(stroke_mm / step_mm)), 0, count - 1)
    return _with_hu(volume, volume.hu[source], f"breathing by {stroke_mm:g} mm between blocks of slices")


def doubled(volume: CTVolume, distance_mm: float = 16.0) -> CTVolume:
    """Every slice averaged with one further up: motion within the slices."""
    reach = max(1, round(distance_mm / volume.geometry.spacing_mm[0]))
    above = np.concatenate([volume.hu[reach:], np.repeat(volume.hu[-1:], reach, axis=0)])
    hu = (volume.hu.astype(np.float32) + above) / 2
    return _with_hu(volume, hu, f"doubled over {distance_mm:g} mm")


def head(spacing_mm: float = 2.5) -> CTVolume:
    """Skull, brain, ventricles and the air cells behind nose and ears."""
    shape, (z, y, x) = _grid((200.0, 260.0, 220.0), spacing_mm)
    hu = np.full(shape, -1000.0, np.float32)
    _paint(hu, (z / 95, y / 110, x / 85), 20)
    _paint(hu, (z / 88, y / 102, x / 78), 900)
    _paint(hu, (z / 81, y / 95, x / 71), 35)
    _paint(hu, (z / 15, y / 30, x / 12), 8)
    _paint(hu, ((z + 70) / 14, (y + 75) / 22, x / 25), -950)
    for side in (-1, 1):
        _paint(hu, ((z + 60) / 12, (y - 10) / 12, (x - side * 62) / 10), -850)
    return _scanned(hu, spacing_mm, "head")


def abdomen(spacing_mm: float = 2.5) -> CTVolume:
    """Body with liver, spine and loops of bowel full of gas."""
    shape, (z, y, x) = _grid((240.0, 280.0, 380.0), spacing_mm)
    hu = np.full(shape, -1000.0, np.float32)
    _paint(hu, (z / 1e6, y / 120, x / 170), -100)
    _paint(hu, (z / 1e6, y / 102, x / 150), 50)
    _paint(hu, (z / 1e6, (y - 65) / 22, x / 22), 350)
    _paint(hu, ((z - 60) / 70, y / 70, (x + 70) / 70), 65)
    rng = np.random.default_rng(_SEED)
    for _ in range(28):
        radii = rng.uniform((18, 14, 20), (40, 30, 50))
        place = rng.uniform((-110, -70, -110), (110, 20, 110))
        _paint(hu, ((z - place[0]) / radii[0], (y - place[1]) / radii[1], (x - place[2]) / radii[2]), -980)
    return _scanned(hu, spacing_mm, "abdomen")


def corruptions(volume: CTVolume, own_noise_hu: float) -> dict[str, Callable[[], CTVolume]]:
    """Every way in which a chest scan is spoilt, made when it is called for."""
    return {
        "noise x4": lambda: noisy(volume, 4.0, own_noise_hu),
        "HU + 1000": lambda: rescaled(volume, 1.0, 1000.0, "HU + 1000"),
        "HU + 100": lambda: rescaled(volume, 1.0, 100.0, "HU + 100"),
        "HU x 2": lambda: rescaled(volume, 2.0, 0.0, "HU x 2"),
        "HU x 2 about -1024": lambda: rescaled(volume, 2.0, 1024.0, "HU x 2 about -1024"),
        "slices shifted": lambda: moved_between_slices(volume),
        "breathing between slices": lambda: breathed(volume),
        "slices doubled": lambda: doubled(volume),
    }


def _grid(extent_mm: tuple[float, float, float], spacing_mm: float) -> tuple[tuple[int, ...], tuple]:
    shape = tuple(round(length / spacing_mm) for length in extent_mm)
    axes = [(np.arange(count) - (count - 1) / 2) * spacing_mm for count in shape]
    return shape, (axes[0][:, None, None], axes[1][None, :, None], axes[2][None, None, :])


def _paint(hu: np.ndarray, place: tuple[np.ndarray, ...], tissue_hu: float) -> None:
    """Fill the ellipsoid whose scaled coordinates lie within 1."""
    hu[sum(part**2 for part in place) < 1] = tissue_hu


def _scanned(hu: np.ndarray, spacing_mm: float, name: str) -> CTVolume:
    hu = ndimage.gaussian_filter(hu, 0.5)
    hu += 15 * np.random.default_rng(_SEED).standard_normal(hu.shape, dtype=np.float32)
    geometry = VolumeGeometry.from_axes(hu.shape, (spacing_mm,) * 3)
    return CTVolume(np.clip(hu, LOWEST_HU, HIGHEST_HU).round().astype(np.int16), geometry, name)


def _with_hu(volume: CTVolume, hu: np.ndarray, what: str) -> CTVolume:
    clipped = np.clip(hu, LOWEST_HU, HIGHEST_HU).round().astype(np.int16)
    return CTVolume(clipped, volume.geometry, f"{volume.name}, {what}", volume.acquisition)
