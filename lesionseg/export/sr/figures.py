"""Which figures a report states, of which region, in plain values.

A value that is missing (a share of no lung) is left out; an empty region states 0 ml.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from lesionseg.core.labels import DEFAULT_SCHEME
from lesionseg.export.codes import (
    LESION_SEGMENT,
    LUNG_SEGMENT,
    MILLILITRE,
    NON_SOLID_SEGMENT,
    PERCENT,
    SOLID_SEGMENT,
    VOLUME,
    VOXEL_SUM,
    Concept,
    SegmentConcepts,
)
from lesionseg.export.sr.codes import (
    BILATERAL,
    DENSE_SHARE,
    LEFT,
    LESION_SHARE,
    NO_UNITS,
    RATIO,
    RIGHT,
    SEVERITY_SCORE,
    SOLID_FRACTION,
    SOLID_SHARE,
    THRESHOLD,
    TOTAL,
    ZONE_GRADES,
)
from lesionseg.volumetry import Measurements

WHOLE_LUNG: Final = replace(
    LUNG_SEGMENT,
    name="whole_lung",
    label="Lung, lesions included",
    description="Both lungs with all lesions",
    values=DEFAULT_SCHEME.lung,
)
DENSE_LESION: Final = replace(
    LESION_SEGMENT,
    name="dense_lesion",
    label="Dense lesion by threshold",
    description="Lesion at or above a HU threshold after smoothing",
    values=(),
)
SITES: Final = {"whole": BILATERAL, "right": RIGHT, "left": LEFT}


@dataclass(frozen=True)
class Figure:
    """One number of a region.

    Attributes
    ----------
    concept, unit : Concept
    value : float or int
        In `unit`.
    method, derivation : Concept
        How voxels were counted, and how the value came from the counts.
    interval : tuple of float or None
        Its low and high end in `unit`, where the measurements have them.
    """

    concept: Concept
    unit: Concept
    value: float
    method: Concept
    derivation: Concept
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class ReportedRegion:
    """One measurement group.

    Attributes
    ----------
    segment : SegmentConcepts
        What was found; its name is that of the segment in a SEG where there is one, and is what it is
        tracked by.
    laterality : Concept
        Bilateral, right or left.
    figures : tuple of Figure
        The volume first.
    comment : str
        For people; empty where there is nothing to add.
    """

    segment: SegmentConcepts
    laterality: Concept
    figures: tuple[Figure, ...]
    comment: str = ""


def reported_regions(measurements: Measurements) -> tuple[ReportedRegion, ...]:
    """Lay out the figures: both lungs with what is in them, then the right and the left lung."""
    return (*_whole(measurements), *_side(measurements, "right"), *_side(measurements, "left"))


def _whole(measurements: Measurements) -> Iterator[ReportedRegion]:
    whole, certainty, dense = measurements.whole, measurements.certainty, measurements.dense_lesion
    score = measurements.severity.six_zone_score_0_24
    lesion = _interval(certainty.lesion_proportion_low_pct, certainty.lesion_proportion_high_pct)
    solid = _interval(certainty.solid_proportion_low_pct, certainty.solid_proportion_high_pct)
    basis = measurements.confidence.interval_basis if measurements.confidence else ""
    doubt = f"Interval of the share of the lung: {basis}" if basis else ""
    graded = () if score is None else (Figure(SEVERITY_SCORE, NO_UNITS, score, ZONE_GRADES, TOTAL),)
    yield ReportedRegion(WHOLE_LUNG, BILATERAL, (_volume(whole.lung_ml), *graded))
    yield ReportedRegion(LUNG_SEGMENT, BILATERAL, (_volume(whole.lung_ml - whole.lesion_ml),))
    shares = _share(LESION_SHARE, whole.lesion_proportion_pct, lesion)
    yield ReportedRegion(LESION_SEGMENT, BILATERAL, (_volume(whole.lesion_ml), *shares), doubt)
    yield ReportedRegion(NON_SOLID_SEGMENT, BILATERAL, (_volume(whole.non_solid_ml),))
    shares = _share(SOLID_SHARE, whole.solid_proportion_pct, solid)
    shares += _share(SOLID_FRACTION, whole.solid_fraction_pct)
    yield ReportedRegion(SOLID_SEGMENT, BILATERAL, (_volume(whole.solid_ml), *shares), doubt)
    settings = measurements.settings
    volume = replace(_volume(dense.dense_lesion_ml), method=THRESHOLD)
    shares = _share(DENSE_SHARE, dense.dense_lesion_proportion_pct)
    yield ReportedRegion(
        DENSE_LESION,
        BILATERAL,
        (volume, *(replace(share, method=THRESHOLD) for share in shares)),
        f"Threshold {settings.threshold_hu:g} HU after Gaussian smoothing in the slice plane, "
        f"sigma {settings.smoothing_sigma_mm:g} mm",
    )


def _side(measurements: Measurements, side: str) -> Iterator[ReportedRegion]:
    region = measurements.regions[side]
    lesion = _share(LESION_SHARE, region.lesion_proportion_pct)
    solid = _share(SOLID_SHARE, region.solid_proportion_pct) + _share(
        SOLID_FRACTION, region.solid_fraction_pct
    )
    parts = (
        (WHOLE_LUNG, region.lung_ml, ()),
        (LESION_SEGMENT, region.lesion_ml, lesion),
        (NON_SOLID_SEGMENT, region.non_solid_ml, ()),
        (SOLID_SEGMENT, region.solid_ml, solid),
    )
    for segment, volume_ml, shares in parts:
        of_side = replace(
            segment, name=f"{side}_{segment.name}", label=f"{segment.label}, {side} lung", values=()
        )
        yield ReportedRegion(of_side, SITES[side], (_volume(volume_ml), *shares))


def _volume(volume_ml: float) -> Figure:
    return Figure(VOLUME, MILLILITRE, volume_ml, VOXEL_SUM, TOTAL)


def _share(
    concept: Concept, value_pct: float | None, interval: tuple[float, float] | None = None
) -> tuple[Figure, ...]:
    """Return the share as the one figure of a tuple; an empty one where it is missing."""
    return () if value_pct is None else (Figure(concept, PERCENT, value_pct, VOXEL_SUM, RATIO, interval),)


def _interval(low: float | None, high: float | None) -> tuple[float, float] | None:
    return None if low is None or high is None else (low, high)
