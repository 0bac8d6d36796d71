"""Chests with synthetic lesions that no training saw: a truth to measure on where nobody outlined one.

Two kinds, with two generators of lesions: procedural chests of unseen habitus, diseased by
`lesionseg.phantoms`, and clear lungs of a held-out scan, diseased by `lesionseg.training.synthesis`. Every
case is a function of its number and seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from lesionseg.core.errors import ConfigurationError
from lesionseg.phantoms import ChestSettings, add_lesions, chest_phantom
from lesionseg.segmentation.resampling import resample
from lesionseg.training.synthesis.fields import SpacingMm, blur
from lesionseg.training.synthesis.lesions import LesionSettings, insert_lesions
from lesionseg.training.synthesis.patch import LungPatch
from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry

Mask = npt.NDArray[np.bool_]

EVALUATION_SEED = 99_000_000
"""Far from every seed used in training."""


@dataclass(frozen=True)
class CaseSettings:
    """Ranges from which a case is drawn.

    Attributes
    ----------
    slice_spacing_mm : tuple of float
        Drawn evenly; a scan is never made thinner than it is.
    in_plane_mm : float
        Row and column spacing of procedural chests.
    extent_mm : tuple of float
        (slice, row, column) extent of procedural chests.
    lesion_proportion_pct : tuple of float
        Of procedural chests; drawn evenly on a log scale.
    clear_of_solid : float
        Share of the procedural chests without solid component.
    solid_fraction : tuple of float
        Of the other procedural chests.
    zoom : tuple of float
        A held-out scan is scaled in plane by a factor drawn from this range.
    noise_hu : tuple of float
        Standard deviation of the noise added to a held-out scan, so that its lesions are not free of it.
    """

    slice_spacing_mm: tuple[float, float] = (1.5, 5.0)
    in_plane_mm: float = 1.5
    extent_mm: tuple[float, float, float] = (300.0, 300.0, 384.0)
    lesion_proportion_pct: tuple[float, float] = (0.5, 60.0)
    clear_of_solid: float = 0.2
    solid_fraction: tuple[float, float] = (0.05, 0.7)
    zoom: tuple[float, float] = (0.9, 1.1)
    noise_hu: tuple[float, float] = (5.0, 25.0)


@dataclass(frozen=True)
class SyntheticCase:
    """A chest and its truth.

    Attributes
    ----------
    volume : CTVolume
        int16 HU, standard axial order.
    truth : LabelMap
        On the same grid.
    judged : ndarray of bool
        Where the truth is known; comparisons leave the rest out.
    """

    volume: CTVolume
    truth: LabelMap
    judged: Mask


@dataclass(frozen=True)
class ClearLungs:
    """Lungs without disease in a scan, or in a part of one, in standard axial order.

    Attributes
    ----------
    name : str
    hu : ndarray, shape (slices, rows, columns)
    lung : ndarray of bool
        The clear lungs; those of a diseased side are left out.
    judged : ndarray of bool
        What belongs to the clear lungs or their surroundings.
    spacing_mm : tuple of float
        Along (slice, row, column).
    """

    name: str
    hu: npt.NDArray[np.int16] | npt.NDArray[np.float32]
    lung: Mask
    judged: Mask
    spacing_mm: SpacingMm

    def __post_init__(self) -> None:
        if not self.lung.shape == self.judged.shape == self.hu.shape or not self.lung.any():
            raise ConfigurationError(
                "clear lungs need a lung mask and a judged mask of the scan's shape",
                case=self.name,
                expected=f"shape {self.hu.shape}, some lung",
                found=f"{self.lung.shape} and {self.judged.shape}, {int(self.lung.sum())} lung voxels",
            )


def procedural_case(
    number: int, settings: CaseSettings | None = None, seed: int = EVALUATION_SEED
) -> SyntheticCase:
    """Build procedural chest `number` with lesions of a drawn proportion."""
    rules = settings or CaseSettings()
    rng = np.random.default_rng([seed, number])
    spacing_mm = (float(rng.uniform(*rules.slice_spacing_mm)), rules.in_plane_mm, rules.in_plane_mm)
    slices, rows, columns = (
        max(2, round(length / step)) for length, step in zip(rules.extent_mm, spacing_mm, strict=True)
    )
    chest = chest_phantom(ChestSettings(shape=(slices, rows, columns), spacing_mm=spacing_mm), rng)
    proportion_pct = float(np.exp(rng.uniform(*np.log(rules.lesion_proportion_pct))))
    solid = 0.0 if rng.random() < rules.clear_of_solid else float(rng.uniform(*rules.solid_fraction))
    sick = add_lesions(chest, proportion_pct, solid, rng)
    name = f"procedural-{number:03d}"
    volume = CTVolume(sick.volume.hu, sick.volume.geometry, name)
    return SyntheticCase(volume, sick.labels, np.ones(volume.hu.shape, dtype=np.bool_))


def inserted_case(
    lungs: ClearLungs, number: int, settings: CaseSettings | None = None, seed: int = EVALUATION_SEED
) -> SyntheticCase:
    """Build case `number` of lesions in clear lungs, at a drawn slice spacing, size and noise."""
    rules = settings or CaseSettings()
    rng = np.random.default_rng([seed, number])
    thinnest_mm = min(max(rules.slice_spacing_mm[0], lungs.spacing_mm[0]), rules.slice_spacing_mm[1])
    wanted_mm = float(rng.uniform(thinnest_mm, rules.slice_spacing_mm[1]))
    slices, rows, columns = lungs.hu.shape
    shape = (max(2, min(slices, round(slices * lungs.spacing_mm[0] / wanted_mm))), rows, columns)
    zoom = float(rng.uniform(*rules.zoom))
    spacing_mm = (
        slices * lungs.spacing_mm[0] / shape[0],
        zoom * lungs.spacing_mm[1],
        zoom * lungs.spacing_mm[2],
    )
    lung = resample(lungs.lung, shape) > 0.5
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    hu, labels = insert_lesions(
        _patch(resample(lungs.hu, shape), lung, spacing_mm),
        LesionSettings(clear_probability=0.0),
        generator,
    )
    noise = blur(torch.randn(hu.shape, generator=generator), (0.0, 0.5, 0.5))
    hu = hu + float(rng.uniform(*rules.noise_hu)) * noise / noise.std().clamp_min(1e-6)
    geometry = VolumeGeometry.from_axes(shape, spacing_mm)
    volume = CTVolume(
        hu.round().clamp(-1024, 3071).numpy().astype(np.int16), geometry, f"{lungs.name}-{number:03d}"
    )
    return SyntheticCase(volume, LabelMap(labels.numpy(), geometry), resample(lungs.judged, shape) > 0.5)


def _patch(hu: npt.NDArray[np.float32], lung: Mask, spacing_mm: SpacingMm) -> LungPatch:
    import edt

    depth_mm = edt.edt(lung, anisotropy=spacing_mm).astype(np.float32)
    return LungPatch(torch.from_numpy(hu), torch.from_numpy(lung), torch.from_numpy(depth_mm), spacing_mm)
