"""A label map as DICOM SEG."""

from lesionseg.export.seg.settings import SegResult, SegSettings
from lesionseg.export.seg.write import write_seg

__all__ = ["SegResult", "SegSettings", "write_seg"]
