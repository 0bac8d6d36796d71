"""DICOM structured report of a scan's measurements: TID 1500 Measurement Report (PS3.16)."""

from lesionseg.export.sr.document import SrResult, write_sr
from lesionseg.export.sr.reference import SegReference

__all__ = ["SegReference", "SrResult", "write_sr"]
