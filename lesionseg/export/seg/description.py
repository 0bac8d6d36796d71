"""What a SEG says of its segments: name, codes, colour, tracking, and who or what made them."""

from __future__ import annotations

from typing import Final

from highdicom import AlgorithmIdentificationSequence
from highdicom.color import CIELabColor
from highdicom.seg import SegmentAlgorithmTypeValues, SegmentDescription

from lesionseg.export.codes import ARTIFICIAL_INTELLIGENCE, SegmentConcepts
from lesionseg.export.origin import Origin
from lesionseg.export.source import SourceSeries
from lesionseg.export.tracking import tracking_id, tracking_uid

ALGORITHM_SOURCE: Final = "lesionseg"
_TEXT_LIMIT: Final = 64  # characters in an LO value and in each group of a PN value, PS3.5 6.2


def segment_description(
    segment: SegmentConcepts, number: int, source: SourceSeries, origin: Origin
) -> SegmentDescription:
    """Describe one segment of a SEG under this number."""
    region = segment.anatomic_region
    description = SegmentDescription(
        segment_number=number,
        segment_label=segment.label,
        segmented_property_category=segment.category.as_code(),
        segmented_property_type=segment.type.as_code(),
        algorithm_type=algorithm_type(origin),
        algorithm_identification=algorithm(origin),
        tracking_uid=tracking_uid(source, segment),
        tracking_id=tracking_id(segment),
        anatomic_regions=[region.as_code()] if region else None,
        display_color=CIELabColor.from_rgb(*segment.colour),
    )
    description.SegmentDescription = segment.description
    return description


def algorithm_type(origin: Origin) -> SegmentAlgorithmTypeValues:
    """Return how much of it a person did: all, part of it on a model's proposal, or nothing."""
    if not origin.by_reader:
        return SegmentAlgorithmTypeValues.AUTOMATIC
    return SegmentAlgorithmTypeValues.SEMIAUTOMATIC if origin.bundle else SegmentAlgorithmTypeValues.MANUAL


def algorithm(origin: Origin) -> AlgorithmIdentificationSequence | None:
    """Name the algorithm, its version and the exact model; None where a person drew everything."""
    if algorithm_type(origin) is SegmentAlgorithmTypeValues.MANUAL:
        return None
    facts = {"bundle_sha256": origin.bundle_sha256, "solid": origin.solid_convention}
    return AlgorithmIdentificationSequence(
        name=(origin.bundle or ALGORITHM_SOURCE)[:_TEXT_LIMIT],
        family=ARTIFICIAL_INTELLIGENCE.as_code(),
        version=f"{ALGORITHM_SOURCE} {origin.software_version}"[:_TEXT_LIMIT],
        source=ALGORITHM_SOURCE,
        parameters={name: text for name, text in facts.items() if text} or None,
    )


def content_creator(origin: Origin) -> str:
    """Return the reader as a person's name; empty where nobody had a hand in it."""
    name = "".join(sign for sign in origin.reader if sign.isprintable() and sign not in "\\=").strip()
    name = name[: _TEXT_LIMIT - 1]
    return f"{name}^" if name and "^" not in name else name  # the caret says that one part is all there is


def content_description(origin: Origin) -> str:
    """Say in one line what it is and what made it."""
    made_by = "reader, on a model's proposal" if origin.bundle else "reader"
    by = made_by if origin.by_reader else origin.bundle or ALGORITHM_SOURCE
    return f"Lung and lung lesions by {by}"[:_TEXT_LIMIT]
