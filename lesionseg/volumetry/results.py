"""What a measurement gives: nested for JSON, flat for a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from lesionseg.core.confidence import Confidence
from lesionseg.volumetry.certainty import Certainty, certainty_of
from lesionseg.volumetry.components import LesionComponents
from lesionseg.volumetry.density import DenseLesion, HUStatistics
from lesionseg.volumetry.quality import QualityFlag, Severity
from lesionseg.volumetry.regions import NO_LUNG, REGIONS, WHOLE, RegionMeasure
from lesionseg.volumetry.settings import MeasurementSettings
from lesionseg.volumetry.severity import SeverityScore

Cell = float | int | str | None
"""A value of a flat row; None is a missing value."""


@dataclass(frozen=True)
class Grid:
    """The voxels that were counted: spacing along (slice, row, column) of the standard axial order."""

    slice_spacing_mm: float
    row_spacing_mm: float
    column_spacing_mm: float
    voxel_volume_ml: float


@dataclass(frozen=True)
class Measurements:
    """All figures of one scan and its label map.

    Attributes
    ----------
    case : str
        What the scan is called.
    grid : Grid
        The voxels.
    settings : MeasurementSettings
        How it was measured.
    regions : mapping of str to RegionMeasure
        ``whole``, ``right``, ``left``, ``apical``, ``middle``, ``basal`` and the six zones such as
        ``right_apical``.
    lung_density, lesion_density : HUStatistics
        HU of the lung, lesions included, and of the lesion.
    lesion_mass_g : float
        Mass of the lesion.
    dense_lesion : DenseLesion
        Lesion at or above ``settings.threshold_hu`` after smoothing.
    components : LesionComponents
        Pieces of lesion.
    severity : SeverityScore
        Six-zone score.
    confidence : Confidence or None
        What the segmenter says of itself; None for a reader's labels.
    flags : tuple of QualityFlag
        Worst first.
    """

    case: str
    grid: Grid
    settings: MeasurementSettings
    regions: Mapping[str, RegionMeasure] = field(
        default_factory=lambda: {name: RegionMeasure() for name in REGIONS}
    )
    lung_density: HUStatistics = field(default_factory=HUStatistics)
    lesion_density: HUStatistics = field(default_factory=HUStatistics)
    lesion_mass_g: float = 0.0
    dense_lesion: DenseLesion = field(default_factory=DenseLesion)
    components: LesionComponents = field(default_factory=LesionComponents)
    severity: SeverityScore = field(default_factory=SeverityScore)
    confidence: Confidence | None = None
    flags: tuple[QualityFlag, ...] = ()

    @property
    def whole(self) -> RegionMeasure:
        """Both lungs together."""
        return self.regions[WHOLE]

    @property
    def certainty(self) -> Certainty:
        """Interval around the proportions, and the out-of-distribution score."""
        return certainty_of(self.whole, self.confidence)

    @property
    def missing(self) -> dict[str, str]:
        """Reason code of every missing value, by its column in `as_row`."""
        reasons: dict[str, str] = {}
        for name, region in self.regions.items():
            reasons |= {column(name, key): reason for key, reason in region.missing.items()}
        for name, density in (("lung", self.lung_density), ("lesion", self.lesion_density)):
            reasons |= {f"{name}_{key}": reason for key, reason in density.missing.items()}
        if self.dense_lesion.dense_lesion_proportion_pct is None:
            reasons["dense_lesion_proportion_pct"] = NO_LUNG
        return reasons | self.severity.missing | self.certainty.missing

    @property
    def worst_severity(self) -> Severity | None:
        """Severity of the worst flag; None without flags."""
        return self.flags[0].severity if self.flags else None

    def as_dict(self) -> dict[str, Any]:
        """Return everything as nested plain JSON types; each block lists why its values are missing.

        A value that cannot be had is None, and the block's ``missing`` maps its name to a reason code.
        """
        return {
            "case": self.case,
            "grid": asdict(self.grid),
            "settings": asdict(self.settings),
            "regions": {
                name: {**asdict(region), "missing": region.missing} for name, region in self.regions.items()
            },
            "density": {
                "lung": {**asdict(self.lung_density), "missing": self.lung_density.missing},
                "lesion": {**asdict(self.lesion_density), "missing": self.lesion_density.missing},
                "lesion_mass_g": self.lesion_mass_g,
            },
            "dense_lesion": {
                "threshold_hu": self.settings.threshold_hu,
                **asdict(self.dense_lesion),
                "missing": {key: why for key, why in self.missing.items() if key.startswith("dense_lesion")},
            },
            "components": asdict(self.components),
            "severity": {
                "six_zone_score_0_24": self.severity.six_zone_score_0_24,
                "zone_grades_0_4": dict(self.severity.zone_grades_0_4),
                "missing": self.severity.missing,
            },
            "confidence": self._confidence_block(),
            "flags": [flag.as_dict() for flag in self.flags],
        }

    def _confidence_block(self) -> dict[str, Any]:
        said = self.confidence
        return {
            **self.certainty.cells,
            "interval_basis": said.interval_basis if said else None,
            "reference": said.reference if said else None,
            "figures": [asdict(figure) for figure in said.figures] if said else [],
            "missing": self.certainty.missing,
        }

    def as_row(self) -> dict[str, Cell]:
        """Return one flat row; its keys are those of `columns.COLUMNS`, always all of them in that order."""
        row: dict[str, Cell] = {"case": self.case}
        for name, region in self.regions.items():
            row |= {column(name, key): value for key, value in asdict(region).items()}
        for name, density in (("lung", self.lung_density), ("lesion", self.lesion_density)):
            row |= {f"{name}_{key}": value for key, value in asdict(density).items()}
        row["lesion_mass_g"] = self.lesion_mass_g
        row |= asdict(self.dense_lesion) | asdict(self.components)
        row["six_zone_score_0_24"] = self.severity.six_zone_score_0_24
        row |= {f"{zone}_grade_0_4": grade for zone, grade in self.severity.zone_grades_0_4.items()}
        row |= self.certainty.cells
        row |= asdict(self.grid)
        row["threshold_hu"] = self.settings.threshold_hu
        row["smoothing_sigma_mm"] = self.settings.smoothing_sigma_mm
        row["minimum_lesion_ml"] = self.settings.minimum_lesion_ml
        row["worst_flag"] = str(self.worst_severity or "none")
        row["flags"] = "; ".join(f"{flag.code}={flag.severity}" for flag in self.flags)
        row["missing"] = "; ".join(f"{name}={reason}" for name, reason in self.missing.items())
        return row


def column(region: str, name: str) -> str:
    """Name of a region's figure in a flat row: the whole lung's stands bare, others lead with the region."""
    return name if region == WHOLE else f"{region}_{name}"
