"""DICOM SEG onto the scan's grid: frames in any order and direction, empty ones missing or there."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from lesionseg.core.errors import MaskMismatchError
from lesionseg.dicom.settings import Note
from lesionseg.readings.masks.dicom_file import damage_named
from lesionseg.readings.masks.drawing import Drawing
from lesionseg.readings.masks.identity import ScanIdentity, check_sources
from lesionseg.readings.masks.layers import Layers
from lesionseg.readings.masks.mapping import SegmentMapping
from lesionseg.readings.masks.planes import FramePlace, place_frames
from lesionseg.readings.masks.reader_mask import MaskFormat, Misfit, ReferenceScan
from lesionseg.readings.masks.seg_header import SegFrame, SegHeader, SegmentationType, read_seg_header
from lesionseg.readings.masks.seg_pixels import FrameArray, seg_frames
from lesionseg.readings.masks.segments import Meaning, meanings

MAXIMUM_FRAMES_PER_SLICE: Final = 64
"""More frames than this for each slice of the scan are no segmentation of it."""
_BACKGROUND_NUMBER: Final = 0


def read_dicom_seg(
    dataset: Dataset, path: Path, scan: ReferenceScan, mapping: SegmentMapping | None
) -> Drawing:
    """Read a BINARY, FRACTIONAL or LABELMAP segmentation.

    Raises
    ------
    MaskMismatchError
        If it does not belong to the scan or does not say what it shows.
    UnreadableFileError, PixelDataError
        If it is damaged.
    """
    case = str(path)
    with damage_named(path, "segmentation"):
        header = read_seg_header(dataset, case)
        notes = check_sources(header.sources, scan, case)
        _refuse_too_much(header, scan, case)
        told = _meanings(header, mapping, case)
        places = place_frames(header, scan, case)
        _refuse_moved_frames(header.frames, places, scan, case)
        _refuse_repeated_frames(header.frames, places, case)
        drawn = _Drawn(header, told, Layers.on(scan.geometry.shape), mapping, case)
        for frame, place, values in zip(
            header.frames, places, seg_frames(dataset, header, case), strict=True
        ):
            drawn.add(frame, place, values)
    drawn.refuse_undeclared()
    drawn.refuse_missing_slices()
    segments = tuple(
        told[segment.number].found(segment, drawn.voxels[segment.number])
        for segment in header.segments
        if segment.number in told
    )
    return Drawing(MaskFormat.DICOM_SEG, drawn.layers, segments, notes + drawn.notes())


class _Drawn:
    """Draws frame after frame, counting what it cannot take as it is."""

    def __init__(
        self,
        header: SegHeader,
        told: dict[int, Meaning],
        layers: Layers,
        mapping: SegmentMapping | None,
        case: str,
    ) -> None:
        self.layers = layers
        self.voxels: Counter[int] = Counter()
        self._header = header
        self._told = told
        self._threshold = mapping.fraction if mapping is not None else None
        self._case = case
        self._in_parts = 0
        self._undeclared: set[int] = set()
        self._slices: dict[int, bool] = {}  # of the scan: whether anything is drawn on it
        layers.told |= {meaning.region for meaning in told.values()}

    def add(self, frame: SegFrame, place: FramePlace, values: FrameArray) -> None:
        if place.scan_slice is not None:
            self._slices[place.scan_slice] = self._slices.get(place.scan_slice, False) or bool(values.any())
        if frame.segment is None:
            for number in np.unique(values).tolist():
                self._draw(number, values == number, place)
        else:
            inside = self._inside(values) if self._header.kind is SegmentationType.FRACTIONAL else values > 0
            self._draw(frame.segment, inside, place)

    def _draw(self, number: int, inside: npt.NDArray[np.bool_], place: FramePlace) -> None:
        if number == _BACKGROUND_NUMBER:
            return
        if number not in self._told:
            self._undeclared.add(number)
            return
        kept, lost = place.fit.place(inside[None].view(np.uint8))
        if lost:
            raise MaskMismatchError(
                "the mask reaches beyond the scan",
                reason=Misfit.OUTSIDE,
                case=self._case,
                expected="nothing drawn beyond the scan's voxels",
                found=f"{lost} voxels of segment {number} beyond",
                remedy="Check that mask and scan belong together",
            )
        self.voxels[number] += int(np.count_nonzero(kept))
        self.layers.add(self._told[number].region, kept.view(np.bool_), place.fit.scan_part)

    def _inside(self, values: FrameArray) -> npt.NDArray[np.bool_]:
        whole = self._header.maximum_fraction
        partly = int(np.count_nonzero((values > 0) & (values < whole)))
        self._in_parts += partly
        if partly and self._threshold is None:
            raise MaskMismatchError(
                "the segmentation is fractional: its voxels are partly inside",
                reason=Misfit.AMBIGUOUS,
                case=self._case,
                expected="every voxel wholly inside or outside",
                found=f"fractions of {whole} ({self._header.fractional_type or 'kind not told'})",
                remedy="Save it as BINARY, or say from which fraction on a voxel counts, for instance 0.5",
            )
        return values >= (self._threshold or 1.0) * whole

    def refuse_undeclared(self) -> None:
        if self._undeclared:
            raise MaskMismatchError(
                "the segmentation holds voxels of segments that it does not declare",
                reason=Misfit.SEGMENTS,
                case=self._case,
                found=", ".join(map(str, sorted(self._undeclared))),
                remedy="Export it again",
            )

    def refuse_missing_slices(self) -> None:
        """Refuse gaps between frames where the file holds empty frames too, and so left none out."""
        if not self._slices or all(self._slices.values()):
            return
        missing = sorted(set(range(min(self._slices), max(self._slices))) - set(self._slices))
        if missing:
            raise MaskMismatchError(
                "slices are missing from the segmentation",
                reason=Misfit.SLICES,
                case=self._case,
                expected=f"frames on all slices from {min(self._slices)} to {max(self._slices)}, as empty "
                "ones are there too",
                found=f"none on {len(missing)} of them, first on slice {missing[0]}",
                remedy="Export the segmentation again",
            )

    def notes(self) -> tuple[Note, ...]:
        if self._header.kind is not SegmentationType.FRACTIONAL:
            return ()
        text = f"fractional segmentation: {self._in_parts} voxels were partly inside"
        limit = f", counted from {self._threshold:g} on" if self._in_parts and self._threshold else ""
        return (Note("fractional", text + limit),)


def _meanings(header: SegHeader, mapping: SegmentMapping | None, case: str) -> dict[int, Meaning]:
    declared = [segment for segment in header.segments if segment.number != _BACKGROUND_NUMBER]
    return meanings(declared, mapping, case)


def _refuse_too_much(header: SegHeader, scan: ReferenceScan, case: str) -> None:
    """Bound the work by the scan's size before anything is decoded."""
    longest = max(scan.geometry.shape)
    most_frames = MAXIMUM_FRAMES_PER_SLICE * longest
    if len(header.frames) > most_frames or max(header.rows, header.columns) > 2 * longest + 1024:
        raise MaskMismatchError(
            "the segmentation is far larger than the scan",
            reason=Misfit.SIZE,
            case=case,
            expected=f"at most {most_frames} frames for a scan of {scan.geometry.shape}",
            found=f"{len(header.frames)} frames of {header.rows} x {header.columns}",
            remedy="Give the scan that the mask was drawn on",
        )


def _refuse_moved_frames(
    frames: tuple[SegFrame, ...], places: list[FramePlace], scan: ReferenceScan, case: str
) -> None:
    """Refuse frames that name one source slice and lie on another."""
    slice_of = ScanIdentity.of(scan).slice_of
    for frame, place in zip(frames, places, strict=True):
        sources = {slice_of[key] for key in frame.drawn_on if key in slice_of}
        on_slice = place.scan_slice
        if len(sources) == 1 and on_slice is not None and sources != {on_slice}:
            (source,) = sources
            distance_mm = abs(source - on_slice) * scan.geometry.spacing_mm[0]
            raise MaskMismatchError(
                "the mask is shifted against the scan: its frames lie on other slices than they name",
                reason=Misfit.SHIFTED,
                case=case,
                expected=f"a frame drawn on slice {source} to lie there",
                found=f"it lies on slice {on_slice}, {distance_mm:.1f} mm away",
                remedy="Check that no program moved the mask",
            )


def _refuse_repeated_frames(frames: tuple[SegFrame, ...], places: list[FramePlace], case: str) -> None:
    counts = Counter(
        (frame.segment, place.fit.start, place.fit.shape) for frame, place in zip(frames, places, strict=True)
    )
    repeated = [key for key, count in counts.items() if count > 1]
    if repeated:
        segment, start, _ = repeated[0]
        raise MaskMismatchError(
            "two frames of one segment lie at one place",
            reason=Misfit.AMBIGUOUS,
            case=case,
            expected="one frame for each segment and slice",
            found=f"{len(repeated)} repeated, first of segment {segment} at scan voxel {start}",
            remedy="Export the segmentation again",
        )
