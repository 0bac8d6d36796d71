"""The way from a reader's file to a label map on the scan's own grid."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import InputNotFoundError, MaskMismatchError, UnreadableFileError
from lesionseg.core.labels import Label
from lesionseg.core.provenance import sha256_of_file
from lesionseg.dicom.settings import Note
from lesionseg.readings.masks.drawing import Drawing
from lesionseg.readings.masks.erased import give_back_lung
from lesionseg.readings.masks.label_files import read_label_file
from lesionseg.readings.masks.mapping import Region, SegmentMapping
from lesionseg.readings.masks.plausibility import DEFAULT_LIMITS, PlausibilityLimits, check_plausibility
from lesionseg.readings.masks.reader_mask import LungSource, Misfit, ReaderMask, ReferenceScan
from lesionseg.readings.masks.seg_nrrd import is_seg_nrrd, read_seg_nrrd
from lesionseg.volume import LabelMap, is_volume_file

READ_FORMATS: Final = "DICOM SEG, RTSTRUCT, .seg.nrrd, .nii, .nii.gz, .nrrd, .nhdr, .mha, .mhd"
_PREFIX_AT, _PREFIX = 128, b"DICM"


def read_mask(
    path: Path,
    scan: ReferenceScan,
    *,
    mapping: SegmentMapping | None = None,
    limits: PlausibilityLimits = DEFAULT_LIMITS,
) -> ReaderMask:
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
    limits : PlausibilityLimits
        Where `scan` has the model's labels: from where on a mask that fits is still refused.

    Raises
    ------
    MaskMismatchError
        If the mask does not belong to the scan or does not say what it shows; `reason` tells which.
    InputNotFoundError, UnreadableFileError
        If there is no such file, or it is damaged or no mask.
    """
    _refuse_missing(path)
    case = str(path)
    sha256 = _sha256(path)
    drawing = _read(path, scan, mapping)
    labels, overlap_notes = drawing.layers.labels(case)
    lung_from, lung_notes = _complete_lung(labels, drawing, scan, case)
    label_map = LabelMap(labels, scan.geometry)
    plausible: tuple[Note, ...] = ()
    if scan.model_labels is not None:
        plausible = check_plausibility(label_map, scan.model_labels, lung_from, limits=limits, case=case)
    if _sha256(path) != sha256:
        raise UnreadableFileError("the file changed while it was read", case=case, remedy="Read it again")
    return ReaderMask(
        label_map=label_map,
        format=drawing.format,
        segments=drawing.segments,
        lung_from=lung_from,
        solid_told=drawing.layers.solid_told,
        notes=drawing.notes + overlap_notes + lung_notes + plausible,
        path=path,
        sha256=sha256,
    )


def _read(path: Path, scan: ReferenceScan, mapping: SegmentMapping | None) -> Drawing:
    if _is_dicom(path):
        return _read_dicom(path, scan, mapping)
    if is_seg_nrrd(path):
        return read_seg_nrrd(path, scan, mapping)
    if is_volume_file(path):
        return read_label_file(path, scan, mapping)
    raise UnreadableFileError("this is no mask", case=str(path), expected=READ_FORMATS)


def _read_dicom(path: Path, scan: ReferenceScan, mapping: SegmentMapping | None) -> Drawing:
    from lesionseg.readings.masks.dicom_file import open_dicom
    from lesionseg.readings.masks.dicom_seg import read_dicom_seg
    from lesionseg.readings.masks.rtstruct import read_rtstruct
    from lesionseg.readings.masks.rtstruct_header import RT_STRUCTURE_SET
    from lesionseg.readings.masks.seg_header import LABEL_MAP_SEGMENTATION, SEGMENTATION

    dataset = open_dicom(path)
    sop_class = str(dataset.get("SOPClassUID", ""))
    if sop_class in (SEGMENTATION, LABEL_MAP_SEGMENTATION):
        return read_dicom_seg(dataset, path, scan, mapping)
    if sop_class == RT_STRUCTURE_SET:
        return read_rtstruct(dataset, path, scan, mapping)
    raise UnreadableFileError(
        "this DICOM object is no mask",
        case=str(path),
        expected=READ_FORMATS,
        found=f"{dataset.get('Modality', 'no modality')}, SOP class {sop_class or 'not told'}",
    )


def _complete_lung(
    labels: npt.NDArray[np.uint8], drawing: Drawing, scan: ReferenceScan, case: str
) -> tuple[LungSource, tuple[Note, ...]]:
    """Take the lung from the model where the reader drew none; change `labels` in place."""
    model = scan.model_labels
    if drawing.layers.holds(Region.LUNG):
        _refuse_single_value(drawing, scan, case)
        return LungSource.READER, give_back_lung(labels, scan)
    if model is None:
        raise MaskMismatchError(
            "the mask holds no lung",
            reason=Misfit.SEGMENTS,
            case=case,
            expected="a lung segment, or the model's label map to take the lung from",
            found=", ".join(sorted({segment.region for segment in drawing.segments if segment.voxels})),
            remedy="Give the model's label map of this scan, or have the lung drawn too",
        )
    labels[(labels == Label.BACKGROUND) & model.lung] = Label.LUNG
    return LungSource.MODEL, (Note("lung-from-model", "the reader drew no lung: taken from the model"),)


def _refuse_single_value(drawing: Drawing, scan: ReferenceScan, case: str) -> None:
    """Refuse a file of zeros and ones that nobody has explained: it may be lung as well as lesion."""
    drawn = [segment for segment in drawing.segments if segment.voxels]
    if drawing.values_assumed and len(drawn) == 1 and scan.model_labels is None:
        raise MaskMismatchError(
            "the mask holds a single value, which may be lung as well as lesion",
            reason=Misfit.AMBIGUOUS,
            case=case,
            expected="several values, or the model's label map to compare with",
            found=f"value {drawn[0].number} alone",
            remedy=f"Say what it means, for instance {drawn[0].number}=lung or {drawn[0].number}=lesion",
        )


def _sha256(path: Path) -> str:
    try:
        return sha256_of_file(path)
    except OSError as error:
        raise UnreadableFileError(
            "the file cannot be read",
            case=str(path),
            found=error.strerror or str(error),
            remedy="Grant read permission or copy the file again",
        ) from error


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(_PREFIX_AT + len(_PREFIX))[_PREFIX_AT:] == _PREFIX


def _refuse_missing(path: Path) -> None:
    if not path.exists():
        raise InputNotFoundError("there is no such file", case=str(path))
    if not path.is_file():
        raise UnreadableFileError("this is not a file", case=str(path), expected=f"one file: {READ_FORMATS}")
