"""What a phantom truly holds, in ml."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PhantomTruth:
    """Known volumes of a phantom.

    Attributes
    ----------
    lung_ml, right_lung_ml, left_lung_ml : float
        Lungs, lesions included; right is the patient's right (low x in LPS).
    lesion_ml, solid_ml : float
        Whole lesion, and its solid part.
    """

    lung_ml: float
    right_lung_ml: float
    left_lung_ml: float
    lesion_ml: float
    solid_ml: float

    @property
    def lesion_proportion_pct(self) -> float | None:
        """Lesion in percent of lung; None without lung."""
        return 100 * self.lesion_ml / self.lung_ml if self.lung_ml else None

    @property
    def solid_proportion_pct(self) -> float | None:
        """Solid component in percent of lung; None without lung."""
        return 100 * self.solid_ml / self.lung_ml if self.lung_ml else None
