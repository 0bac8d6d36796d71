"""What every slice must carry and what all must share; messages name slice, place and values."""

from __future__ import annotations

import pytest
from pydicom import Dataset

from lesionseg.core.errors import (
    GeometryError,
    IntensityError,
    LesionSegError,
    MissingGeometryError,
    MixedSliceError,
    PixelDataError,
)
from lesionseg.dicom import load_series
from tests.dicom.conftest import SaveSeries

TILTED_ROWS = [1, 0, 0, 0, 0.9, 0.1]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"ImagePositionPatient": None}, MissingGeometryError, "no usable ImagePositionPatient"),
        ({"ImageOrientationPatient": None}, MissingGeometryError, "no usable ImageOrientationPatient"),
        ({"PixelSpacing": None}, MissingGeometryError, "no usable PixelSpacing"),
        ({"ImageOrientationPatient": TILTED_ROWS}, GeometryError, "not unit vectors at right angles"),
        ({"PixelSpacing": [-1, 1]}, GeometryError, "impossible"),
        ({"ImagePositionPatient": [0, 0, 1e7]}, GeometryError, "impossible"),
        ({"Rows": 1}, PixelDataError, "rows and columns"),
        ({"Columns": 60000}, PixelDataError, "rows and columns"),
        ({"SamplesPerPixel": 3}, PixelDataError, "one sample per pixel"),
        ({"PhotometricInterpretation": "RGB"}, PixelDataError, "MONOCHROME2"),
        ({"BitsAllocated": 32}, PixelDataError, "8 or 16 bits"),
        ({"BitsStored": 17}, PixelDataError, "within the bits allocated"),
        ({"HighBit": 2}, PixelDataError, "within the bits allocated"),
        ({"PixelRepresentation": 7}, PixelDataError, "signed or unsigned"),
        ({"RescaleSlope": None}, IntensityError, "slope or intercept is missing"),
        ({"RescaleSlope": "-1"}, IntensityError, "not Hounsfield units"),
        ({"RescaleIntercept": "9e9"}, IntensityError, "not Hounsfield units"),
        ({"RescaleType": "OD"}, IntensityError, "type OD"),
        ({"ModalityLUTSequence": [Dataset()]}, IntensityError, "lookup table"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, MixedSliceError, "localizers are mixed"),
        ({"ImageType": ["DERIVED", "SECONDARY", "MIP"]}, MixedSliceError, "derived images are mixed"),
        ({"PatientID": "SOMEBODY"}, MixedSliceError, "differ in patient"),
        ({"StudyInstanceUID": "1.2.3"}, MixedSliceError, "differ in study"),
        ({"FrameOfReferenceUID": "1.2.3"}, MixedSliceError, "differ in frame of reference"),
        ({"ImageOrientationPatient": [0, 1, 0, -1, 0, 0]}, MixedSliceError, "differ in orientation"),
        ({"PixelSpacing": [11.1, 11]}, MixedSliceError, "11.1 x 11"),
        ({"PhotometricInterpretation": "MONOCHROME1"}, MixedSliceError, "photometric"),
        ({"PatientPosition": "FFP"}, MixedSliceError, "patient position"),
        ({"ConvolutionKernel": "B70f"}, MixedSliceError, "convolution kernel"),
        ({"SliceThickness": "1.25"}, MixedSliceError, "slice thickness"),
        ({"ContrastBolusAgent": "iohexol"}, MixedSliceError, "nothing as on 5 slices"),
        ({"RescaleType": None}, MixedSliceError, "rescale type"),
    ],
)  # fmt: skip
def test_one_odd_slice_is_refused_by_name_and_place(
    changes: dict[str, object],
    error: type[LesionSegError],
    message: str,
    slices: list[Dataset],
    save_series: SaveSeries,
) -> None:
    for keyword, value in changes.items():
        setattr(slices[3], keyword, value)
    with pytest.raises(error, match=message) as caught:
        load_series(save_series(slices))
    assert "IM00004.dcm" in str(caught.value)
    if "ImagePositionPatient" not in changes:
        assert "20.0" in str(caught.value)
    assert slices[0].SeriesInstanceUID in caught.value.case
    assert caught.value.remedy


@pytest.mark.parametrize(
    "changes",
    [
        {"PixelSpacing": [11.001, 11]},
        {"ImageOrientationPatient": [1, 0.0004, 0, -0.0004, 1, 0]},
        {"SliceThickness": "40.001"},
        {"InstanceNumber": None},
        {"HighBit": None},
        {"SamplesPerPixel": None},
        {"SOPClassUID": ""},
        {"ImageType": None},
    ],
)
def test_rounding_and_absent_trifles_are_no_reason_to_refuse(
    changes: dict[str, object], slices: list[Dataset], save_series: SaveSeries
) -> None:
    for keyword, value in changes.items():
        setattr(slices[3], keyword, value)
    assert len(load_series(save_series(slices)).series.slices) == 6


def test_many_odd_slices_are_named_in_part(slices: list[Dataset], save_series: SaveSeries) -> None:
    for dataset in slices[1:]:
        del dataset.RescaleSlope
    with pytest.raises(IntensityError, match=r"5 of 6: IM00002.*and 2 more"):
        load_series(save_series(slices))


def test_monochrome1_throughout_is_read_like_monochrome2(
    slices: list[Dataset], save_series: SaveSeries
) -> None:
    expected = load_series(save_series(slices)).volume.hu
    for dataset in slices:
        dataset.PhotometricInterpretation = "MONOCHROME1"
    assert (load_series(save_series(slices, "inverted")).volume.hu == expected).all()
