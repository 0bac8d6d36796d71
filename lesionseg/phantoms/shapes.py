"""Geometric phantoms: ellipsoids of exactly known volume on any grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import ConfigurationError
from lesionseg.core.labels import Label
from lesionseg.phantoms.truth import PhantomTruth
from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry

MM3_PER_ML = 1000.0


@dataclass(frozen=True)
class Ellipsoid:
    """Solid ellipsoid with axes along the patient's.

    Attributes
    ----------
    centre_lps_mm, radii_mm : tuple of float
        Along (x, y, z).
    """

    centre_lps_mm: tuple[float, float, float]
    radii_mm: tuple[float, float, float]

    def __post_init__(self) -> None:
        if min(self.radii_mm) <= 0:
            raise ConfigurationError("an ellipsoid needs positive radii", found=str(self.radii_mm))

    @property
    def volume_ml(self) -> float:
        """4/3 π abc."""
        return float(4 / 3 * np.pi * np.prod(self.radii_mm) / MM3_PER_ML)


def sphere(centre_lps_mm: tuple[float, float, float], radius_mm: float) -> Ellipsoid:
    """Ellipsoid with three equal radii."""
    return Ellipsoid(centre_lps_mm, (radius_mm, radius_mm, radius_mm))


@dataclass(frozen=True)
class GeometricPhantomSettings:
    """What a geometric phantom holds.

    Attributes
    ----------
    geometry : VolumeGeometry
        Any grid: axial, oblique, reversed, anisotropic.
    lungs, lesions, solids : tuple of Ellipsoid
        Disjoint within each kind; lesions inside lungs, solids inside lesions, lungs inside the grid.
        Lungs whose centre has x < 0 are right.
    body : Ellipsoid, optional
        Soft tissue around; without it the whole grid is soft tissue.
    outside_hu, body_hu, lung_hu, non_solid_hu, solid_hu : int
        Attenuation of the parts.
    """

    geometry: VolumeGeometry
    lungs: tuple[Ellipsoid, ...]
    lesions: tuple[Ellipsoid, ...] = ()
    solids: tuple[Ellipsoid, ...] = ()
    body: Ellipsoid | None = None
    outside_hu: int = -1000
    body_hu: int = 40
    lung_hu: int = -860
    non_solid_hu: int = -600
    solid_hu: int = 0


@dataclass(frozen=True)
class Phantom:
    """A volume, its perfect label map (voxel centres inside the shapes) and its analytic truth."""

    volume: CTVolume
    labels: LabelMap
    truth: PhantomTruth


def geometric_phantom(settings: GeometricPhantomSettings) -> Phantom:
    """Draw the shapes and state their analytic volumes.

    Raises
    ------
    ConfigurationError
        If shapes of one kind overlap, are not nested as required, or touch the border of the grid.
    """
    points = _voxel_centres(settings.geometry)
    lung, lesion, solid = (
        _union(points, shapes, name)
        for shapes, name in (
            (settings.lungs, "lungs"),
            (settings.lesions, "lesions"),
            (settings.solids, "solids"),
        )
    )
    _check_nesting(lung, lesion, solid)
    labels = lung.astype(np.uint8) * np.uint8(Label.LUNG)
    labels[lesion], labels[solid] = Label.NON_SOLID, Label.SOLID
    table = [settings.body_hu, settings.lung_hu, settings.non_solid_hu, settings.solid_hu]
    hu = np.asarray(table, np.int16)[labels]
    if settings.body is not None:
        hu[~(_inside(points, settings.body) | lung)] = settings.outside_hu
    return Phantom(
        CTVolume(hu, settings.geometry, "geometric phantom"),
        LabelMap(labels, settings.geometry),
        _truth(settings),
    )


def _truth(settings: GeometricPhantomSettings) -> PhantomTruth:
    right = sum(shape.volume_ml for shape in settings.lungs if shape.centre_lps_mm[0] < 0)
    total = sum(shape.volume_ml for shape in settings.lungs)
    return PhantomTruth(
        lung_ml=total,
        right_lung_ml=right,
        left_lung_ml=total - right,
        lesion_ml=sum(shape.volume_ml for shape in settings.lesions),
        solid_ml=sum(shape.volume_ml for shape in settings.solids),
    )


def _voxel_centres(geometry: VolumeGeometry) -> list[npt.NDArray[np.float64]]:
    """LPS x, y and z of every voxel centre, each shaped like the grid."""
    index = np.indices(geometry.shape, dtype=np.float64, sparse=True)
    return [
        sum(geometry.affine[row, axis] * index[axis] for axis in range(3)) + geometry.affine[row, 3]
        for row in range(3)
    ]


def _inside(points: list[npt.NDArray[np.float64]], shape: Ellipsoid) -> npt.NDArray[np.bool_]:
    radius2 = sum(
        ((point - centre) / radius) ** 2
        for point, centre, radius in zip(points, shape.centre_lps_mm, shape.radii_mm, strict=True)
    )
    return np.asarray(radius2 <= 1)


def _union(
    points: list[npt.NDArray[np.float64]], shapes: tuple[Ellipsoid, ...], name: str
) -> npt.NDArray[np.bool_]:
    union = np.zeros(points[0].shape, np.bool_)
    for shape in shapes:
        mask = _inside(points, shape)
        if (union & mask).any():
            raise ConfigurationError(f"two {name} of the phantom overlap", remedy="Move them apart")
        union |= mask
    return union


def _check_nesting(
    lung: npt.NDArray[np.bool_], lesion: npt.NDArray[np.bool_], solid: npt.NDArray[np.bool_]
) -> None:
    if (lesion & ~lung).any() or (solid & ~lesion).any():
        raise ConfigurationError(
            "the phantom's shapes are not nested", expected="solid inside lesion inside lung"
        )
    for axis in range(3):
        if lung.take([0, -1], axis=axis).any():
            raise ConfigurationError(
                "a lung of the phantom touches the border of the grid",
                remedy="Enlarge the grid or move the lung",
            )
