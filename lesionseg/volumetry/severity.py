"""The published 0 to 24 CT severity score over six zones, read from the mask.

Ooi et al. 2004 (Radiology 230:836-844, doi 10.1148/radiol.2303030853): each lung has three zones, each zone
is graded by the part of it involved, and the six grades add up to at most 24. Used so for COVID-19 as well,
with the grades 0 %, below 25, 25 to below 50, 50 to below 75, and 75 % or more. Readers part the zones at
the carina and the inferior pulmonary veins; here thirds of the lungs' height stand in, and a grade is a share
of volume, not of area at a glance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lesionseg.volumetry.regions import NO_LUNG, ZONES, RegionMeasure

GRADE_LIMITS_PCT = (25.0, 50.0, 75.0)
ZONE_WITHOUT_LUNG = "zone-without-lung"


@dataclass(frozen=True)
class SeverityScore:
    """Six-zone score.

    Attributes
    ----------
    zone_grades_0_4 : mapping of str to int or None
        Grade of each zone, keyed as `regions.ZONES`; None where the zone holds no lung.
    six_zone_score_0_24 : int or None
        Their sum; None where a grade is missing.
    """

    zone_grades_0_4: Mapping[str, int | None] = field(default_factory=lambda: dict.fromkeys(ZONES))

    @property
    def six_zone_score_0_24(self) -> int | None:
        """Sum of the six grades."""
        grades = [grade for grade in self.zone_grades_0_4.values() if grade is not None]
        return sum(grades) if len(grades) == len(ZONES) else None

    @property
    def missing(self) -> dict[str, str]:
        """Reason code for every figure that is None."""
        reasons = {
            f"{zone}_grade_0_4": NO_LUNG for zone, grade in self.zone_grades_0_4.items() if grade is None
        }
        return {"six_zone_score_0_24": ZONE_WITHOUT_LUNG, **reasons} if reasons else {}


def severity_score(regions: Mapping[str, RegionMeasure], minimum_lesion_ml: float) -> SeverityScore:
    """Grade the six zones; a zone with less than `minimum_lesion_ml` of lesion is not involved."""
    return SeverityScore({zone: zone_grade(regions[zone], minimum_lesion_ml) for zone in ZONES})


def zone_grade(zone: RegionMeasure, minimum_lesion_ml: float) -> int | None:
    """Grade 0 to 4 of one zone by the part of its lung that is lesion; None without lung."""
    if zone.lesion_proportion_pct is None:
        return None
    if zone.lesion_ml == 0 or zone.lesion_ml < minimum_lesion_ml:
        return 0
    return 1 + sum(zone.lesion_proportion_pct >= limit for limit in GRADE_LIMITS_PCT)
