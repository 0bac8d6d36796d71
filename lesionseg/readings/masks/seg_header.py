"""What a DICOM segmentation says of its segments and frames (PS3.3 A.51 and C.8.20), as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydicom.dataset import Dataset

from lesionseg.core.errors import MaskMismatchError
from lesionseg.readings.masks.identity import InstanceKey, NamedSources
from lesionseg.readings.masks.reader_mask import Misfit
from lesionseg.readings.masks.segments import DeclaredSegment

SEGMENTATION: Final = "1.2.840.10008.5.1.4.1.1.66.4"
LABEL_MAP_SEGMENTATION: Final = "1.2.840.10008.5.1.4.1.1.66.7"
SURFACE_SEGMENTATION: Final = "1.2.840.10008.5.1.4.1.1.66.5"
_CODE_VALUES: Final = ("CodeValue", "LongCodeValue", "URNCodeValue")


class SegmentationType(StrEnum):
    """How frames hold segments, PS3.3 C.8.20.2.3."""

    BINARY = "BINARY"
    FRACTIONAL = "FRACTIONAL"
    LABELMAP = "LABELMAP"


@dataclass(frozen=True)
class SegFrame:
    """One frame.

    Attributes
    ----------
    segment : int or None
        Referenced segment number; None in a LABELMAP, where the pixels hold it.
    position_mm : tuple of float
        LPS position of the centre of the first pixel.
    orientation : tuple of float
        Direction cosines of a row and then of a column.
    spacing_mm : tuple of float
        Between rows, between columns.
    drawn_on : tuple of (str, int)
        Source images that this frame was derived from.
    """

    segment: int | None
    position_mm: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing_mm: tuple[float, ...]
    drawn_on: tuple[InstanceKey, ...]


@dataclass(frozen=True)
class SegHeader:
    """A DICOM segmentation without its pixels.

    Attributes
    ----------
    kind : SegmentationType
    fractional_type : str
        PROBABILITY or OCCUPANCY.
    maximum_fraction : int
        The stored value of a whole voxel in FRACTIONAL.
    rows, columns : int
    bits_allocated : int
    segments : tuple of DeclaredSegment
    frames : tuple of SegFrame
    sources : NamedSources
    """

    kind: SegmentationType
    fractional_type: str
    maximum_fraction: int
    rows: int
    columns: int
    bits_allocated: int
    segments: tuple[DeclaredSegment, ...]
    frames: tuple[SegFrame, ...]
    sources: NamedSources


def read_seg_header(dataset: Dataset, case: str) -> SegHeader:
    """Read the header of a segmentation.

    Raises
    ------
    MaskMismatchError
        If a frame does not say where it lies or which segment it shows.
    Exception
        Whatever pydicom raises on a damaged file; the caller names it.
    """
    kind = SegmentationType(str(dataset.get("SegmentationType", "LABELMAP")).upper())
    frames = _frames(dataset, kind, case)
    return SegHeader(
        kind=kind,
        fractional_type=str(dataset.get("SegmentationFractionalType", "")),
        maximum_fraction=int(dataset.get("MaximumFractionalValue", 1) or 1),
        rows=int(dataset.Rows),
        columns=int(dataset.Columns),
        bits_allocated=int(dataset.BitsAllocated),
        segments=tuple(_segment(item) for item in dataset.SegmentSequence),
        frames=frames,
        sources=_sources(dataset, frames),
    )


def _segment(item: Dataset) -> DeclaredSegment:
    codes = tuple(_codes(item, "SegmentedPropertyTypeCodeSequence"))
    return DeclaredSegment(int(item.SegmentNumber), str(item.get("SegmentLabel", "") or ""), codes)


def _codes(item: Dataset, keyword: str) -> list[tuple[str, str]]:
    return [
        (str(code.get("CodingSchemeDesignator", "")), str(code[name].value))
        for code in item.get(keyword, None) or ()
        for name in _CODE_VALUES
        if code.get(name)
    ]


def _frames(dataset: Dataset, kind: SegmentationType, case: str) -> tuple[SegFrame, ...]:
    shared = (dataset.get("SharedFunctionalGroupsSequence", None) or [Dataset()])[0]
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence", None) or []
    count = int(dataset.get("NumberOfFrames", 1) or 1)
    if count != len(per_frame):
        raise MaskMismatchError(
            "the frames of the segmentation do not say where they lie",
            reason=Misfit.AMBIGUOUS,
            case=case,
            expected=f"{count} items of plane positions",
            found=str(len(per_frame)),
            remedy="Export the segmentation again, with its frames' positions",
        )
    return tuple(_frame(groups, shared, kind) for groups in per_frame)


def _frame(groups: Dataset, shared: Dataset, kind: SegmentationType) -> SegFrame:
    measures = _group(groups, shared, "PixelMeasuresSequence")
    segment = None
    if kind is not SegmentationType.LABELMAP:
        identification = _group(groups, shared, "SegmentIdentificationSequence")
        segment = int(identification.ReferencedSegmentNumber)
    return SegFrame(
        segment,
        _floats(_group(groups, shared, "PlanePositionSequence").ImagePositionPatient),
        _floats(_group(groups, shared, "PlaneOrientationSequence").ImageOrientationPatient),
        _floats(measures.PixelSpacing),
        tuple(_drawn_on(groups)),
    )


def _group(groups: Dataset, shared: Dataset, keyword: str) -> Dataset:
    """Return the only item of a functional group, the frame's own or the shared one."""
    item: Dataset = (groups.get(keyword, None) or shared[keyword].value)[0]
    return item


def _floats(values: object) -> tuple[float, ...]:
    return tuple(float(value) for value in values)  # type: ignore[attr-defined]


def _drawn_on(groups: Dataset) -> list[InstanceKey]:
    return [
        (str(image.ReferencedSOPInstanceUID), frame)
        for derivation in groups.get("DerivationImageSequence", None) or ()
        for image in derivation.get("SourceImageSequence", None) or ()
        for frame in _frame_numbers(image)
    ]


def _frame_numbers(image: Dataset) -> list[int]:
    numbers = image.get("ReferencedFrameNumber", None)
    if numbers is None:
        return [1]
    return [int(number) for number in numbers] if hasattr(numbers, "__iter__") else [int(numbers)]


def _sources(dataset: Dataset, frames: tuple[SegFrame, ...]) -> NamedSources:
    referenced = dataset.get("ReferencedSeriesSequence", None) or ()
    listed = {
        str(instance.ReferencedSOPInstanceUID)
        for series in referenced
        for instance in series.get("ReferencedInstanceSequence", None) or ()
    }
    return NamedSources(
        str(dataset.get("FrameOfReferenceUID", "") or ""),
        frozenset(str(series.SeriesInstanceUID) for series in referenced if series.get("SeriesInstanceUID")),
        frozenset(listed | {uid for frame in frames for uid, _ in frame.drawn_on}),
    )
