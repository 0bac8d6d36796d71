"""What the comparison of one region of one case gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

BOTH_EMPTY, PREDICTION_EMPTY, REFERENCE_EMPTY = "both-empty", "prediction-empty", "reference-empty"
LUNG_NOT_COMPARED, IS_THE_LUNG = "lung-not-compared", "is-the-lung"


@dataclass(frozen=True)
class RegionAgreement:
    """One region of one case.

    Attributes
    ----------
    region : str
    empty : str
        ``both-empty``, ``prediction-empty`` or ``reference-empty``; else empty text.
    dice, surface_dice : float
        0 to 1; 1 where both are empty.
    prediction_ml, reference_ml : float
    prediction_proportion_pct, reference_proportion_pct : float or None
        Share of the lung in the same label map.
    missing : mapping of str to str
        Reason code of every figure that is None.
    """

    region: str
    empty: str
    dice: float
    surface_dice: float
    prediction_ml: float
    reference_ml: float
    prediction_proportion_pct: float | None
    reference_proportion_pct: float | None
    missing: Mapping[str, str]

    @property
    def error_ml(self) -> float:
        """Prediction less reference."""
        return self.prediction_ml - self.reference_ml

    @property
    def error_pct(self) -> float | None:
        """Prediction less reference, in % of the reference; None where that is empty."""
        return 100 * self.error_ml / self.reference_ml if self.reference_ml > 0 else None

    @property
    def proportion_error_points(self) -> float | None:
        """Prediction less reference, in percentage points of the lung."""
        if self.prediction_proportion_pct is None or self.reference_proportion_pct is None:
            return None
        return self.prediction_proportion_pct - self.reference_proportion_pct

    def as_row(self) -> dict[str, float | str | None]:
        """Return one flat row; its last column says why figures are missing, as column=reason."""
        return {
            "region": self.region,
            "empty": self.empty,
            "dice": self.dice,
            "surface_dice": self.surface_dice,
            "prediction_ml": self.prediction_ml,
            "reference_ml": self.reference_ml,
            "error_ml": self.error_ml,
            "error_pct": self.error_pct,
            "prediction_proportion_pct": self.prediction_proportion_pct,
            "reference_proportion_pct": self.reference_proportion_pct,
            "proportion_error_points": self.proportion_error_points,
            "missing": "; ".join(f"{name}={reason}" for name, reason in self.missing.items()),
        }
