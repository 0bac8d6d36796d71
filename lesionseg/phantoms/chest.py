"""A procedural chest CT of random habitus, with its true label map."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import ConfigurationError
from lesionseg.core.labels import Label
from lesionseg.phantoms.anatomy import ChestShapes, chest_shapes, paint_soft_tissue
from lesionseg.phantoms.fields import ChestGrid, Float, blend, centred_grid, inside
from lesionseg.phantoms.habitus import Habitus, HabitusRanges, Range, draw_habitus
from lesionseg.phantoms.skeleton import paint_skeleton, paint_table
from lesionseg.phantoms.texture import parenchyma_hu, scanned
from lesionseg.phantoms.truth import PhantomTruth
from lesionseg.phantoms.vasculature import Tubes, chest_tubes
from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry

AIRWAY_WALL_HU, LUMEN_HU = 0.0, -985.0
LOWEST_HU, HIGHEST_HU = -1024, 3071
"""Range of 12-bit CT numbers."""


@dataclass(frozen=True)
class ChestSettings:
    """How the phantom chest is scanned.

    Attributes
    ----------
    shape : tuple of int
        (slices, rows, columns) of the standard axial grid.
    spacing_mm : tuple of float
        Along (slice, row, column); 340 to 400 mm of both plane axes hold the whole body.
    habitus : HabitusRanges
        From which the patient is drawn.
    noise_hu, sharpness : tuple of float
        Ranges of the noise's standard deviation and of the kernel (0 soft to 1 sharp).
    has_table : bool
        Whether a couch lies under the patient.
    has_circular_field : bool
        Whether the corners outside the reconstruction circle are padded with -1024 HU.
    fine_slice_mm : float
        Thicker slices are averaged from sub-slices at most this thick.
    """

    shape: tuple[int, int, int] = (64, 200, 200)
    spacing_mm: tuple[float, float, float] = (5.0, 1.9, 1.9)
    habitus: HabitusRanges = field(default_factory=HabitusRanges)
    noise_hu: Range = (8.0, 38.0)
    sharpness: Range = (0.0, 0.9)
    has_table: bool = True
    has_circular_field: bool = False
    fine_slice_mm: float = 5.0

    def __post_init__(self) -> None:
        if min(self.shape) < 2 or min(self.spacing_mm) <= 0 or self.fine_slice_mm <= 0:
            raise ConfigurationError(
                "a chest phantom needs at least two voxels per axis and positive spacing",
                found=f"shape {self.shape}, spacing {self.spacing_mm} mm",
            )

    @property
    def sub_slices(self) -> int:
        """How many thin slices are averaged into one."""
        return max(1, int(np.ceil(self.spacing_mm[0] / self.fine_slice_mm - 1e-6)))


@dataclass(frozen=True)
class ChestPhantom:
    """A chest CT and everything that is known about it.

    Attributes
    ----------
    volume : CTVolume
        int16 HU on a standard axial grid; the patient's right lies at low x (low column).
    labels : LabelMap
        The truth. Lung includes the vessels inside it; trachea, main bronchi and hila are outside.
    airways, vessels : ndarray of bool
        Airway lumina, and pulmonary vessels inside the lungs.
    parenchyma : ndarray, float32
        Share of each voxel that is lung tissue proper, 0 to 1.
    pleural_depth_mm : ndarray, float32
        Approximate depth under chest wall and diaphragm, positive in the lungs.
    grid : ChestGrid
        Voxel centres in chest coordinates.
    habitus : Habitus
        The patient.
    """

    volume: CTVolume
    labels: LabelMap
    airways: npt.NDArray[np.bool_]
    vessels: npt.NDArray[np.bool_]
    parenchyma: Float
    pleural_depth_mm: Float
    grid: ChestGrid
    habitus: Habitus

    @property
    def truth(self) -> PhantomTruth:
        """Volumes of the label map."""
        voxel_ml = self.volume.geometry.voxel_volume_ml
        lung = self.labels.lung
        right = int((lung & (self.grid.x < 0)).sum())
        total = int(lung.sum())
        return PhantomTruth(
            lung_ml=total * voxel_ml,
            right_lung_ml=right * voxel_ml,
            left_lung_ml=(total - right) * voxel_ml,
            lesion_ml=int(self.labels.lesion.sum()) * voxel_ml,
            solid_ml=int(self.labels.solid.sum()) * voxel_ml,
        )


def chest_phantom(
    settings: ChestSettings,
    rng: np.random.Generator,
    scan_rng: np.random.Generator | None = None,
) -> ChestPhantom:
    """Build a healthy chest.

    Parameters
    ----------
    settings : ChestSettings
        Grid, ranges of habitus and image quality.
    rng : numpy.random.Generator
        Draws the patient; the same state gives the same body on every grid.
    scan_rng : numpy.random.Generator, optional
        Draws kernel and noise; give each visit of one patient its own. Default: taken from `rng`.
    """
    habitus_rng, shape_rng, tissue_rng, tube_rng, lung_rng, own_scan_rng = rng.spawn(6)
    scan_rng = own_scan_rng if scan_rng is None else scan_rng
    habitus = draw_habitus(settings.habitus, habitus_rng)
    middle_mm = 0.5 * (habitus.dome_to_apex_mm + habitus.lung_bottom_mm)
    count = settings.sub_slices
    fine_shape = (settings.shape[0] * count, *settings.shape[1:])
    fine_spacing = (settings.spacing_mm[0] / count, *settings.spacing_mm[1:])
    grid = centred_grid(fine_shape, fine_spacing, middle_mm)
    shapes = chest_shapes(grid, habitus, shape_rng)
    tubes = chest_tubes(grid, shapes, habitus, tube_rng)
    hu, lung, parenchyma = _tissue_map(grid, shapes, tubes, habitus, (tissue_rng, lung_rng))
    if settings.has_table:
        paint_table(hu, grid, habitus, scan_rng)
    maps = [hu, lung, parenchyma, tubes.airways, tubes.vessels * lung]
    maps.append(np.minimum(-shapes.cavity, shapes.above_diaphragm_mm))
    thick = [_averaged(part, count) for part in maps]
    return _phantom(
        thick, centred_grid(settings.shape, settings.spacing_mm, middle_mm), habitus, settings, scan_rng
    )


def _tissue_map(
    grid: ChestGrid,
    shapes: ChestShapes,
    tubes: Tubes,
    habitus: Habitus,
    rngs: tuple[np.random.Generator, np.random.Generator],
) -> tuple[Float, Float, Float]:
    """HU of all tissues, share of lung, share of lung tissue proper."""
    hu = paint_soft_tissue(grid, shapes, habitus, rngs[0])
    blend(hu, tubes.great_vessels * inside(shapes.body + 10, grid.edge_mm), habitus.vessel_hu)
    paint_skeleton(hu, grid, shapes, habitus)
    lung = inside(np.minimum(shapes.right_lung, shapes.left_lung), grid.edge_mm)
    blend(hu, lung, parenchyma_hu(grid, shapes, habitus, rngs[1]))
    blend(hu, lung * tubes.vessels, habitus.blood_hu + 0.8 * habitus.contrast_hu)
    within = inside(shapes.body + 10, grid.edge_mm)
    blend(hu, tubes.airway_walls * within, AIRWAY_WALL_HU)
    blend(hu, tubes.airways * within, LUMEN_HU)
    parenchyma = lung * (1 - tubes.vessels) * (1 - tubes.airway_walls)
    return hu, lung, parenchyma


def _phantom(
    maps: list[Float],
    grid: ChestGrid,
    habitus: Habitus,
    settings: ChestSettings,
    rng: np.random.Generator,
) -> ChestPhantom:
    hu, lung, parenchyma, airways, vessels, depth = maps
    sharpness, noise_hu = rng.uniform(*settings.sharpness), rng.uniform(*settings.noise_hu)
    image = scanned(hu, float(sharpness), float(noise_hu), rng)
    if settings.has_circular_field:
        outside = grid.x**2 + grid.y**2 > min(-grid.x.flat[0], -grid.y.flat[0]) ** 2
        image[:, outside[0]] = LOWEST_HU
    geometry = VolumeGeometry.from_axes(
        settings.shape,
        settings.spacing_mm,
        (float(grid.x.flat[0]), float(grid.y.flat[0]), float(grid.z.flat[0])),
    )
    volume = CTVolume(
        np.rint(np.clip(image, LOWEST_HU, HIGHEST_HU)).astype(np.int16), geometry, "chest phantom"
    )
    labels = np.where(lung > 0.5, np.uint8(Label.LUNG), np.uint8(Label.BACKGROUND))
    return ChestPhantom(
        volume, LabelMap(labels, geometry), airways > 0.5, vessels > 0.5, parenchyma, depth, grid, habitus
    )


def _averaged(fine: Float, count: int) -> Float:
    if count == 1:
        return fine
    return np.asarray(fine.reshape(-1, count, *fine.shape[1:]).mean(axis=1), np.float32)
