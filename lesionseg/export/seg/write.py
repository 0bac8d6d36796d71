"""Writing a label map as DICOM SEG (PS3.3 A.51) with highdicom."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from highdicom.seg import Segmentation, SegmentDescription
from pydicom.uid import UID, ExplicitVRLittleEndian, RLELossless

from lesionseg.core.files import staged_file
from lesionseg.dicom.uids import derived_uid
from lesionseg.export.codes import SegmentConcepts
from lesionseg.export.derived import NewSeries, derived_dataset
from lesionseg.export.origin import Origin
from lesionseg.export.seg.description import (
    content_creator,
    content_description,
    segment_description,
)
from lesionseg.export.seg.planes import Planes, planes_of, refer_to_source
from lesionseg.export.seg.settings import BINARY, LABELMAP, SegResult, SegSettings
from lesionseg.export.source import SourceSeries
from lesionseg.volume import LabelMap

CONTENT_LABEL: Final = "LUNG_LESIONS"
SERIES_DESCRIPTION: Final = "Lung lesions, segmentation"
SERIES_NUMBER: Final = 9001
"""Behind whatever a scanner numbers; it needs not be unique."""


def write_seg(
    label_map: LabelMap,
    source: SourceSeries,
    origin: Origin,
    path: Path,
    *,
    settings: SegSettings = SegSettings(),  # noqa: B008 - frozen
) -> SegResult:
    """Write a SEG of the segments that have any voxel, as a new series in the source's study.

    Frames lie on the source's pixels and refer to its slices one by one; the object refers to all of them.
    The same label map, source, origin and settings give the same bytes.

    Parameters
    ----------
    label_map : LabelMap
        On the grid of the source.
    source : SourceSeries
        What `lesionseg.export.source.read_source` returns.
    origin : Origin
    path : Path
        Appears whole or not at all; not at all where the label map is empty.
    settings : SegSettings

    Returns
    -------
    SegResult
        Without a path where the label map is empty.

    Raises
    ------
    GeometryError
        If label map and source have different grids.
    OutputError
        If the file cannot be written.
    """
    planes = planes_of(label_map.geometry, source)
    present = _present(label_map, settings)
    dropped = tuple(one.name for one in settings.segments if one not in present)
    if not present:
        return SegResult(None, "", "", "", {}, dropped)
    numbers = _numbers(present, settings)
    described = [segment_description(one, number, source, origin) for one, number in numbers.items()]
    new = _new_series(settings, origin)
    seg = _build(planes, _pixels(label_map, numbers), described, settings, origin)
    seg.update(derived_dataset(source, new, origin))
    _set_uids_and_times(seg, origin)
    refer_to_source(seg, planes)
    with staged_file(path) as staging:
        seg.save_as(staging, enforce_file_format=True)
    by_name = {one.name: number for one, number in numbers.items()}
    return SegResult(
        path, str(seg.SOPInstanceUID), str(seg.SeriesInstanceUID), new.sop_class_uid, by_name, dropped
    )


def _present(label_map: LabelMap, settings: SegSettings) -> tuple[SegmentConcepts, ...]:
    values = {value for one in settings.segments for value in one.values}
    found = {value for value in values if (label_map.labels == value).any()}
    return tuple(one for one in settings.segments if found.intersection(one.values))


def _numbers(present: Sequence[SegmentConcepts], settings: SegSettings) -> dict[SegmentConcepts, int]:
    """In a label map the number is the label; else they count from 1 without gaps (PS3.3 C.8.20.4)."""
    if settings.encoding == LABELMAP:
        return {one: one.number for one in present}
    return {one: number for number, one in enumerate(present, start=1)}


def _new_series(settings: SegSettings, origin: Origin) -> NewSeries:
    kind = f"seg {settings.encoding}{' with whole lesion' if settings.whole_lesion else ''}"
    described = f"{SERIES_DESCRIPTION}{', reader' if origin.by_reader else ''}"
    return NewSeries(kind, "SEG", SERIES_NUMBER, described, settings.sop_class_uid)


def _build(
    planes: Planes,
    pixels: npt.NDArray[np.uint8],
    described: Sequence[SegmentDescription],
    settings: SegSettings,
    origin: Origin,
) -> Segmentation:
    """Let highdicom build it; what is left empty here is `derived_dataset`'s to say."""
    binary = settings.encoding == BINARY
    provisional = planes.headers[0].SeriesInstanceUID
    return Segmentation(
        source_images=planes.headers,
        pixel_array=pixels,
        segmentation_type="BINARY" if binary else "LABELMAP",
        segment_descriptions=described,
        series_instance_uid=provisional,
        series_number=SERIES_NUMBER,
        sop_instance_uid=provisional,
        instance_number=1,
        manufacturer="",
        manufacturer_model_name="",
        software_versions="",
        device_serial_number="",
        content_label=CONTENT_LABEL,
        content_description=content_description(origin),
        content_creator_name=content_creator(origin),
        pixel_measures=planes.measures,
        transfer_syntax_uid=ExplicitVRLittleEndian if binary else RLELossless,
        # a label map with all its frames is a whole volume to every reader
        omit_empty_frames=binary,
    )


def _pixels(label_map: LabelMap, numbers: dict[SegmentConcepts, int]) -> npt.NDArray[np.uint8]:
    """Segment numbers, (slices, rows, columns); or masks, (..., segments), where segments overlap."""
    values = [value for one in numbers for value in one.values]
    if len(values) > len(set(values)):
        masks = np.stack([_mask(label_map, one) for one in numbers])
        return np.moveaxis(masks, 0, -1)  # a view: each mask stays in one piece for faster reading
    if all(one.values == (number,) for one, number in numbers.items()):
        return label_map.labels
    table = np.zeros(256, np.uint8)
    for one, number in numbers.items():
        table[list(one.values)] = number
    return np.asarray(table[label_map.labels])


def _mask(label_map: LabelMap, segment: SegmentConcepts) -> npt.NDArray[np.uint8]:
    masks = [label_map.labels == value for value in segment.values]
    return np.asarray(np.logical_or.reduce(masks), np.uint8)


def _set_uids_and_times(seg: Segmentation, origin: Origin) -> None:
    """Let UIDs depend on the object alone and times on its origin, where highdicom takes lot and clock."""
    seg.file_meta.MediaStorageSOPInstanceUID = seg.SOPInstanceUID
    uid = UID(derived_uid("dimensions", str(seg.SOPInstanceUID)))
    for item in (*seg.DimensionOrganizationSequence, *seg.DimensionIndexSequence):
        item.DimensionOrganizationUID = uid
    for equipment in seg.ContributingEquipmentSequence:
        equipment.ContributionDateTime = origin.created.strftime("%Y%m%d%H%M%S")
