"""The segmentation object that a report refers to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydicom.uid import SegmentationStorage


@dataclass(frozen=True)
class SegReference:
    """A DICOM SEG of the same label map, and where each segment is in it.

    Attributes
    ----------
    sop_instance_uid, series_uid : str
        Of the SEG; its study is the source's.
    segment_numbers : mapping of str to int
        Segment Number by the segment's name (`lesionseg.export.codes`); only those that were written.
    sop_class_uid : str
        Segmentation Storage, or Label Map Segmentation Storage.
    """

    sop_instance_uid: str
    series_uid: str
    segment_numbers: Mapping[str, int]
    sop_class_uid: str = str(SegmentationStorage)
