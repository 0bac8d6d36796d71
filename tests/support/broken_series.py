"""The 25 broken or odd series on which readers are compared, each made by code from one good series.

Slice 20 of 40 lies at z = 25 mm; it is the victim wherever one slice is spoilt.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

from lesionseg.core.errors import (
    DuplicatePositionError,
    GantryTiltError,
    IntensityError,
    MissingGeometryError,
    MissingSlicesError,
    MixedSliceError,
    PixelDataError,
    UnevenSpacingError,
    UnreadableFileError,
)
from lesionseg.dicom.write import WriterSettings
from tests.support.compare import Truth
from tests.support.ct_series import Series, chest_volume, save, save_all, set_z_mm, write_series, z_mm
from tests.support.encode import encode, swap_to_big_endian
from tests.support.series_case import SeriesCase, truth_of

VICTIM, VICTIM_MM = 20, 25.0
SPACING_MM = 6.25
PADDING_STORED = -2000


def uid(*parts: str) -> str:
    """A UID that depends on the words alone."""
    return str(generate_uid(entropy_srcs=["tests", *parts]))


def missing_slice(base: Series, folder: Path) -> tuple[Truth, ...]:
    datasets = base.datasets()
    del datasets[VICTIM]
    save_all(datasets, folder)
    return (truth_of(base),)


def duplicated_position(base: Series, folder: Path) -> tuple[Truth, ...]:
    datasets = base.datasets()
    copy = base.datasets()[VICTIM]
    copy.SOPInstanceUID = uid("copy")
    copy.PixelData = datasets[VICTIM + 5].PixelData
    save_all([*datasets, copy], folder)
    return (truth_of(base),)


def two_series(base: Series, folder: Path) -> tuple[Truth, ...]:
    save_all(base.datasets(), folder)
    volume = chest_volume((20, 64, 64), (12.5, 5.5, 5.5), seed=1)
    other = write_series(
        folder.with_name(folder.name + "-other"),
        volume,
        WriterSettings(entropy="tests", series_number=2, kernel="B70f", series_description="thick"),
    )
    save_all(other.datasets(), folder, prefix="IN")
    return truth_of(base), truth_of(other)


def scout_inside(base: Series, folder: Path) -> tuple[Truth, ...]:
    datasets = base.datasets()
    scout = base.datasets()[0]
    scout.SOPInstanceUID = uid("scout")
    scout.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    scout.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
    scout.ImagePositionPatient = [-173.25, 0, 150]
    scout.Rows, scout.Columns = 100, 128
    scout.PixelData = np.zeros((100, 128), "<i2").tobytes()
    save_all([scout, *datasets], folder)
    return (truth_of(base),)


def truncated_pixels(base: Series, folder: Path) -> tuple[Truth, ...]:
    datasets = base.datasets()
    datasets[VICTIM].PixelData = datasets[VICTIM].PixelData[:5000]
    save_all(datasets, folder)
    return (truth_of(base),)


def zero_byte_file(base: Series, folder: Path) -> tuple[Truth, ...]:
    paths = save_all(base.datasets(), folder)
    paths[VICTIM].write_bytes(b"")
    return (truth_of(base),)


def text_files(base: Series, folder: Path) -> tuple[Truth, ...]:
    save_all(base.datasets(), folder)
    (folder / "README.txt").write_text("Scans of the trial\n" * 50)
    (folder / "report.dcm").write_text("Lungs: ground glass in both lower lobes.\n" * 20)
    return (truth_of(base),)


def variable_spacing(base: Series, folder: Path) -> tuple[Truth, ...]:
    datasets = base.datasets()
    for index in range(VICTIM, len(datasets)):
        set_z_mm(datasets[index], z_mm(datasets[index]) + 1.75 * (index - VICTIM + 1))
    save_all(datasets, folder)
    spacing_mm = np.gradient([z_mm(dataset) for dataset in datasets])
    return (replace(truth_of(base), slice_spacing_mm=spacing_mm),)


def rescale_per_slice(base: Series, folder: Path) -> tuple[Truth, ...]:
    datasets = base.datasets()
    for index, dataset in enumerate(datasets):
        slope, intercept = (0.5 if index % 2 else 1.0), -1024 - index
        dataset.RescaleSlope, dataset.RescaleIntercept = str(slope), str(intercept)
        hu = base.volume.hu[index].astype(np.float64)
        dataset.PixelData = np.rint((hu - intercept) / slope).astype("<i2").tobytes()
    save_all(datasets, folder)
    return (truth_of(base),)


def rescale_missing_once(base: Series, folder: Path) -> tuple[Truth, ...]:
    datasets = base.datasets()
    del datasets[VICTIM].RescaleSlope, datasets[VICTIM].RescaleIntercept
    save_all(datasets, folder)
    return (truth_of(base),)


def gantry_tilt(base: Series, folder: Path) -> tuple[Truth, ...]:
    datasets = base.datasets()
    cos, sin = np.cos(np.deg2rad(15)), np.sin(np.deg2rad(15))
    for dataset in datasets:
        dataset.ImageOrientationPatient = [1, 0, 0, 0, f"{cos:.12f}", f"{sin:.12f}"]
        dataset.GantryDetectorTilt = "15"
    save_all(datasets, folder)
    affine = np.array(base.volume.geometry.affine)
    affine[:3, 1] = 5.5 * np.array([0, cos, sin])
    return (Truth(base.volume.hu, affine),)


def mixed_transfer_syntaxes(base: Series, folder: Path) -> tuple[Truth, ...]:
    syntaxes: list[UID | None] = [
        None, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, RLELossless, JPEGLSLossless,
        JPEG2000Lossless,
    ]  # fmt: skip
    encoded = [encode(ds, syntaxes[n % len(syntaxes)]) for n, ds in enumerate(base.datasets())]
    save_all(encoded, folder)
    return (truth_of(base),)


def outside_circle(shape: tuple[int, ...]) -> np.ndarray:
    """Voxels outside the circle inscribed in each slice."""
    y, x = np.meshgrid(np.linspace(-1, 1, shape[1]), np.linspace(-1, 1, shape[2]), indexing="ij")
    return np.broadcast_to(x**2 + y**2 > 1, shape)


def padding(base: Series, folder: Path) -> tuple[Truth, ...]:
    datasets = base.datasets()
    outside = outside_circle(base.volume.hu.shape)
    for dataset in datasets:
        pixels = np.frombuffer(dataset.PixelData, "<i2").reshape(dataset.Rows, dataset.Columns).copy()
        pixels[outside[0]] = PADDING_STORED
        dataset.PixelData = pixels.tobytes()
        dataset.add_new("PixelPaddingValue", "SS", PADDING_STORED)
    save_all(datasets, folder)
    hu = np.where(outside, np.int16(PADDING_STORED - 1024), base.volume.hu)
    return (Truth(hu, truth_of(base).affine, np.array(outside), PADDING_STORED - 1024),)


def other_spacing_once(base: Series, folder: Path) -> tuple[Truth, ...]:
    datasets = base.datasets()
    victim = datasets[VICTIM]
    nearest = np.rint(np.arange(64) * 5.0 / 5.5).astype(int)
    pixels = np.frombuffer(victim.PixelData, "<i2").reshape(64, 64)[np.ix_(nearest, nearest)]
    victim.PixelSpacing = [5.0, 5.0]
    victim.PixelData = pixels.tobytes()
    save_all(datasets, folder)
    return (truth_of(base),)


def other_matrix_once(base: Series, folder: Path) -> tuple[Truth, ...]:
    datasets = base.datasets()
    victim = datasets[VICTIM]
    pixels = np.frombuffer(victim.PixelData, "<i2").reshape(64, 64)[::2, ::2]
    victim.Rows = victim.Columns = 32
    victim.PixelSpacing = [11.0, 11.0]
    victim.PixelData = pixels.tobytes()
    save_all(datasets, folder)
    return (truth_of(base),)


def high_bit_garbage(base: Series, folder: Path) -> tuple[Truth, ...]:
    datasets = base.datasets()
    random = np.random.default_rng(7)
    for index, dataset in enumerate(datasets):
        dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 11, 0
        stored = (base.volume.hu[index].astype(np.int32) + 1024).astype("<u2")
        garbage = random.integers(0, 16, stored.shape).astype("<u2") << 12
        dataset.PixelData = (stored | garbage).astype("<u2").tobytes()
    save_all(datasets, folder)
    return (truth_of(base),)


def _turned(folder: Path, direction: object, position: str = "HFS") -> tuple[Truth, ...]:
    series = write_series(folder, chest_volume(direction=direction))  # type: ignore[arg-type]
    for dataset, path in zip(series.datasets(), series.paths, strict=True):
        dataset.PatientPosition = position
        save(dataset, path)
    return (truth_of(series),)


def prone(base: Series, folder: Path) -> tuple[Truth, ...]:
    return _turned(folder, [[0, 0, -1], [0, -1, 0], [1, 0, 0]], "HFP")


def rotated_in_plane(base: Series, folder: Path) -> tuple[Truth, ...]:
    return _turned(folder, [[0, -1, 0], [0, 0, 1], [1, 0, 0]])


def oblique(base: Series, folder: Path) -> tuple[Truth, ...]:
    about_x, about_z = np.deg2rad(12), np.deg2rad(7)
    turn_x = np.array([
        [1, 0, 0], [0, np.cos(about_x), -np.sin(about_x)], [0, np.sin(about_x), np.cos(about_x)]
    ])  # fmt: skip
    turn_z = np.array([
        [np.cos(about_z), -np.sin(about_z), 0], [np.sin(about_z), np.cos(about_z), 0], [0, 0, 1]
    ])  # fmt: skip
    axial = np.array([[0.0, 0, 1], [0, 1, 0], [1, 0, 0]])
    return _turned(folder, turn_z @ turn_x @ axial)


def non_square_pixels(base: Series, folder: Path) -> tuple[Truth, ...]:
    return (truth_of(write_series(folder, chest_volume((40, 48, 64), (6.25, 7.0, 5.5)))),)


def big_endian(base: Series, folder: Path) -> tuple[Truth, ...]:
    save_all([swap_to_big_endian(dataset) for dataset in base.datasets()], folder)
    return (truth_of(base),)


def no_preamble(base: Series, folder: Path) -> tuple[Truth, ...]:
    folder.mkdir(parents=True)
    for number, dataset in enumerate(base.datasets(), start=1):
        bare = Dataset(dataset)
        dcmwrite(folder / f"IM{number:05d}", bare, implicit_vr=True, little_endian=True)
    return (truth_of(base),)


def equal_instance_numbers(base: Series, folder: Path) -> tuple[Truth, ...]:
    datasets = base.datasets()
    for dataset in datasets:
        dataset.InstanceNumber = 1
    save_all(list(reversed(datasets)), folder)
    return (truth_of(base),)


def no_position(base: Series, folder: Path) -> tuple[Truth, ...]:
    datasets = base.datasets()
    for dataset in datasets:
        del dataset.ImagePositionPatient
    save_all(datasets, folder)
    return (truth_of(base),)


def nested_folders(base: Series, folder: Path) -> tuple[Truth, ...]:
    datasets = base.datasets()
    order = np.random.default_rng(3).permutation(len(datasets))
    for number, index in enumerate(order):
        save(datasets[index], folder / f"S{number % 3}" / f"part {number % 5}" / f"{number:08X}")
    return (truth_of(base),)


UNDECIDED_VICTIM = (VICTIM_MM, VICTIM_MM - SPACING_MM, VICTIM_MM + SPACING_MM)
LISTED_CASES: tuple[SeriesCase, ...] = tuple(
    SeriesCase(name, how, make, errors, positions, listed=True)
    for name, how, make, errors, positions in (
        ("missing slice", "slice 20 left out", missing_slice, (MissingSlicesError,), UNDECIDED_VICTIM),
        ("duplicated position", "a second slice with other pixels at slice 20's position",
         duplicated_position, (DuplicatePositionError,), (VICTIM_MM,)),
        ("two series in one folder", "a thick sharp series beside the good one", two_series, (), ()),
        ("scout under the same UID", "a coronal localizer with the series' UID", scout_inside,
         (MixedSliceError,), ()),
        ("truncated pixels", "slice 20's pixel data cut to 5000 of 8192 bytes", truncated_pixels,
         (PixelDataError, UnreadableFileError), ()),
        ("zero-byte file", "slice 20's file emptied", zero_byte_file,
         (UnreadableFileError, MissingSlicesError), ()),
        ("text files", "a README and a text named .dcm among the slices", text_files, (), ()),
        ("variable spacing", "6.25 mm below slice 20, 8 mm above", variable_spacing,
         (UnevenSpacingError,), (18.75, 26.75, -100.0, -93.75)),
        ("rescale differs per slice", "own slope and intercept in every slice, same HU",
         rescale_per_slice, (), ()),
        ("rescale missing on one slice", "slice 20 without slope and intercept", rescale_missing_once,
         (MixedSliceError, IntensityError), (VICTIM_MM,)),
        ("gantry tilt", "slices tilted by 15 degrees, positions along z", gantry_tilt,
         (GantryTiltError,), ()),
        ("mixed transfer syntaxes", "six encodings in turn", mixed_transfer_syntaxes, (), ()),
        ("padding -2000", "stored value -2000 outside the circle, named in PixelPaddingValue", padding,
         (), ()),
        ("other spacing on one slice", "slice 20 sampled at 5 mm pixels", other_spacing_once,
         (MixedSliceError,), (VICTIM_MM,)),
        ("other matrix on one slice", "slice 20 as 32 x 32 pixels of 11 mm", other_matrix_once,
         (MixedSliceError,), (VICTIM_MM,)),
        ("garbage in the high bits", "12 bits stored, noise in the upper 4", high_bit_garbage, (), ()),
        ("prone", "rows and columns reversed in the patient", prone, (), ()),
        ("rotated in plane", "rows along y, columns along -x", rotated_in_plane, (), ()),
        ("oblique", "turned by 12 degrees about x and 7 about z", oblique, (), ()),
        ("non-square pixels", "rows 7 mm, columns 5.5 mm apart", non_square_pixels, (), ()),
        ("big endian", "explicit VR big endian", big_endian, (), ()),
        ("no preamble", "bare implicit VR data sets without preamble and file meta", no_preamble, (), ()),
        ("equal instance numbers", "InstanceNumber 1 everywhere, file names reversed",
         equal_instance_numbers, (), ()),
        ("no ImagePositionPatient", "position taken out of every slice", no_position,
         (MissingGeometryError,), ()),
        ("nested folders", "scattered over nested folders under invented names", nested_folders, (), ()),
    )
)  # fmt: skip
assert len(LISTED_CASES) == 25
