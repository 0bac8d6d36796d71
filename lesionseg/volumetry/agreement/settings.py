"""How label maps are compared."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lesionseg.core.errors import ConfigurationError
from lesionseg.volumetry.agreement.labels import REGIONS, RegionLabels
from lesionseg.volumetry.agreement.surfaces import TOLERANCE_MM


@dataclass(frozen=True)
class ComparisonSettings:
    """How label maps are compared.

    Attributes
    ----------
    prediction_labels, reference_labels : RegionLabels
        What the values mean.
    regions : tuple of str
        Of `REGIONS`; empty for all that both label maps tell.
    tolerance_mm : float
        Of the surface Dice.

    Raises
    ------
    ConfigurationError
        If a region is unknown or not told by both, or the tolerance is negative.
    """

    prediction_labels: RegionLabels = field(default_factory=RegionLabels)
    reference_labels: RegionLabels = field(default_factory=RegionLabels)
    regions: tuple[str, ...] = ()
    tolerance_mm: float = TOLERANCE_MM

    def __post_init__(self) -> None:
        missing = [name for name in self.regions if name not in self.told]
        if missing or not self.told:
            raise ConfigurationError(
                "the label maps do not both tell the regions to compare",
                expected=", ".join(self.told) or "a region that both name",
                found=", ".join(missing) or f"{self.prediction_labels} against {self.reference_labels}",
                remedy="Choose other --regions, or say what the values mean with --reference-labels",
            )
        if not (np.isfinite(self.tolerance_mm) and self.tolerance_mm >= 0):
            raise ConfigurationError("the tolerance must be 0 mm or more", found=f"{self.tolerance_mm:g} mm")

    @property
    def told(self) -> tuple[str, ...]:
        """Regions that both label maps tell."""
        both = set(self.prediction_labels.regions) & set(self.reference_labels.regions)
        return tuple(name for name in REGIONS if name in both)

    @property
    def compared(self) -> tuple[str, ...]:
        """Regions that are compared, in the order of `REGIONS`."""
        return tuple(name for name in self.told if not self.regions or name in self.regions)
