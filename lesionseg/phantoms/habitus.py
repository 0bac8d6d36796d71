"""The build of one phantom patient: drawn from ranges, then fixed, so that visits share it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

Range = tuple[float, float]


@dataclass(frozen=True)
class HabitusRanges:
    """Lower and upper bound of every measure of the body; each is drawn uniformly.

    Lengths in mm, attenuation in HU, probabilities 0 to 1. The defaults span adults lying supine with
    arms raised, at full inspiration.
    """

    cavity_half_width_mm: Range = (112.0, 140.0)
    cavity_half_depth_mm: Range = (80.0, 106.0)
    dome_to_apex_mm: Range = (145.0, 200.0)
    recess_depth_mm: Range = (26.0, 52.0)
    left_dome_drop_mm: Range = (2.0, 22.0)
    fat_mm: Range = (4.0, 26.0)
    muscle_mm: Range = (14.0, 24.0)
    heart_scale: Range = (0.85, 1.15)
    rib_period_mm: Range = (23.0, 30.0)
    bone_density: Range = (0.6, 1.2)
    lung_hu: Range = (-890.0, -825.0)
    gravity_hu: Range = (15.0, 75.0)
    blood_hu: Range = (32.0, 50.0)
    contrast_hu: Range = (90.0, 260.0)
    contrast_probability: float = 0.35
    breast_probability: float = 0.45
    stomach_gas_probability: float = 0.6
    dependent_density_probability: float = 0.35
    emphysema_probability: float = 0.15


@dataclass(frozen=True)
class Habitus:
    """One patient's body; the meaning of each measure is that of `HabitusRanges`."""

    cavity_half_width_mm: float
    cavity_half_depth_mm: float
    dome_to_apex_mm: float
    recess_depth_mm: float
    left_dome_drop_mm: float
    fat_mm: float
    muscle_mm: float
    heart_scale: float
    rib_period_mm: float
    bone_density: float
    lung_hu: float
    gravity_hu: float
    blood_hu: float
    contrast_hu: float
    has_breasts: bool
    has_stomach_gas: bool
    has_dependent_density: bool
    has_emphysema: bool

    @property
    def lung_bottom_mm(self) -> float:
        """Height of the deep recess behind the dome; 0 is the top of the right diaphragm."""
        return -1.7 * self.recess_depth_mm

    @property
    def vessel_hu(self) -> float:
        """Attenuation of blood, contrast medium included."""
        return self.blood_hu + self.contrast_hu


_FLAGS = {
    "has_breasts": "breast_probability",
    "has_stomach_gas": "stomach_gas_probability",
    "has_dependent_density": "dependent_density_probability",
    "has_emphysema": "emphysema_probability",
}


def draw_habitus(ranges: HabitusRanges, rng: np.random.Generator) -> Habitus:
    """Draw one patient; the same generator state gives the same patient."""
    measures = {
        field.name: float(rng.uniform(*getattr(ranges, field.name)))
        for field in fields(ranges)
        if not field.name.endswith("_probability")
    }
    if rng.random() >= ranges.contrast_probability:
        measures["contrast_hu"] = 0.0
    flags = {name: bool(rng.random() < getattr(ranges, source)) for name, source in _FLAGS.items()}
    return Habitus(
        **measures,
        has_breasts=flags["has_breasts"],
        has_stomach_gas=flags["has_stomach_gas"],
        has_dependent_density=flags["has_dependent_density"],
        has_emphysema=flags["has_emphysema"],
    )
