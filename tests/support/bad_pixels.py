"""Bad and odd pixel values: not Hounsfield units, mixed rescale, padding, a head."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom import Dataset

from lesionseg.core.errors import (
    IntensityError,
    MixedSliceError,
    NoCTSeriesError,
    PixelDataError,
)
from lesionseg.dicom.write import WriterSettings
from lesionseg.volume import CTVolume, VolumeGeometry
from tests.support.broken_series import PADDING_STORED, VICTIM, VICTIM_MM, outside_circle
from tests.support.compare import Truth
from tests.support.ct_series import Series, save, save_all, write_series
from tests.support.series_case import SeriesCase, truth_of

Truths = tuple[Truth, ...]


def _padded(base: Series, folder: Path, padding_hu: int) -> Truths:
    datasets = base.datasets()
    outside = np.array(outside_circle(base.volume.hu.shape))
    hu = np.where(outside, np.int16(padding_hu), base.volume.hu)
    for index, dataset in enumerate(datasets):
        dataset.RescaleIntercept = "0"
        dataset.PixelData = hu[index].astype("<i2").tobytes()
    save_all(datasets, folder)
    return (Truth(hu, truth_of(base).affine, outside, padding_hu),)


def rescale_missing_everywhere(base: Series, folder: Path) -> Truths:
    datasets = base.datasets()
    for dataset in datasets:
        del dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType
    save_all(datasets, folder)
    return ()


def rescale_type_us(base: Series, folder: Path) -> Truths:
    datasets = base.datasets()
    for dataset in datasets:
        dataset.RescaleType = "US"
    save_all(datasets, folder)
    return ()


def eight_bit_grey(base: Series, folder: Path) -> Truths:
    datasets = base.datasets()
    for index, dataset in enumerate(datasets):
        grey = np.clip((base.volume.hu[index].astype(float) + 1000) / 1400 * 255, 0, 255)
        dataset.RescaleIntercept = "0"
        dataset.PixelData = grey.astype("<i2").tobytes()
    save_all(datasets, folder)
    return ()


def colour_pictures(base: Series, folder: Path) -> Truths:
    datasets = base.datasets()
    for dataset in datasets:
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 3, "RGB"
        dataset.PlanarConfiguration = 0
        dataset.BitsAllocated = dataset.BitsStored = 8
        dataset.HighBit, dataset.PixelRepresentation = 7, 0
        dataset.PixelData = b"\x80" * (64 * 64 * 3)
    save_all(datasets, folder)
    return ()


def zero_slope(base: Series, folder: Path) -> Truths:
    datasets = base.datasets()
    datasets[VICTIM].RescaleSlope = "0"
    save_all(datasets, folder)
    return (truth_of(base),)


def mixed_rescale_type(base: Series, folder: Path) -> Truths:
    datasets = base.datasets()
    datasets[VICTIM].RescaleType = "Z_EFF"
    save_all(datasets, folder)
    return (truth_of(base),)


def mixed_sign(base: Series, folder: Path) -> Truths:
    """Even slices signed with intercept 0, odd ones unsigned with intercept -1024."""
    datasets = base.datasets()
    for index, dataset in enumerate(datasets):
        hu = base.volume.hu[index].astype(np.int32)
        dataset.PixelRepresentation = 1 - index % 2
        dataset.RescaleIntercept = "-1024" if index % 2 else "0"
        dataset.PixelData = (hu + 1024).astype("<u2").tobytes() if index % 2 else hu.astype("<i2").tobytes()
    save_all(datasets, folder)
    return (truth_of(base),)


def signed_high_bits(base: Series, folder: Path) -> Truths:
    """Twelve-bit two's complement with noise above: the sign stands in bit 11."""
    datasets = base.datasets()
    random = np.random.default_rng(8)
    hu = np.clip(base.volume.hu, -1024, 1023)
    for index, dataset in enumerate(datasets):
        dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 11, 1
        dataset.RescaleIntercept = "0"
        stored = hu[index].astype(np.int32) & 0x0FFF
        noise = random.integers(0, 16, stored.shape) << 12
        dataset.PixelData = (stored | noise).astype("<u2").tobytes()
    save_all(datasets, folder)
    return (Truth(hu, truth_of(base).affine),)


def monochrome1(base: Series, folder: Path) -> Truths:
    datasets = base.datasets()
    for dataset in datasets:
        dataset.PhotometricInterpretation = "MONOCHROME1"
    save_all(datasets, folder)
    return (truth_of(base),)


def modality_lut(base: Series, folder: Path) -> Truths:
    """A lookup table in place of slope and intercept."""
    datasets = base.datasets()
    for dataset in datasets:
        del dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType
        table = Dataset()
        table.add_new("LUTDescriptor", "US", [256, 0, 16])
        table.ModalityLUTType = "US"
        table.add_new("LUTData", "OW", np.arange(256, dtype="<u2").tobytes())
        dataset.ModalityLUTSequence = [table]
    save_all(datasets, folder)
    return ()


def head(base: Series, folder: Path) -> Truths:
    """A skull-like shell around brain; the loader may pass it, the chest check later must not."""
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in (32, 64, 64)), indexing="ij")
    radius = np.sqrt(x**2 + y**2 + z**2)
    hu = np.select([radius < 0.7, radius < 0.8, radius < 0.9], [35, 1100, 40], -1000).astype(np.int16)
    volume = CTVolume(hu, VolumeGeometry.from_axes(hu.shape, (5.0, 3.5, 3.5), (-110.0, -110.0, 0.0)))
    series = write_series(folder, volume, WriterSettings(entropy="head", study_description="CT head"))
    for dataset, path in zip(series.datasets(), series.paths, strict=True):
        dataset.BodyPartExamined = "HEAD"
        save(dataset, path)
    return (truth_of(series),)


def unmarked_padding_2000(base: Series, folder: Path) -> Truths:
    return _padded(base, folder, PADDING_STORED)


def unmarked_padding_2048(base: Series, folder: Path) -> Truths:
    return _padded(base, folder, -2048)


def unmarked_padding_3024(base: Series, folder: Path) -> Truths:
    return _padded(base, folder, -3024)


AT_VICTIM = (VICTIM_MM,)
BAD_PIXELS_CASES: tuple[SeriesCase, ...] = (
    SeriesCase(
        "rescale missing everywhere", "stored values alone", rescale_missing_everywhere, (IntensityError,)
    ),
    SeriesCase("rescale type US", "unspecified units", rescale_type_us, (IntensityError, NoCTSeriesError)),
    SeriesCase("grey values", "0 to 255 in place of HU", eight_bit_grey, (IntensityError,)),
    SeriesCase(
        "colour pictures",
        "RGB screen shots with the CT's UID",
        colour_pictures,
        (PixelDataError, NoCTSeriesError, IntensityError, MixedSliceError),
    ),
    SeriesCase("zero slope", "slice 20 with slope 0", zero_slope, (IntensityError, MixedSliceError)),
    SeriesCase(
        "mixed rescale type",
        "slice 20 in Z_EFF",
        mixed_rescale_type,
        (MixedSliceError, IntensityError),
        AT_VICTIM,
    ),
    SeriesCase("mixed sign", "signed and unsigned slices in turn, same HU", mixed_sign),
    SeriesCase("signed 12 bits, garbage above", "sign in bit 11", signed_high_bits),
    SeriesCase("MONOCHROME1", "inverted for display", monochrome1, (PixelDataError,), may_load=True),
    SeriesCase("modality LUT", "a lookup table in place of the rescale", modality_lut, (IntensityError,)),
    SeriesCase("head", "a skull phantom; refused later, by the chest check", head),
    SeriesCase("unmarked padding -2000", "no PixelPaddingValue", unmarked_padding_2000),
    SeriesCase("unmarked padding -2048", "no PixelPaddingValue", unmarked_padding_2048),
    SeriesCase("unmarked padding -3024", "no PixelPaddingValue", unmarked_padding_3024),
)
