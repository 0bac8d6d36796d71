"""Masks that readers drew, from the files of their programs onto the scan's own grid, or refused."""

from lesionseg.core.errors import MaskMismatchError
from lesionseg.readings.masks.mapping import Region, SegmentMapping
from lesionseg.readings.masks.plausibility import PlausibilityLimits, check_plausibility
from lesionseg.readings.masks.read import read_mask
from lesionseg.readings.masks.reader_mask import (
    FoundSegment,
    LungSource,
    MaskFormat,
    Misfit,
    ReaderMask,
    ReferenceScan,
)

__all__ = [
    "FoundSegment",
    "LungSource",
    "MaskFormat",
    "MaskMismatchError",
    "Misfit",
    "PlausibilityLimits",
    "ReaderMask",
    "ReferenceScan",
    "Region",
    "SegmentMapping",
    "check_plausibility",
    "read_mask",
]
