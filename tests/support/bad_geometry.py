"""Bad and odd geometry: gaps, duplicates, interleaving, mixtures, turns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lesionseg.core.errors import (
    AmbiguousSeriesError,
    DuplicatePositionError,
    GeometryError,
    MissingGeometryError,
    MissingSlicesError,
    MixedSliceError,
    NoCTSeriesError,
    TooFewSlicesError,
    UnevenSpacingError,
)
from lesionseg.dicom.write import WriterSettings
from tests.support.broken_series import VICTIM, VICTIM_MM, uid
from tests.support.compare import Truth
from tests.support.ct_series import Series, chest_volume, save_all, set_z_mm, write_series, z_mm
from tests.support.series_case import SeriesCase, truth_of

Truths = tuple[Truth, ...]


def six_missing_slices(base: Series, folder: Path) -> Truths:
    datasets = base.datasets()
    del datasets[VICTIM : VICTIM + 6]
    save_all(datasets, folder)
    return (truth_of(base),)


def missing_slice_near_end(base: Series, folder: Path) -> Truths:
    datasets = base.datasets()
    del datasets[1]
    save_all(datasets, folder)
    return (truth_of(base),)


def every_second_missing_above(base: Series, folder: Path) -> Truths:
    datasets = base.datasets()
    save_all(datasets[:VICTIM] + datasets[VICTIM::2], folder)
    return (truth_of(base),)


def duplicated_equal(base: Series, folder: Path) -> Truths:
    datasets = base.datasets()
    copy = base.datasets()[VICTIM]
    copy.SOPInstanceUID = uid("copy")
    save_all([*datasets, copy], folder)
    return (truth_of(base),)


def duplicated_instead(base: Series, folder: Path) -> Truths:
    """Slice 21 is missing and slice 20 stands there twice, so that the count is right."""
    datasets = base.datasets()
    set_z_mm(datasets[VICTIM + 1], z_mm(datasets[VICTIM]))
    save_all(datasets, folder)
    return (truth_of(base),)


def interleaved_quarter(base: Series, folder: Path) -> Truths:
    datasets, others = base.datasets(), base.datasets()
    for dataset in others:
        dataset.SOPInstanceUID = uid("interleaved", str(z_mm(dataset)))
        dataset.AcquisitionNumber, dataset.ConvolutionKernel = 2, "B70f"
        set_z_mm(dataset, z_mm(dataset) + 1.5625)
    save_all([d for pair in zip(datasets, others, strict=True) for d in pair], folder)
    return (truth_of(base),)


def interleaved_half(base: Series, folder: Path) -> Truths:
    datasets, others = base.datasets(), base.datasets()
    for dataset in others:
        dataset.SOPInstanceUID = uid("interleaved", str(z_mm(dataset)))
        dataset.AcquisitionNumber, dataset.ConvolutionKernel = 2, "B70f"
        set_z_mm(dataset, z_mm(dataset) + 3.125)
    save_all([d for pair in zip(datasets, others, strict=True) for d in pair], folder)
    return (truth_of(base),)


def interleaved_same_positions(base: Series, folder: Path) -> Truths:
    datasets, others = base.datasets(), base.datasets()
    for dataset, pixels in zip(others, reversed(base.datasets()), strict=True):
        dataset.SOPInstanceUID = uid("interleaved", str(z_mm(dataset)))
        dataset.ConvolutionKernel = "B70f"
        dataset.PixelData = pixels.PixelData
    save_all(datasets + others, folder)
    return (truth_of(base),)


def interleaved_one_kernel(base: Series, folder: Path) -> Truths:
    """Two breath holds exactly between each other, told apart by the acquisition number alone."""
    datasets, others = base.datasets(), base.datasets()
    for dataset in others:
        dataset.SOPInstanceUID = uid("interleaved", str(z_mm(dataset)))
        dataset.AcquisitionNumber = 2
        set_z_mm(dataset, z_mm(dataset) + 3.125)
    save_all([d for pair in zip(datasets, others, strict=True) for d in pair], folder)
    return (truth_of(base),)


def stacked_acquisitions(base: Series, folder: Path) -> Truths:
    datasets = base.datasets()
    for dataset in datasets[VICTIM:]:
        dataset.AcquisitionNumber = 2
    save_all(datasets, folder)
    return (truth_of(base),)


def acquisition_per_slice(base: Series, folder: Path) -> Truths:
    datasets = base.datasets()
    for number, dataset in enumerate(datasets, start=1):
        dataset.AcquisitionNumber = number
    save_all(datasets, folder)
    return (truth_of(base),)


def shifted_sideways(base: Series, folder: Path) -> Truths:
    datasets = base.datasets()
    x_mm, y_mm, place_mm = datasets[VICTIM].ImagePositionPatient
    datasets[VICTIM].ImagePositionPatient = [x_mm + 11, y_mm, place_mm]
    save_all(datasets, folder)
    return (truth_of(base),)


def two_equal_series(base: Series, folder: Path) -> Truths:
    save_all(base.datasets(), folder)
    other = write_series(
        folder.with_name(folder.name + "-other"), settings=WriterSettings(entropy="tests", series_number=2)
    )
    save_all(other.datasets(), folder, prefix="IN")
    return (truth_of(base), truth_of(other))


def two_patients(base: Series, folder: Path) -> Truths:
    write_series(folder / "first", settings=WriterSettings(entropy="tests", patient_id="A"))
    write_series(folder / "second", settings=WriterSettings(entropy="tests", patient_id="B"))
    return (truth_of(base),)


def two_visits(base: Series, folder: Path) -> Truths:
    """Baseline and day 28 of one patient; the second scores better, and yet neither is meant more."""
    write_series(folder / "first", settings=WriterSettings(entropy="tests", kernel="B70f"))
    volume = chest_volume((80, 64, 64), (3.125, 5.5, 5.5))
    write_series(folder / "second", volume, WriterSettings(entropy="tests", study_date="20200129"))
    return (truth_of(base),)


def mixed_orientation(base: Series, folder: Path) -> Truths:
    datasets = base.datasets()
    datasets[VICTIM].ImageOrientationPatient = [0, 1, 0, -1, 0, 0]
    save_all(datasets, folder)
    return (truth_of(base),)


def mixed_frame_of_reference(base: Series, folder: Path) -> Truths:
    datasets = base.datasets()
    datasets[VICTIM].FrameOfReferenceUID = uid("another frame")
    save_all(datasets, folder)
    return (truth_of(base),)


def derived_inside(base: Series, folder: Path) -> Truths:
    datasets = base.datasets()
    derived = base.datasets()[VICTIM]
    derived.SOPInstanceUID = uid("derived")
    derived.ImageType = ["DERIVED", "SECONDARY", "MIP"]
    derived.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
    save_all([*datasets, derived], folder)
    return (truth_of(base),)


def reversed_order(base: Series, folder: Path) -> Truths:
    datasets = base.datasets()
    for number, dataset in enumerate(reversed(datasets), start=1):
        dataset.InstanceNumber = number
    save_all(list(reversed(datasets)), folder)
    return (truth_of(base),)


def feet_first(base: Series, folder: Path) -> Truths:
    volume = chest_volume(direction=[[0, 0, -1], [0, 1, 0], [-1, 0, 0]])
    return (truth_of(write_series(folder, volume)),)


def slices_downwards(base: Series, folder: Path) -> Truths:
    volume = chest_volume(direction=[[0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    return (truth_of(write_series(folder, volume)),)


def jittered_positions(base: Series, folder: Path) -> Truths:
    """Positions rounded to 0.1 mm, as several scanners write them."""
    datasets = base.datasets()
    for dataset in datasets:
        set_z_mm(dataset, round(z_mm(dataset) + 1e-9, 1))
    save_all(datasets, folder)
    return (replace(truth_of(base), tolerance_mm=0.06),)


def wobbling_orientation(base: Series, folder: Path) -> Truths:
    datasets = base.datasets()
    for index, dataset in enumerate(datasets):
        dataset.ImageOrientationPatient = [1, 1e-7 * (index % 3), 0, 0, 1, -1e-7 * (index % 2)]
    save_all(datasets, folder)
    return (truth_of(base),)


def single_slice(base: Series, folder: Path) -> Truths:
    save_all(base.datasets()[VICTIM : VICTIM + 1], folder)
    return ()


def zero_pixel_spacing(base: Series, folder: Path) -> Truths:
    datasets = base.datasets()
    for dataset in datasets:
        dataset.PixelSpacing = [0, 0]
    save_all(datasets, folder)
    return ()


def no_position_once(base: Series, folder: Path) -> Truths:
    datasets = base.datasets()
    del datasets[VICTIM].ImagePositionPatient
    save_all(datasets, folder)
    return (truth_of(base),)


def short_position(base: Series, folder: Path) -> Truths:
    datasets = base.datasets()
    datasets[VICTIM].ImagePositionPatient = [0, 0]
    save_all(datasets, folder)
    return (truth_of(base),)


AT_VICTIM = (VICTIM_MM,)
BAD_GEOMETRY_CASES: tuple[SeriesCase, ...] = (
    SeriesCase(
        "six missing slices",
        "20 to 25 left out",
        six_missing_slices,
        (MissingSlicesError,),
        (25.0, 18.75, 62.5),
    ),
    SeriesCase(
        "missing slice near the end",
        "second slice left out",
        missing_slice_near_end,
        (MissingSlicesError,),
        (-93.75, -100.0, -87.5),
    ),
    SeriesCase(
        "every second slice missing above",
        "double spacing from slice 20",
        every_second_missing_above,
        (MissingSlicesError, UnevenSpacingError),
    ),
    SeriesCase(
        "duplicated position, equal pixels",
        "slice 20 again under another instance UID",
        duplicated_equal,
        (DuplicatePositionError,),
        AT_VICTIM,
        may_load=True,
    ),
    SeriesCase(
        "duplicated instead of missing",
        "slice 21 moved onto slice 20",
        duplicated_instead,
        (DuplicatePositionError, MissingSlicesError),
        (25.0, 31.25),
    ),
    SeriesCase(
        "interleaved by a quarter",
        "a second acquisition 1.56 mm higher under one UID",
        interleaved_quarter,
        (UnevenSpacingError, MixedSliceError),
    ),
    SeriesCase(
        "interleaved by half",
        "a second acquisition exactly between the slices",
        interleaved_half,
        (MixedSliceError,),
    ),
    SeriesCase(
        "interleaved by half, one kernel",
        "a second breath hold exactly between the slices",
        interleaved_one_kernel,
        (MixedSliceError,),
    ),
    SeriesCase("stacked acquisitions", "acquisition 1 below, 2 above", stacked_acquisitions),
    SeriesCase("acquisition per slice", "every slice its own acquisition number", acquisition_per_slice),
    SeriesCase(
        "shifted sideways", "slice 20 11 mm to the left", shifted_sideways, (GeometryError,), AT_VICTIM
    ),
    SeriesCase(
        "two equal series", "the same scan under two series UIDs", two_equal_series, (AmbiguousSeriesError,)
    ),
    SeriesCase("two patients", "one series each of two patients", two_patients, (AmbiguousSeriesError,)),
    SeriesCase("two visits", "two studies, one of finer slices", two_visits, (AmbiguousSeriesError,)),
    SeriesCase(
        "interleaved at the same positions",
        "two kernels under one UID",
        interleaved_same_positions,
        (DuplicatePositionError, MixedSliceError),
    ),
    SeriesCase(
        "mixed orientation", "slice 20 turned in plane", mixed_orientation, (MixedSliceError,), AT_VICTIM
    ),
    SeriesCase(
        "mixed frame of reference",
        "slice 20 in another frame",
        mixed_frame_of_reference,
        (MixedSliceError,),
        AT_VICTIM,
    ),
    SeriesCase(
        "derived image inside",
        "a coronal MIP with the series' UID",
        derived_inside,
        (MixedSliceError,),
        may_load=True,
    ),
    SeriesCase("reversed order", "names and instance numbers reversed", reversed_order),
    SeriesCase("feet first", "slices downwards, columns reversed", feet_first),
    SeriesCase("slices downwards, columns mirrored", "normal points down", slices_downwards),
    SeriesCase("positions rounded to 0.1 mm", "as some scanners write them", jittered_positions),
    SeriesCase("wobbling orientation", "cosines differ by 1e-7", wobbling_orientation),
    SeriesCase("single slice", "slice 20 alone", single_slice, (TooFewSlicesError, NoCTSeriesError)),
    SeriesCase("zero pixel spacing", "0 mm pixels", zero_pixel_spacing, (GeometryError,)),
    SeriesCase("no position once", "slice 20 without position", no_position_once, (MissingGeometryError,)),
    SeriesCase("two-valued position", "slice 20 with x and y alone", short_position, (MissingGeometryError,)),
)
