"""Ground glass and consolidation of a requested proportion in a phantom chest."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import ConfigurationError
from lesionseg.core.labels import Label
from lesionseg.phantoms.chest import HIGHEST_HU, LOWEST_HU, ChestPhantom
from lesionseg.phantoms.fields import Float, ellipsoid_depth, smooth_field
from lesionseg.phantoms.habitus import Range

LARGEST_PROPORTION_PCT = 95.0


@dataclass(frozen=True)
class LesionSettings:
    """What the lesions look like; each range is drawn uniformly once per patient.

    Attributes
    ----------
    focus_count : tuple of int
        Number of foci.
    focus_radius_mm : tuple of float
        Radius of a focus at full size.
    peripheral_weight, basal_weight : float
        How strongly foci prefer the pleura and the bases; 0 for no preference.
    ground_glass_hu, solid_hu : tuple of float
        Attenuation of the two kinds of tissue.
    edge_width : tuple of float
        Softness of the border in units of the lesion field; 0.1 sharp to 0.4 hazy.
    """

    focus_count: tuple[int, int] = (5, 22)
    focus_radius_mm: Range = (12.0, 48.0)
    peripheral_weight: float = 1.0
    basal_weight: float = 0.6
    ground_glass_hu: Range = (-650.0, -450.0)
    solid_hu: Range = (-180.0, 40.0)
    edge_width: Range = (0.1, 0.35)


def add_lesions(
    chest: ChestPhantom,
    lesion_proportion_pct: float,
    solid_fraction: float,
    rng: np.random.Generator,
    settings: LesionSettings | None = None,
) -> ChestPhantom:
    """Put lesions into a chest.

    A smooth random field ranks all lung voxels; the highest ranks become lesion, and the highest of a second
    field within them solid. The same generator state gives the same fields, so that a smaller proportion is
    the same disease shrunk: the visits of one patient.

    Parameters
    ----------
    chest : ChestPhantom
        A healthy chest; lesions already there are replaced in the labels.
    lesion_proportion_pct : float
        100 · lesion / lung to reach, 0 to 95; met to the voxel.
    solid_fraction : float
        Solid share of the lesion, 0 to 1; met to the voxel.
    rng : numpy.random.Generator
        Draws place and look of the lesions.
    settings : LesionSettings, optional
        Ranges of place and look.

    Raises
    ------
    ConfigurationError
        If a proportion lies outside its range.
    """
    _check(lesion_proportion_pct, solid_fraction)
    settings = settings or LesionSettings()
    focus_rng, solid_rng, look_rng = rng.spawn(3)
    lung = chest.labels.lung
    field = _lesion_field(chest, settings, focus_rng)
    core = field + 0.45 * smooth_field(chest.grid, solid_rng, 16.0)
    count = round(float(lung.sum()) * lesion_proportion_pct / 100)
    lesion, margin = _top(field, lung, count)
    solid, solid_margin = _top(core, lesion, round(count * solid_fraction))
    labels = np.where(lung, np.uint8(Label.LUNG), np.uint8(Label.BACKGROUND))
    labels[lesion] = Label.NON_SOLID
    labels[solid] = Label.SOLID
    hu = _with_tissue(chest, (margin, solid_margin), settings, look_rng) if count else chest.volume.hu
    return replace(chest, volume=replace(chest.volume, hu=hu), labels=replace(chest.labels, labels=labels))


def _check(lesion_proportion_pct: float, solid_fraction: float) -> None:
    if not 0 <= lesion_proportion_pct <= LARGEST_PROPORTION_PCT:
        raise ConfigurationError(
            "the lesion proportion is out of range",
            expected=f"0 to {LARGEST_PROPORTION_PCT} %",
            found=f"{lesion_proportion_pct} %",
        )
    if not 0 <= solid_fraction <= 1:
        raise ConfigurationError(
            "the solid fraction is out of range", expected="0 to 1", found=str(solid_fraction)
        )


def _lesion_field(chest: ChestPhantom, settings: LesionSettings, rng: np.random.Generator) -> Float:
    """Rank of every voxel for disease: foci, roughened, with a leaning to the pleura and the bases."""
    rough_rng, fine_rng, focus_rng = rng.spawn(3)
    grid, height = chest.grid, chest.habitus.dome_to_apex_mm
    near_pleura = np.exp(-np.clip(chest.pleural_depth_mm, 0, 80) / np.float32(22))
    low = np.clip(0.6 - grid.z / np.float32(height), 0, 1.2)
    place = settings.peripheral_weight * near_pleura + settings.basal_weight * low
    field = (
        0.35 * place + 0.24 * smooth_field(grid, rough_rng, 20.0) + 0.16 * smooth_field(grid, fine_rng, 8.0)
    )
    field = np.asarray(field, np.float32)
    weight = np.asarray(chest.labels.lung * np.exp(2.2 * place), np.float64).ravel()
    if not weight.any():
        return field
    centres = _foci(
        weight,
        chest,
        int(focus_rng.integers(settings.focus_count[0], settings.focus_count[1] + 1)),
        focus_rng,
    )
    for centre in centres:
        radii = focus_rng.uniform(*settings.focus_radius_mm) * focus_rng.uniform(0.7, 1.3, 3)
        box = grid.box(centre - 1.6 * radii, centre + 1.6 * radii)
        if box is not None:
            depth = ellipsoid_depth(grid.sub(box), centre, radii) / np.float32(radii.min())
            field[box] += 1.1 * np.clip(0.6 - depth, 0, 1.6)
    return field


def _foci(
    weight: npt.NDArray[np.float64], chest: ChestPhantom, count: int, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Centres (z, y, x) in mm drawn with a weight per voxel."""
    total = np.cumsum(weight)
    picks = np.searchsorted(total, rng.random(count) * total[-1])
    index = np.unravel_index(picks, chest.grid.shape)
    axes = (chest.grid.z, chest.grid.y, chest.grid.x)
    return np.stack([axis.ravel()[i].astype(np.float64) for axis, i in zip(axes, index, strict=True)], axis=1)


def _top(field: Float, within: npt.NDArray[np.bool_], count: int) -> tuple[npt.NDArray[np.bool_], Float]:
    """Mark the `count` highest voxels of a region; also how far every voxel lies above the lowest marked."""
    chosen = np.zeros(field.shape, np.bool_)
    if count == 0:
        return chosen, np.full(field.shape, -np.inf, np.float32)
    index = np.flatnonzero(within)
    values = field.ravel()[index]
    ranked = np.argpartition(values, len(values) - count)[len(values) - count :]
    chosen.ravel()[index[ranked]] = True
    return chosen, np.asarray(field - values[ranked].min(), np.float32)


def _with_tissue(
    chest: ChestPhantom,
    margins: tuple[Float, Float],
    settings: LesionSettings,
    rng: np.random.Generator,
) -> npt.NDArray[np.int16]:
    texture_rng, draw = rng.spawn(2)
    width = np.float32(draw.uniform(*settings.edge_width))
    texture = smooth_field(chest.grid, texture_rng, 7.0)
    glass = np.float32(draw.uniform(*settings.ground_glass_hu)) + 25 * texture
    glass += 70 * np.clip(margins[0] - 2 * width, 0, 1)
    solid = np.float32(draw.uniform(*settings.solid_hu)) + 20 * texture
    share_lesion = np.clip(margins[0] / width + 0.5, 0, 1)
    share_solid = np.clip(margins[1] / (0.7 * width) + 0.5, 0, 1) * share_lesion
    target = share_lesion * (glass - chest.habitus.lung_hu) + share_solid * (solid - glass)
    hu = chest.volume.hu + chest.parenchyma * target
    return np.asarray(np.rint(np.clip(hu, LOWEST_HU, HIGHEST_HU)), np.int16)
