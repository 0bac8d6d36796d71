"""The overview picture as a Secondary Capture image, for viewers that show nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.uid import UID, SecondaryCaptureImageStorage

from lesionseg.core.errors import UnreadableFileError
from lesionseg.export.derived import MANUFACTURER, MODEL_NAME, NewSeries, derived_dataset
from lesionseg.export.object_file import write_object
from lesionseg.export.origin import Origin
from lesionseg.export.source import SourceSeries

SC_SERIES: Final = NewSeries(
    kind="sc",
    modality="OT",
    number=9003,
    description="lesionseg: overview",
    sop_class_uid=str(SecondaryCaptureImageStorage),
)
_CHANNELS: Final = {1: (0, 0, 0), 3: (0, 1, 2), 4: (0, 1, 2)}  # grey, RGB, RGB and opacity
_OPAQUE: Final = 255
_SOURCE_IMAGE: Final = ("121322", "DCM", "Source image for image processing operation")  # CID 7202
_TEXT_LIMIT: Final = 1024  # characters in an ST value, PS3.5 6.2


@dataclass(frozen=True)
class SecondaryCaptureResult:
    """A picture that was written: where, and its UIDs."""

    path: Path
    sop_instance_uid: str
    series_uid: str


def write_secondary_capture(
    png: Path, source: SourceSeries, origin: Origin, path: Path
) -> SecondaryCaptureResult:
    """Write a picture of a case as a Secondary Capture image in true colour, whole or not at all.

    The picture is stored as it is, uncompressed. It carries the name of the scan and figures in its pixels,
    so it is marked as having burned-in annotation. The same arguments give the same bytes.

    Parameters
    ----------
    png : Path
        Grey, RGB or RGBA, 8 bits; as `lesionseg.reports.overview` draws it.
    source : SourceSeries
        The series it was drawn from; the picture joins its study.
    origin : Origin
    path : Path
        The file; an existing one is replaced.

    Raises
    ------
    UnreadableFileError
        If the PNG is absent, damaged, not of 8 bits or not opaque.
    OutputError
        If the folder cannot be written or the disk is full.
    """
    pixels = _read_rgb(png)
    dataset = derived_dataset(source, SC_SERIES, origin)
    _add_capture(dataset, source, origin)
    _add_references(dataset, source)
    _add_pixels(dataset, pixels)
    write_object(dataset, path)
    return SecondaryCaptureResult(path, str(dataset.SOPInstanceUID), str(dataset.SeriesInstanceUID))


def _add_capture(dataset: Dataset, source: SourceSeries, origin: Origin) -> None:
    """Add the general image and SC equipment modules (PS3.3 C.7.6.1, C.8.6.1, C.8.6.2)."""
    drawn_by = f"reader {origin.reader}" if origin.by_reader else origin.bundle or "lesionseg"
    words = f"Overview of the segmentation: CT with and without labels, measurements. Labels: {drawn_by}"
    dataset.BodyPartExamined = "CHEST"
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.PatientOrientation = None  # several cuts in one picture have no common one
    dataset.DerivationDescription = words.replace("\\", "/")[:_TEXT_LIMIT]
    dataset.BurnedInAnnotation = "YES"
    dataset.RecognizableVisualFeatures = "NO"
    dataset.ConversionType = "WSD"
    dataset.SecondaryCaptureDeviceManufacturer = MANUFACTURER
    dataset.SecondaryCaptureDeviceManufacturerModelName = MODEL_NAME
    dataset.SecondaryCaptureDeviceSoftwareVersions = origin.software_version
    dataset.DateOfSecondaryCapture = dataset.ContentDate
    dataset.TimeOfSecondaryCapture = dataset.ContentTime
    _add_lossy_history(dataset, source.header)


def _add_lossy_history(dataset: Dataset, header: Dataset) -> None:
    """Say so where the CT was once compressed with loss: traces are left (PS3.3 C.7.6.1.1.5)."""
    if header.get("LossyImageCompression") != "01":
        dataset.LossyImageCompression = "00"
        return
    for keyword in ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"):
        if keyword in header:
            dataset[keyword] = header[keyword]


def _add_references(dataset: Dataset, source: SourceSeries) -> None:
    """Refer to every object of the source (PS3.3 C.12.4, C.12.1.1.2)."""
    objects = dict.fromkeys((part.sop_class_uid, part.sop_instance_uid) for part in source.instances)
    series = Dataset()
    series.SeriesInstanceUID = UID(source.series_uid)
    series.ReferencedInstanceSequence = [_reference(*pair) for pair in objects]
    dataset.ReferencedSeriesSequence = [series]
    dataset.SourceImageSequence = [_reference(*pair) for pair in objects]
    for item in dataset.SourceImageSequence:
        item.PurposeOfReferenceCodeSequence = [_purpose()]


def _reference(class_uid: str, instance_uid: str) -> Dataset:
    reference = Dataset()
    reference.ReferencedSOPClassUID = UID(class_uid)
    reference.ReferencedSOPInstanceUID = UID(instance_uid)
    return reference


def _purpose() -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = _SOURCE_IMAGE
    return code


def _add_pixels(dataset: Dataset, pixels: npt.NDArray[np.uint8]) -> None:
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.SamplesPerPixel = 3
    dataset.PhotometricInterpretation = "RGB"
    dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelRepresentation = 0
    values = pixels.tobytes()
    dataset.PixelData = values + b"\0" * (len(values) % 2)


def _read_rgb(png: Path) -> npt.NDArray[np.uint8]:
    """Return the picture as (rows, columns, 3)."""
    import SimpleITK

    try:
        image = SimpleITK.ReadImage(str(png), imageIO="PNGImageIO")
    except RuntimeError as error:
        raise _not_a_picture(png, "it cannot be read") from error
    values = SimpleITK.GetArrayFromImage(image)
    if values.ndim == 2:
        values = values[..., np.newaxis]
    channels = _CHANNELS.get(values.shape[-1])
    if values.dtype != np.uint8 or values.ndim != 3 or channels is None:
        raise _not_a_picture(png, f"{values.shape} {values.dtype}")
    if values.shape[-1] == 4 and (values[..., 3] != _OPAQUE).any():
        raise _not_a_picture(png, "transparent parts")
    return np.ascontiguousarray(values[..., channels])


def _not_a_picture(png: Path, found: str) -> UnreadableFileError:
    return UnreadableFileError(
        "the overview is not a picture that can be stored",
        case=str(png),
        expected="an opaque PNG of 8 bits in grey, RGB or RGBA",
        found=found,
        remedy="Segment the case again, or leave the secondary capture out",
    )
