"""A chest of ellipsoids in the patient's own coordinates, so that it can be laid on any grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lesionseg.core.labels import Label
from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry

GRID = VolumeGeometry.from_axes((72, 60, 84), (4.0, 4.0, 4.0), (-166.0, -118.0, -142.0))
"""Around the chest, with air on all sides; LPS 0 lies in its middle."""


@dataclass(frozen=True)
class Ellipsoid:
    """Centre and half axes in LPS mm."""

    centre_mm: tuple[float, float, float]
    radii_mm: tuple[float, float, float]

    @property
    def volume_ml(self) -> float:
        return float(4 / 3 * np.pi * np.prod(self.radii_mm) / 1000)

    def mask(self, geometry: VolumeGeometry) -> np.ndarray:
        squares = (
            ((lps - centre) / radius) ** 2
            for lps, centre, radius in zip(_lps(geometry), self.centre_mm, self.radii_mm, strict=True)
        )
        return np.broadcast_to(sum(squares) <= 1, geometry.shape)


def _lps(geometry: VolumeGeometry) -> list[np.ndarray]:
    """LPS x, y and z of all voxels, each no larger than it must be to broadcast to the grid."""
    indices = [
        np.arange(length).reshape(shape)
        for length, shape in zip(geometry.shape, ((-1, 1, 1), (1, -1, 1), (1, 1, -1)), strict=True)
    ]
    return [
        row[3] + sum(step * index for step, index in zip(row[:3], indices, strict=True) if step != 0)
        for row in geometry.affine[:3]
    ]


BODY = Ellipsoid((0, 0, 0), (150, 105, 400))
RIGHT_LUNG = Ellipsoid((-70, 0, 0), (55, 75, 120))
LEFT_LUNG = Ellipsoid((68, 0, 0), (50, 75, 118))
GROUND_GLASS = Ellipsoid((-70, 25, -80), (25, 25, 25))
CONSOLIDATION = Ellipsoid((-70, 25, -80), (13, 13, 13))


@dataclass(frozen=True)
class Chest:
    """A scan and its true label map."""

    volume: CTVolume
    label_map: LabelMap


def chest(
    geometry: VolumeGeometry = GRID,
    lungs: tuple[Ellipsoid, ...] = (RIGHT_LUNG, LEFT_LUNG),
    lesions: tuple[tuple[Ellipsoid, Label], ...] = (
        (GROUND_GLASS, Label.NON_SOLID),
        (CONSOLIDATION, Label.SOLID),
    ),
    acquisition: dict[str, str] | None = None,
) -> Chest:
    """Lay a chest on a grid: air -1000, body 40, lung -850, ground glass -600, consolidation 20 HU."""
    hu = np.full(geometry.shape, -1000, np.int16)
    labels = np.zeros(geometry.shape, np.uint8)
    hu[BODY.mask(geometry)] = 40
    for lung in lungs:
        inside = lung.mask(geometry)
        hu[inside], labels[inside] = -850, Label.LUNG
    for lesion, label in lesions:
        inside = lesion.mask(geometry) & (labels > 0)
        hu[inside], labels[inside] = (-600 if label == Label.NON_SOLID else 20), label
    return Chest(CTVolume(hu, geometry, name="phantom", acquisition=acquisition), LabelMap(labels, geometry))
