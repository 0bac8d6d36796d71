"""What an RT structure set says of its regions and contours (PS3.3 C.8.8.5, C.8.8.6), as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from lesionseg.core.errors import UnreadableFileError
from lesionseg.readings.masks.identity import InstanceKey, NamedSources
from lesionseg.readings.masks.segments import DeclaredSegment

RT_STRUCTURE_SET: Final = "1.2.840.10008.5.1.4.1.1.481.3"
MAXIMUM_POINTS: Final = 20_000_000
"""Of one file, 480 MB of coordinates; a lung drawn on 1000 slices has some hundred thousand."""


@dataclass(frozen=True)
class Contour:
    """One contour.

    Attributes
    ----------
    kind : str
        Contour geometric type, for instance CLOSED_PLANAR.
    points_mm : ndarray, shape (points, 3), float64
        In LPS.
    drawn_on : tuple of (str, int)
        Images that it was drawn on.
    """

    kind: str
    points_mm: npt.NDArray[np.float64]
    drawn_on: tuple[InstanceKey, ...]


@dataclass(frozen=True)
class StructureSet:
    """Regions of interest with their contours, by number, and what they were drawn on."""

    regions: tuple[DeclaredSegment, ...]
    contours: dict[int, tuple[Contour, ...]]
    sources: NamedSources


def read_structure_set(dataset: Dataset, case: str) -> StructureSet:
    """Read a structure set.

    Raises
    ------
    UnreadableFileError
        If a contour's coordinates are no points, or there are too many.
    Exception
        Whatever pydicom raises on a damaged file; the caller names it.
    """
    codes = _codes_of_observations(dataset)
    regions = tuple(
        DeclaredSegment(
            int(roi.ROINumber), str(roi.get("ROIName", "") or ""), codes.get(int(roi.ROINumber), ())
        )
        for roi in dataset.StructureSetROISequence
    )
    contours: dict[int, tuple[Contour, ...]] = {}
    points = 0
    for item in dataset.get("ROIContourSequence", None) or ():
        drawn = tuple(_contour(part, case) for part in item.get("ContourSequence", None) or ())
        points += sum(len(contour.points_mm) for contour in drawn)
        if points > MAXIMUM_POINTS:
            raise UnreadableFileError("the structure set holds too many points", case=case, found=f"{points}")
        number = int(item.ReferencedROINumber)
        contours[number] = contours.get(number, ()) + drawn
    return StructureSet(regions, contours, _sources(dataset, contours))


def _contour(item: Dataset, case: str) -> Contour:
    values = np.array([float(value) for value in item.ContourData], np.float64)
    if values.size % 3 or not np.isfinite(values).all():
        raise UnreadableFileError(
            "a contour's coordinates are no points",
            case=case,
            expected="three finite numbers for each point",
            found=f"{values.size} numbers",
            remedy="Export the structure set again",
        )
    images = item.get("ContourImageSequence", None) or ()
    drawn_on = tuple(
        (str(image.ReferencedSOPInstanceUID), int(image.get("ReferencedFrameNumber", 1) or 1))
        for image in images
    )
    return Contour(str(item.get("ContourGeometricType", "")).upper(), values.reshape(-1, 3), drawn_on)


def _codes_of_observations(dataset: Dataset) -> dict[int, tuple[tuple[str, str], ...]]:
    return {
        int(item.ReferencedROINumber): tuple(
            (str(code.get("CodingSchemeDesignator", "")), str(code.get("CodeValue", "")))
            for code in item.get("RTROIIdentificationCodeSequence", None) or ()
        )
        for item in dataset.get("RTROIObservationsSequence", None) or ()
    }


def _sources(dataset: Dataset, contours: dict[int, tuple[Contour, ...]]) -> NamedSources:
    frames = dataset.get("ReferencedFrameOfReferenceSequence", None) or ()
    named = [str(frame.get("FrameOfReferenceUID", "") or "") for frame in frames]
    drawn_on = {uid for group in contours.values() for contour in group for uid, _ in contour.drawn_on}
    return NamedSources(
        next((uid for uid in named if uid), str(dataset.get("FrameOfReferenceUID", "") or "")),
        frozenset(
            str(series.SeriesInstanceUID) for series in _series(frames) if series.get("SeriesInstanceUID")
        ),
        frozenset(drawn_on | {uid for series in _series(frames) for uid in _images(series)}),
    )


def _series(frames: Iterable[Dataset]) -> Iterator[Dataset]:
    for frame in frames:
        for study in frame.get("RTReferencedStudySequence", None) or ():
            yield from study.get("RTReferencedSeriesSequence", None) or ()


def _images(series: Dataset) -> list[str]:
    return [str(image.ReferencedSOPInstanceUID) for image in series.get("ContourImageSequence", None) or ()]
