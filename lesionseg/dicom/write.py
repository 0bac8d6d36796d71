"""Writing a CT volume as a standard-conformant series of CT images, for phantoms and self-tests.

Strict where the loader is tolerant: what cannot be stored exactly is refused. The attributes follow the CT
Image IOD (DICOM PS3.3 A.3). The bytes depend on the volume and the settings alone: UIDs are hashed from
them, and dates come from the settings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.config import IGNORE
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, generate_uid
from pydicom.valuerep import DSfloat

from lesionseg.core.errors import ConfigurationError, GeometryError, IntensityError
from lesionseg.core.files import staged_folder
from lesionseg.volume.ct_volume import CTVolume

WRITTEN_ORTHONORMALITY_TOLERANCE = 1e-4
"""Largest cosine between two axes that is still written; PS3.3 C.7.6.2.1.1 asks for orthogonal vectors."""
SYNTHETIC_NOTE = "synthetic phantom"
"""Stands in the series description and the image comments of everything written here."""
_IMPLEMENTATION_NAME = "LESIONSEG"
_STORED = np.iinfo(np.int16)
_LONG_STRING = 64  # characters in an LO value, PS3.5 6.2
_SHORT_STRING = 16  # characters in an SH value


@dataclass(frozen=True)
class WriterSettings:
    """What stands in the headers besides pixels and geometry.

    Attributes
    ----------
    entropy : str
        All UIDs are hashed from this and the patient, date and series; another text gives another study.
    patient_id, patient_name : str
        At most 64 characters.
    study_date, study_time : str
        ``YYYYMMDD`` and ``HHMMSS``.
    study_description, series_description : str
        `SYNTHETIC_NOTE` is appended to the series description.
    series_number : int
        Tells several series of one study apart.
    kernel, manufacturer, manufacturer_model : str
        As written into ConvolutionKernel, Manufacturer and ManufacturerModelName.
    slice_thickness_mm : float, optional
        Distance between slices where not given.
    rescale_intercept_hu : int
        Stored value + this = HU; the slope is always 1.
    """

    entropy: str = "lesionseg"
    patient_id: str = "PHANTOM"
    patient_name: str = "Phantom^Lesionseg"
    study_date: str = "20200101"
    study_time: str = "120000"
    study_description: str = "CT chest"
    series_description: str = "axial"
    series_number: int = 1
    kernel: str = "PHANTOM"
    manufacturer: str = "lesionseg phantom"
    manufacturer_model: str = "procedural"
    slice_thickness_mm: float | None = None
    rescale_intercept_hu: int = -1024

    def __post_init__(self) -> None:
        _check_digits("study_date", self.study_date, 8)
        _check_digits("study_time", self.study_time, 6)
        _check_length("kernel", self.kernel, _SHORT_STRING)
        described = f"{self.series_description}, {SYNTHETIC_NOTE}"
        _check_length("series_description", described, _LONG_STRING)
        for name in ("patient_id", "patient_name", "study_description", "manufacturer", "manufacturer_model"):
            _check_length(name, getattr(self, name), _LONG_STRING)
        if self.slice_thickness_mm is not None and not self.slice_thickness_mm > 0:
            raise ConfigurationError(
                "the slice thickness must be positive", found=f"{self.slice_thickness_mm} mm"
            )

    @property
    def study_uid(self) -> str:
        """Study Instance UID, the same for every series of this patient, date and time."""
        return self._uid("study")

    @property
    def series_uid(self) -> str:
        """Series Instance UID."""
        return self._uid("series", str(self.series_number), self.series_description, self.kernel)

    @property
    def frame_of_reference_uid(self) -> str:
        """Frame of Reference UID for volumes that carry none of their own."""
        return self._uid("frame of reference")

    def instance_uid(self, number: int) -> str:
        """SOP Instance UID of the slice with this InstanceNumber."""
        return self._uid("instance", self.series_uid, str(number))

    def _uid(self, *parts: str) -> str:
        scan = (self.entropy, self.patient_id, self.study_date, self.study_time)
        return str(generate_uid(entropy_srcs=["\0".join((*scan, *parts))]))


def write_ct_series(volume: CTVolume, folder: Path, *, settings: WriterSettings) -> tuple[Path, ...]:
    """Write one CT Image Storage file per slice, explicit VR little endian, signed 16 bit.

    Parameters
    ----------
    volume : CTVolume
        Whole Hounsfield units; float32 volumes must hold whole numbers. Slices are written in array order
        and numbered from 1.
    folder : Path
        New or empty. It appears whole or not at all.
    settings : WriterSettings
        Header values.

    Returns
    -------
    tuple of Path
        The files in slice order.

    Raises
    ------
    IntensityError
        If a value is not whole or does not fit 16 bits after the intercept.
    GeometryError
        If the axes depart from right angles by more than `WRITTEN_ORTHONORMALITY_TOLERANCE`, or rows or
        columns exceed 65535, or the frame of reference UID is not valid.
    OutputExistsError
        If the folder already holds files.
    OutputError
        If the folder cannot be written or the disk is full; nothing is left behind.
    """
    stored = _stored_values(volume, settings.rescale_intercept_hu)
    _check_geometry(volume)
    names = [f"IM{number:05d}.dcm" for number in range(1, len(stored) + 1)]
    with staged_folder(folder) as staging:
        for index, name in enumerate(names):
            dataset = _slice_dataset(volume, index, settings)
            dataset.PixelData = stored[index].tobytes()
            dataset.save_as(staging / name, enforce_file_format=True)
    return tuple(folder / name for name in names)


def _stored_values(volume: CTVolume, intercept_hu: int) -> npt.NDArray[np.int16]:
    if volume.hu.dtype == np.float32 and not np.array_equal(volume.hu, np.rint(volume.hu)):
        raise IntensityError(
            "the volume holds fractions of a Hounsfield unit, which a CT image cannot store",
            case=volume.name,
            remedy="Round the volume to whole Hounsfield units first",
        )
    lowest, highest = float(volume.hu.min()), float(volume.hu.max())
    if lowest - intercept_hu < _STORED.min or highest - intercept_hu > _STORED.max:
        raise IntensityError(
            "the volume does not fit 16 bits",
            case=volume.name,
            expected=f"{_STORED.min + intercept_hu} to {_STORED.max + intercept_hu} HU",
            found=f"{lowest:.0f} to {highest:.0f} HU",
            remedy="Clamp the values or choose another rescale intercept",
        )
    return np.asarray((volume.hu.astype(np.int32) - intercept_hu).astype("<i2"))


def _check_geometry(volume: CTVolume) -> None:
    cosines = volume.geometry.direction
    departure = float(np.abs(cosines.T @ cosines - np.eye(3)).max())
    if departure > WRITTEN_ORTHONORMALITY_TOLERANCE:
        raise GeometryError(
            "the axes of the volume are not at right angles",
            case=volume.name,
            expected=f"cosines between axes below {WRITTEN_ORTHONORMALITY_TOLERANCE}",
            found=f"{departure:.2g}",
            remedy="Resample the volume onto an orthogonal grid first",
        )
    if max(volume.hu.shape[1:]) > np.iinfo(np.uint16).max:
        raise GeometryError("rows or columns exceed 65535", case=volume.name, found=str(volume.hu.shape))
    frame_uid = volume.geometry.frame_of_reference_uid
    if frame_uid and not UID(frame_uid, IGNORE).is_valid:
        raise GeometryError(
            "the frame of reference UID is not a valid DICOM UID",
            case=volume.name,
            found=frame_uid,
            remedy="Leave it empty to have one made",
        )


def _slice_dataset(volume: CTVolume, index: int, settings: WriterSettings) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.ImplementationVersionName = _IMPLEMENTATION_NAME
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = settings.instance_uid(index + 1)
    dataset.InstanceNumber = index + 1
    _add_patient_and_study(dataset, settings)
    _add_series(dataset, volume, settings)
    _add_plane(dataset, volume, index, settings)
    _add_pixel_description(dataset, volume, settings)
    return dataset


def _add_patient_and_study(dataset: Dataset, settings: WriterSettings) -> None:
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName = settings.patient_name
    dataset.PatientID = settings.patient_id
    dataset.PatientBirthDate = ""
    dataset.PatientSex = ""
    dataset.StudyInstanceUID = settings.study_uid
    dataset.StudyDate = settings.study_date
    dataset.StudyTime = settings.study_time
    dataset.StudyID = "1"
    dataset.AccessionNumber = ""
    dataset.ReferringPhysicianName = ""
    dataset.StudyDescription = settings.study_description


def _add_series(dataset: Dataset, volume: CTVolume, settings: WriterSettings) -> None:
    dataset.Modality = "CT"
    dataset.SeriesInstanceUID = settings.series_uid
    dataset.SeriesNumber = settings.series_number
    dataset.SeriesDescription = f"{settings.series_description}, {SYNTHETIC_NOTE}"
    dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = settings.study_date
    dataset.SeriesTime = dataset.AcquisitionTime = dataset.ContentTime = settings.study_time
    dataset.BodyPartExamined = "CHEST"
    dataset.PatientPosition = "HFS"
    dataset.Manufacturer = settings.manufacturer
    dataset.ManufacturerModelName = settings.manufacturer_model
    dataset.FrameOfReferenceUID = volume.geometry.frame_of_reference_uid or settings.frame_of_reference_uid
    dataset.PositionReferenceIndicator = ""
    dataset.AcquisitionNumber = 1
    dataset.KVP = "120"
    dataset.ConvolutionKernel = settings.kernel
    dataset.ImageComments = SYNTHETIC_NOTE


def _add_plane(dataset: Dataset, volume: CTVolume, index: int, settings: WriterSettings) -> None:
    """Write the Image Plane module, PS3.3 C.7.6.2: the slice's own position, not a multiple of a spacing."""
    geometry = volume.geometry
    slice_mm, row_mm, column_mm = geometry.spacing_mm
    along_row, along_column = geometry.direction[:, 2], geometry.direction[:, 1]
    dataset.ImagePositionPatient = _decimals(geometry.index_to_lps((index, 0, 0)))
    dataset.ImageOrientationPatient = _decimals(np.concatenate([along_row, along_column]))
    dataset.PixelSpacing = _decimals(np.array([row_mm, column_mm]))
    dataset.SliceThickness = _decimals(np.array([settings.slice_thickness_mm or slice_mm]))[0]
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]


def _add_pixel_description(dataset: Dataset, volume: CTVolume, settings: WriterSettings) -> None:
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = volume.hu.shape[1:]
    dataset.BitsAllocated = 16
    dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = 1
    dataset.RescaleIntercept = str(settings.rescale_intercept_hu)
    dataset.RescaleSlope = "1"
    dataset.RescaleType = "HU"


def _decimals(values: npt.NDArray[np.float64]) -> list[DSfloat]:
    """Decimal strings of at most 16 characters, PS3.5 6.2; negative zero is written as 0."""
    return [DSfloat(float(value) + 0.0, auto_format=True) for value in values]


def _check_digits(name: str, text: str, count: int) -> None:
    if not re.fullmatch(rf"[0-9]{{{count}}}", text):
        raise ConfigurationError(f"{name} must be {count} digits", found=text)


def _check_length(name: str, text: str, characters: int) -> None:
    if len(text) > characters or "\\" in text:
        raise ConfigurationError(
            f"{name} does not fit its DICOM attribute",
            expected=f"at most {characters} characters and no backslash",
            found=text,
        )
