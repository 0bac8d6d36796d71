"""What to write into a SEG, and what was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from lesionseg.core.errors import ConfigurationError
from lesionseg.export.codes import EXCLUSIVE_SEGMENTS, LESION_SEGMENT, SegmentConcepts

BINARY: Final = "binary"
LABELMAP: Final = "labelmap"
_SOP_CLASSES: Final = {
    BINARY: "1.2.840.10008.5.1.4.1.1.66.4",  # Segmentation Storage
    LABELMAP: "1.2.840.10008.5.1.4.1.1.66.7",  # Label Map Segmentation Storage
}


@dataclass(frozen=True)
class SegSettings:
    """How a SEG is written.

    Attributes
    ----------
    encoding : str
        "binary": one bit a voxel for each segment, which every viewer reads. "labelmap": one byte a voxel for
        all segments, RLE compressed, far smaller; DICOM has it since 2024, and few viewers read it.
    whole_lesion : bool
        Whether the whole lesion is a segment of its own beside its parts. It overlaps them, so that only
        "binary" can hold it.

    Raises
    ------
    ConfigurationError
        If the encoding is unknown, or cannot hold the whole lesion.
    """

    encoding: Literal["binary", "labelmap"] = BINARY
    whole_lesion: bool = False

    def __post_init__(self) -> None:
        if self.encoding not in _SOP_CLASSES:
            raise ConfigurationError(
                "the encoding of a SEG is unknown", expected=" or ".join(_SOP_CLASSES), found=self.encoding
            )
        if self.whole_lesion and self.encoding == LABELMAP:
            raise ConfigurationError(
                "a label map holds no segments that overlap",
                expected="the whole lesion as a segment of a binary SEG only",
                found="the whole lesion asked for with encoding labelmap",
                remedy="Leave the whole lesion out, it is the non-solid and solid segments together; or take "
                "encoding binary",
            )

    @property
    def segments(self) -> tuple[SegmentConcepts, ...]:
        """The segments asked for, in order."""
        return (*EXCLUSIVE_SEGMENTS, LESION_SEGMENT) if self.whole_lesion else EXCLUSIVE_SEGMENTS

    @property
    def sop_class_uid(self) -> str:
        """Segmentation Storage or Label Map Segmentation Storage."""
        return _SOP_CLASSES[self.encoding]


@dataclass(frozen=True)
class SegResult:
    """A SEG that was written, or why there is none.

    Attributes
    ----------
    path : Path or None
        None where every segment is empty: a SEG without segments is not allowed.
    sop_instance_uid, series_uid, sop_class_uid : str
        Empty where there is no SEG.
    segment_numbers : dict of str to int
        Segment Number by the segment's name (`lesionseg.export.codes`), of those that were written.
    dropped : tuple of str
        Names of the empty ones, which were not.
    """

    path: Path | None
    sop_instance_uid: str
    series_uid: str
    sop_class_uid: str
    segment_numbers: Mapping[str, int]
    dropped: tuple[str, ...]
