"""The columns of a measurement's flat row: order, unit and meaning. The documentation is made from this."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lesionseg.volumetry.density import PERCENTILES
from lesionseg.volumetry.regions import LUNGS, REGIONS, THIRDS, WHOLE, ZONES
from lesionseg.volumetry.results import column


@dataclass(frozen=True)
class Column:
    """Unit (empty where there is none) and meaning of one column."""

    unit: str
    meaning: str


_REGION_FIGURES = {
    "lung_ml": Column("ml", "lung, lesions included"),
    "lesion_ml": Column("ml", "whole lesion"),
    "non_solid_ml": Column("ml", "non-solid part of the lesion (ground glass and the like)"),
    "solid_ml": Column("ml", "solid component of the lesion"),
    "lesion_proportion_pct": Column("%", "whole lesion / lung"),
    "solid_proportion_pct": Column("%", "solid component / lung"),
    "solid_fraction_pct": Column("%", "solid component / whole lesion"),
}


def _region_phrase(region: str) -> str:
    if region == WHOLE:
        return "both lungs"
    if region in LUNGS:
        return f"{region} lung"
    if region in THIRDS:
        return f"{region} third of both lungs"
    lung, third = ZONES[region]
    return f"{third} third of the {lung} lung"


def _columns() -> Iterator[tuple[str, Column]]:
    yield "case", Column("", "what the scan is called: series UID or file name")
    for region in REGIONS:
        for name, figure in _REGION_FIGURES.items():
            yield column(region, name), Column(figure.unit, f"{figure.meaning}; {_region_phrase(region)}")
    for tissue, phrase in (("lung", "lung, lesions included"), ("lesion", "whole lesion")):
        yield f"{tissue}_mean_hu", Column("HU", f"mean; {phrase}")
        for percentile in PERCENTILES:
            yield f"{tissue}_p{percentile:02d}_hu", Column("HU", f"{percentile}th percentile; {phrase}")
    yield "lesion_mass_g", Column("g", "mass of the lesion, from (HU + 1000) / 1000 g/ml")
    yield "dense_lesion_ml", Column("ml", "lesion voxels at or above threshold_hu after smoothing")
    yield "dense_lesion_proportion_pct", Column("%", "dense lesion / lung")
    yield (
        "lesion_component_count",
        Column("", "connected pieces of lesion (26 neighbours) of at least minimum_lesion_ml"),
    )
    yield "largest_lesion_component_ml", Column("ml", "largest connected piece of lesion")
    yield "six_zone_score_0_24", Column("", "CT severity score, sum of the six zone grades")
    for zone in ZONES:
        yield f"{zone}_grade_0_4", Column("", f"severity grade; {_region_phrase(zone)}")
    for part, phrase in (("lesion", "whole lesion / lung"), ("solid", "solid component / lung")):
        yield f"{part}_proportion_low_pct", Column("%", f"lower end of the interval of {phrase}")
        yield f"{part}_proportion_high_pct", Column("%", f"upper end of the interval of {phrase}")
        yield f"{part}_proportion_expected_pct", Column("%", f"{phrase} by the network's probabilities")
    yield "ood_score", Column("", "out-of-distribution score; above 1 outside what the network is known for")
    yield "ood_figure", Column("", "the figure of the scan that makes that score")
    for axis in ("slice", "row", "column"):
        yield f"{axis}_spacing_mm", Column("mm", f"voxel spacing along the {axis} axis, standard axial order")
    yield "voxel_volume_ml", Column("ml", "volume of one voxel")
    yield "threshold_hu", Column("HU", "setting: threshold of the dense lesion")
    yield "smoothing_sigma_mm", Column("mm", "setting: Gaussian smoothing before that threshold")
    yield (
        "minimum_lesion_ml",
        Column("ml", "setting: smallest lesion that counts as a piece or grades a zone"),
    )
    yield "worst_flag", Column("", "severity of the worst quality flag: none, info, warning or critical")
    yield "flags", Column("", "all quality flags as code=severity, separated by semicolons")
    yield "missing", Column("", "why values are missing, as column=reason, separated by semicolons")


COLUMNS: dict[str, Column] = dict(_columns())
"""Every column of `Measurements.as_row`, in order."""


def columns_as_markdown() -> str:
    """Return the table of all columns that the documentation shows."""
    lines = ["| column | unit | meaning |", "|---|---|---|"]
    lines += [f"| `{name}` | {entry.unit} | {entry.meaning} |" for name, entry in COLUMNS.items()]
    return "\n".join(lines)
