"""The way from a reader's file to a label map on the scan's own grid."""

from __future__ import annotations

from pathlib import Path

from lesionseg.readings.masks.mapping import SegmentMapping
from lesionseg.readings.masks.reader_mask import ReaderMask, ReferenceScan


def read_mask(path: Path, scan: ReferenceScan, *, mapping: SegmentMapping | None = None) -> ReaderMask:
    """Read a mask from DICOM SEG, RTSTRUCT, ``.seg.nrrd``, NIfTI, NRRD or MetaImage.

    Nothing is resampled: the mask's grid must be the scan's own, or a part of it, stored along any axes in
    any direction.

    Parameters
    ----------
    path : Path
        One file.
    scan : ReferenceScan
    mapping : SegmentMapping, optional
        What segments mean, where the file's codes, names and values do not say it.

    Raises
    ------
    MaskMismatchError
        If the mask does not belong to the scan or does not say what it shows; `reason` tells which.
    InputNotFoundError, UnreadableFileError
        If there is no such file, or it is damaged or no mask.
    """
    raise NotImplementedError
