"""Figures of the classical methods."""

from __future__ import annotations

from dataclasses import dataclass, fields

from lesionseg.core.errors import ConfigurationError


@dataclass(frozen=True)
class ClassicalSettings:
    """Thresholds in HU, lengths in mm.

    The lengths were chosen on procedural chests of two seeds with 0, 5 and 25 % lesion, and on one real scan
    without lesions, among opening at -500, -600 and -700 HU with radii of 3, 5 and 7 mm and by the ridge
    filter of Sato et al. (1998): opening left a tenth of the false lesion and took a tenth of the time.

    Attributes
    ----------
    lesion_hu : float
        Lesion begins here: 2.2 standard deviations above healthy lung in the mixture of
        `lesionseg.segmentation.classical.mixture`.
    solid_hu : float
        Solid component begins here.
    smoothing_mm : float
        Standard deviation of the Gaussian, within the lungs, before thresholds.
    vessel_hu, vessel_radius_mm : float
        What lies above this value and is nowhere thicker than twice this radius counts as vessel.
    vessel_halo_mm : float
        Rim of partial volume that goes with a vessel.
    thinnest_radius_mm : float
        Lesion must somewhere be as thick as twice this; takes out walls, fissures and the pleural rim. So
        must solid component, which takes out vessels within ground glass.
    surroundings_mm : float
        How far around a vessel decides whether it runs through lesion.
    smallest_mm3, smallest_mm2 : float
        Smaller lesions go; the second for a single slice given as a plane.
    """

    lesion_hu: float = -700.0
    solid_hu: float = -300.0
    smoothing_mm: float = 1.0
    vessel_hu: float = -600.0
    vessel_radius_mm: float = 5.0
    vessel_halo_mm: float = 2.0
    thinnest_radius_mm: float = 3.0
    surroundings_mm: float = 5.0
    smallest_mm3: float = 100.0
    smallest_mm2: float = 30.0

    def __post_init__(self) -> None:
        negative = [
            field.name
            for field in fields(self)
            if not field.name.endswith("_hu") and not getattr(self, field.name) >= 0
        ]
        if negative or not self.lesion_hu < self.solid_hu:
            raise ConfigurationError(
                "the settings of a classical method make no sense",
                expected="lengths of 0 or more, and lesion_hu below solid_hu",
                found=", ".join(negative) or f"lesion_hu {self.lesion_hu:g}, solid_hu {self.solid_hu:g}",
            )
