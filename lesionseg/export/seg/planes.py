"""Where the frames of a SEG lie, and which source slice each was made from.

highdicom takes its references and positions from the headers of source images. It gets one small header for
each slice, made here, so that classic files, one multi-frame file and several of them are all the same to it,
and no source file has to be opened. A slice in a multi-frame file goes by a name of its own until
`refer_to_frames` puts file and frame number in its place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from highdicom import PixelMeasuresSequence
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, CTImageStorage
from pydicom.valuerep import DSfloat

from lesionseg.core.errors import GeometryError
from lesionseg.dicom.loader import STRAIGHT
from lesionseg.dicom.transfer_syntaxes import LOSSY
from lesionseg.dicom.uids import derived_uid
from lesionseg.export.copied_values import checked_text
from lesionseg.export.derived import CHARACTER_SET
from lesionseg.export.source import SourceInstance, SourceSeries
from lesionseg.volume import VolumeGeometry


@dataclass(frozen=True)
class Planes:
    """Headers that stand for the source slices, in array order.

    Attributes
    ----------
    headers : tuple of Dataset
    instances : dict of str to SourceInstance
        By the name the slice goes by in its header.
    measures : PixelMeasuresSequence
        Spacing in all three directions; the thickness is the scanner's where it is known.
    preserved : bool
        Whether frame and source slice agree pixel by pixel; not so where a tilted stack was straightened.
    """

    headers: tuple[Dataset, ...]
    instances: dict[str, SourceInstance]
    measures: PixelMeasuresSequence
    preserved: bool


def planes_of(geometry: VolumeGeometry, source: SourceSeries) -> Planes:
    """Make a header for every slice of the label map's grid.

    Where the grid is the source's own, a frame carries the position of its slice to the last digit.

    Raises
    ------
    GeometryError
        If label map and source have different grids.
    """
    _check_same_grid(geometry, source)
    preserved = STRAIGHT in source.series.checks_passed
    names = [_name(instance) for instance in source.instances]
    common = _common_header(geometry, source)
    headers = []
    for index, (name, instance) in enumerate(zip(names, source.instances, strict=True)):
        header = Dataset()
        header.update(common)
        header.SOPInstanceUID = UID(name)
        position_mm = instance.position_mm if preserved else geometry.index_to_lps((index, 0, 0))
        header.ImagePositionPatient = _decimals(position_mm)
        headers.append(header)
    instances = dict(zip(names, source.instances, strict=True))
    return Planes(tuple(headers), instances, _pixel_measures(geometry, source), preserved)


def refer_to_source(seg: Dataset, planes: Planes) -> None:
    """Put the true classes, files and frame numbers in place of the names, in every reference of a SEG."""
    for reference in _frame_references(seg):
        instance = planes.instances[str(reference.ReferencedSOPInstanceUID)]
        _refer(reference, instance)
        if instance.frame_number is not None:
            reference.ReferencedFrameNumber = instance.frame_number
        if not planes.preserved:
            reference.SpatialLocationsPreserved = "NO"
    files = {instance.sop_instance_uid: instance for instance in planes.instances.values()}
    seg.SourceImageSequence = Sequence(_reference(instance) for instance in files.values())
    seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence = Sequence(
        _reference(instance) for instance in files.values()
    )


def _check_same_grid(geometry: VolumeGeometry, source: SourceSeries) -> None:
    expected = source.series.geometry
    if geometry.matches(expected) and geometry.shape[0] == len(source.instances):
        return
    off_mm = np.abs(geometry.corners_lps_mm() - expected.corners_lps_mm()).max()
    raise GeometryError(
        "the label map does not lie on the grid of the series it is to be exported with",
        case=source.series.series_uid,
        expected=f"{expected.shape} voxels of {_spacing(expected)} mm",
        found=f"{geometry.shape} voxels of {_spacing(geometry)} mm, corners up to {off_mm:.2f} mm off",
        remedy="Export with the series that the labels were made on",
    )


def _spacing(geometry: VolumeGeometry) -> str:
    return " x ".join(f"{step:.3g}" for step in geometry.spacing_mm)


def _name(instance: SourceInstance) -> str:
    if instance.frame_number is None:
        return instance.sop_instance_uid
    return derived_uid("frame", instance.sop_instance_uid, str(instance.frame_number))


def _pixel_measures(geometry: VolumeGeometry, source: SourceSeries) -> PixelMeasuresSequence:
    between_slices_mm, between_rows_mm, between_columns_mm = geometry.spacing_mm
    thickness_mm = source.series.acquisition.slice_thickness_mm or between_slices_mm
    return PixelMeasuresSequence((between_rows_mm, between_columns_mm), thickness_mm, between_slices_mm)


def _common_header(geometry: VolumeGeometry, source: SourceSeries) -> Dataset:
    header = Dataset()
    header.SpecificCharacterSet = CHARACTER_SET
    header.SOPClassUID = CTImageStorage
    header.Modality = "CT"
    header.StudyInstanceUID = UID(source.study_uid)
    header.SeriesInstanceUID = UID(source.series_uid)
    header.FrameOfReferenceUID = UID(source.frame_of_reference_uid)
    header.PositionReferenceIndicator = checked_text(source.header, "PositionReferenceIndicator")[1]
    for keyword in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber"):
        setattr(header, keyword, "")  # `derived_dataset` fills them in
    for keyword in ("StudyID", "StudyDate", "StudyTime", "ReferringPhysicianName"):
        setattr(header, keyword, "")
    if _was_lossy(source.header):  # what is made of a lossy image is lossy, PS3.3 C.7.6.1.1.5
        header.LossyImageCompression = "01"
        for keyword in ("LossyImageCompressionRatio", "LossyImageCompressionMethod"):
            if text := checked_text(source.header, keyword)[1]:
                setattr(header, keyword, text)
    header.Rows, header.Columns = geometry.shape[1:]
    spacing_mm, direction = geometry.spacing_mm, geometry.direction
    header.PixelSpacing = _decimals(spacing_mm[1:])
    header.SliceThickness = _decimals(spacing_mm[:1])[0]
    header.ImageOrientationPatient = _decimals(np.concatenate([direction[:, 2], direction[:, 1]]))
    return header


def _was_lossy(header: Dataset) -> bool:
    syntax = str(header.file_meta.get("TransferSyntaxUID", "")) if hasattr(header, "file_meta") else ""
    return checked_text(header, "LossyImageCompression")[1] == "01" or syntax in LOSSY


def _frame_references(seg: Dataset) -> list[Dataset]:
    """Return every reference once: highdicom shares one between the frames of a plane."""
    found: dict[int, Dataset] = {}
    for frame in seg.PerFrameFunctionalGroupsSequence:
        for derivation in frame.DerivationImageSequence:
            found |= {id(reference): reference for reference in derivation.SourceImageSequence}
    return list(found.values())


def _reference(instance: SourceInstance) -> Dataset:
    reference = Dataset()
    _refer(reference, instance)
    return reference


def _refer(reference: Dataset, instance: SourceInstance) -> None:
    reference.ReferencedSOPClassUID = UID(instance.sop_class_uid)
    reference.ReferencedSOPInstanceUID = UID(instance.sop_instance_uid)


def _decimals(values: npt.ArrayLike) -> list[DSfloat]:
    """Decimal strings of at most 16 characters, PS3.5 6.2; negative zero is written as 0."""
    return [DSfloat(float(value) + 0.0, auto_format=True) for value in np.asarray(values, np.float64)]
