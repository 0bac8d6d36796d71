"""Measurements as a case folder records them: what is exported are those figures, not new ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lesionseg.core.confidence import Confidence, ProportionDoubt, ScanFigure
from lesionseg.volumetry import Measurements, MeasurementSettings
from lesionseg.volumetry.components import LesionComponents
from lesionseg.volumetry.density import DenseLesion, HUStatistics
from lesionseg.volumetry.quality import QualityFlag, Severity
from lesionseg.volumetry.regions import WHOLE, RegionMeasure
from lesionseg.volumetry.results import Grid
from lesionseg.volumetry.settings import QualityLimits
from lesionseg.volumetry.severity import SeverityScore

Block = Mapping[str, Any]


def measurements_from(content: Block) -> Measurements:
    """Turn what `Measurements.as_dict` gave back into measurements.

    Every figure is the same; ends of intervals may differ in the last binary digit.
    """
    regions = {name: RegionMeasure(**_figures(block)) for name, block in content["regions"].items()}
    density = content["density"]
    return Measurements(
        case=content["case"],
        grid=Grid(**content["grid"]),
        settings=_settings(content["settings"]),
        regions=regions,
        lung_density=HUStatistics(**_figures(density["lung"])),
        lesion_density=HUStatistics(**_figures(density["lesion"])),
        lesion_mass_g=density["lesion_mass_g"],
        dense_lesion=DenseLesion(**_figures(content["dense_lesion"], "threshold_hu")),
        components=LesionComponents(**content["components"]),
        severity=SeverityScore(content["severity"]["zone_grades_0_4"]),
        confidence=_confidence(content["confidence"], regions[WHOLE]),
        flags=tuple(
            QualityFlag(**{**flag, "severity": Severity(flag["severity"])}) for flag in content["flags"]
        ),
    )


def _figures(block: Block, *derived: str) -> dict[str, Any]:
    return {name: value for name, value in block.items() if name not in ("missing", *derived)}


def _settings(block: Block) -> MeasurementSettings:
    limits: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in block["quality"].items()
    }
    return MeasurementSettings(**{**block, "quality": QualityLimits(**limits)})


def _confidence(block: Block, whole: RegionMeasure) -> Confidence | None:
    if block["interval_basis"] is None:
        return None
    return Confidence(
        lesion=_doubt(block, "lesion", whole.lesion_proportion_pct),
        solid=_doubt(block, "solid", whole.solid_proportion_pct),
        figures=tuple(ScanFigure(**figure) for figure in block["figures"]),
        interval_basis=block["interval_basis"],
        reference=block["reference"],
        missing_reason=block["missing"].get("ood_score", ""),
    )


def _doubt(block: Block, part: str, value_pct: float | None) -> ProportionDoubt:
    if value_pct is None:
        return ProportionDoubt(0.0, 0.0)
    low, high, expected = (block[f"{part}_proportion_{end}_pct"] for end in ("low", "high", "expected"))
    return ProportionDoubt(value_pct - low, high - value_pct, expected - value_pct)
