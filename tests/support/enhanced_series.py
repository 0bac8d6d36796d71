"""An enhanced (multi-frame) CT image of a volume, with the functional groups a loader needs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import EnhancedCTImageStorage, ExplicitVRLittleEndian, generate_uid
from pydicom.valuerep import DSfloat

from lesionseg.volume import CTVolume


def enhanced_dataset(volume: CTVolume, frame_order: Sequence[int] | None = None) -> Dataset:
    """One multi-frame data set; `frame_order` picks and orders the slices that become frames."""
    order = list(range(len(volume.hu))) if frame_order is None else list(frame_order)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = EnhancedCTImageStorage
    for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        setattr(dataset, keyword, generate_uid(entropy_srcs=["enhanced", keyword, str(order)]))
    dataset.PatientID = dataset.PatientName = "PHANTOM"
    dataset.Modality = "CT"
    dataset.SeriesDescription = "enhanced, synthetic phantom"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    dataset.InstanceNumber = 1
    dataset.NumberOfFrames = len(order)
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = volume.hu.shape[1:]
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 1
    dataset.SharedFunctionalGroupsSequence = Items([_shared_groups(volume)])
    dataset.PerFrameFunctionalGroupsSequence = Items([_frame_groups(volume, index) for index in order])
    stored = volume.hu[order].astype(np.int32) + 1024
    dataset.PixelData = stored.astype("<i2").tobytes()
    dataset["PixelData"].VR = "OW"
    return dataset


def _shared_groups(volume: CTVolume) -> Dataset:
    geometry = volume.geometry
    groups, measures, orientation, rescale = Dataset(), Dataset(), Dataset(), Dataset()
    measures.PixelSpacing = _decimals(geometry.spacing_mm[1:])
    measures.SliceThickness = _decimals(geometry.spacing_mm[:1])[0]
    cosines = np.concatenate([geometry.direction[:, 2], geometry.direction[:, 1]])
    orientation.ImageOrientationPatient = _decimals(cosines)
    rescale.RescaleIntercept, rescale.RescaleSlope, rescale.RescaleType = "-1024", "1", "HU"
    groups.PixelMeasuresSequence = Items([measures])
    groups.PlaneOrientationSequence = Items([orientation])
    groups.PixelValueTransformationSequence = Items([rescale])
    return groups


def _frame_groups(volume: CTVolume, index: int) -> Dataset:
    groups, position, content = Dataset(), Dataset(), Dataset()
    position.ImagePositionPatient = _decimals(volume.geometry.index_to_lps((index, 0, 0)))
    content.DimensionIndexValues = [1, index + 1]
    groups.PlanePositionSequence = Items([position])
    groups.FrameContentSequence = Items([content])
    return groups


def _decimals(values: Sequence[float] | np.ndarray) -> list[DSfloat]:
    return [DSfloat(float(value), auto_format=True) for value in values]
