"""Each kind of mask that does not belong to the scan is refused, and the message says in what way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from scipy.spatial.transform import Rotation

from lesionseg.readings.masks import MaskMismatchError, Misfit, ReferenceScan, read_mask
from lesionseg.volume import LabelMap, VolumeGeometry, write_label_map
from tests.readings.masks.builders import (
    FRAME_UID,
    Roi,
    Scan,
    highdicom_seg,
    outline,
    reference_geometry_field,
    rtstruct,
    segment_fields,
    slicer_nrrd,
    write_scan,
)

NAMED = [segment_fields("lung", 1), segment_fields("GGO", 2), segment_fields("Consolidation", 3)]
Move = Callable[[VolumeGeometry], VolumeGeometry]


def refused(path: Path, scan: Scan | ReferenceScan, reason: Misfit, *words: str) -> MaskMismatchError:
    reference = scan.reference if isinstance(scan, Scan) else scan
    with pytest.raises(MaskMismatchError) as caught:
        read_mask(path, reference)
    assert caught.value.reason == reason
    assert str(path) in str(caught.value)
    for word in words:
        assert word in str(caught.value)
    return caught.value


def with_affine(geometry: VolumeGeometry, affine: np.ndarray) -> VolumeGeometry:
    return VolumeGeometry(geometry.shape, affine)


def shifted(x: float, y: float, z: float) -> Move:
    def move(geometry: VolumeGeometry) -> VolumeGeometry:
        affine = np.array(geometry.affine)
        affine[:3, 3] += (x, y, z)
        return with_affine(geometry, affine)

    return move


def mirrored(*signs: float) -> Move:
    return lambda geometry: with_affine(geometry, np.diag([*signs, 1.0]) @ geometry.affine)


def reversed_axis(axis: int) -> Move:
    def move(geometry: VolumeGeometry) -> VolumeGeometry:
        affine = np.array(geometry.affine)
        affine[:, axis] *= -1
        return with_affine(geometry, affine)

    return move


def stretched(geometry: VolumeGeometry) -> VolumeGeometry:
    affine = np.array(geometry.affine)
    affine[:3, 0] *= 1.05
    return with_affine(geometry, affine)


def turned(geometry: VolumeGeometry) -> VolumeGeometry:
    affine = np.array(geometry.affine)
    affine[:3, :3] = Rotation.from_euler("z", 3, degrees=True).as_matrix() @ affine[:3, :3]
    return with_affine(geometry, affine)


MISFITS = [
    (shifted(0, 0, 16), Misfit.SHIFTED, "16.0 mm headwards"),
    (shifted(-26, 0, 0), Misfit.SHIFTED, "26.0 mm to the right"),
    (shifted(0.3, -1.25, 0), Misfit.SHIFTED, "0.30 mm to the left, 1.2 mm to the front"),
    (mirrored(-1, -1, 1), Misfit.FLIPPED, "flipped left-right and front-back"),
    (mirrored(1, 1, -1), Misfit.FLIPPED, "flipped head-foot"),
    (reversed_axis(0), Misfit.FLIPPED, "its slices run in the opposite direction"),
    (reversed_axis(2), Misfit.FLIPPED, "its columns run in the opposite direction"),
    (stretched, Misfit.SPACING, "16.800 x 11.000 x 13.000 mm instead of 16.000"),
    (turned, Misfit.ROTATED, "turned by 3.0 degrees"),
]
IDS = ["slice", "columns", "part-voxel", "lps-ras", "head-foot", "slices", "columns-run", "spacing", "turned"]


@pytest.mark.parametrize(("move", "reason", "words"), MISFITS, ids=IDS)
@pytest.mark.parametrize("suffix", [".nii.gz", ".mha", ".seg.nrrd"])
def test_grid_that_does_not_fit(
    axial: Scan, tmp_path: Path, suffix: str, move: Move, reason: Misfit, words: str
) -> None:
    path, geometry = tmp_path / f"mask{suffix}", move(axial.reference.geometry)
    if suffix == ".seg.nrrd":
        slicer_nrrd(path, axial.labels.labels[None], geometry, NAMED)
    else:
        write_label_map(LabelMap(axial.labels.labels, geometry), path)
    refused(path, axial, reason, words)


def test_shift_on_an_oblique_scan_is_told_in_mm_of_the_patient(tmp_path: Path) -> None:
    scan = write_scan(tmp_path / "series", "oblique")
    path = tmp_path / "mask.nrrd"
    moved = shifted(2, 0, -5)(scan.reference.geometry)
    write_label_map(LabelMap(scan.labels.labels, moved), path)
    refused(path, scan, Misfit.SHIFTED, "2.0 mm to the left", "5.0 mm footwards")


def test_finer_grid_is_not_resampled(axial: Scan, tmp_path: Path) -> None:
    labels = np.repeat(axial.labels.labels, 2, axis=2)
    affine = np.array(axial.reference.geometry.affine)
    affine[:3, 2] /= 2
    path = tmp_path / "mask.nii.gz"
    write_label_map(LabelMap(labels, VolumeGeometry(labels.shape, affine)), path)
    refused(path, axial, Misfit.SPACING, "6.500")


def test_grid_that_is_drawn_beyond_the_scan(axial: Scan, tmp_path: Path) -> None:
    labels = np.pad(axial.labels.labels, ((0, 1), (0, 0), (0, 0)), constant_values=1)
    path = tmp_path / "mask.nii.gz"
    affine = axial.reference.geometry.affine
    write_label_map(LabelMap(labels, VolumeGeometry(labels.shape, affine)), path)
    refused(path, axial, Misfit.OUTSIDE, f"{labels[0].size} voxels beyond")


def test_cut_seg_nrrd_that_was_drawn_on_an_image_elsewhere(axial: Scan, tmp_path: Path) -> None:
    elsewhere = shifted(0, 0, 32)(axial.reference.geometry)
    affine = np.array(elsewhere.affine)
    affine[:3, 3] = elsewhere.index_to_lps((1, 1, 1))
    cut = VolumeGeometry((10, 15, 20), affine)  # on the scan's voxels, by chance
    extra = {"Segmentation_ConversionParameters": reference_geometry_field(elsewhere)}
    labels = axial.labels.labels[None, 1:11, 1:16, 1:21]
    path = slicer_nrrd(tmp_path / "cut.seg.nrrd", labels, cut, NAMED, extra)
    refused(path, axial, Misfit.SHIFTED, "32.0 mm headwards")


def test_cut_seg_nrrd_that_was_drawn_on_this_scan(axial: Scan, tmp_path: Path) -> None:
    geometry = axial.reference.geometry
    affine = np.array(geometry.affine)
    affine[:3, 3] = geometry.index_to_lps((1, 1, 1))
    extra = {"Segmentation_ConversionParameters": reference_geometry_field(geometry)}
    labels = axial.labels.labels[None, 1:, 1:, 1:]
    cut = VolumeGeometry(labels.shape[1:], affine)
    mask = read_mask(slicer_nrrd(tmp_path / "cut.seg.nrrd", labels, cut, NAMED, extra), axial.reference)
    np.testing.assert_array_equal(mask.label_map.labels[1:, 1:, 1:], labels[0])


# --- DICOM ----------------------------------------------------------------------------------------------


def seg(axial: Scan, path: Path, kind: str = "BINARY") -> Dataset:
    return highdicom_seg(path, axial.headers(), axial.labels.labels, kind=kind)


def test_seg_of_another_series(axial: Scan, tmp_path: Path) -> None:
    other = write_scan(tmp_path / "other", "axial", series_description="another kernel")
    seg(other, tmp_path / "seg.dcm")
    series_uid = axial.reference.series.series_uid
    refused(tmp_path / "seg.dcm", axial, Misfit.SERIES, series_uid, other.reference.series.series_uid)


def test_seg_that_names_this_series_and_the_images_of_another(axial: Scan, tmp_path: Path) -> None:
    other = write_scan(tmp_path / "other", "axial", series_description="another kernel")
    dataset = seg(other, tmp_path / "seg.dcm")
    dataset.ReferencedSeriesSequence[0].SeriesInstanceUID = axial.reference.series.series_uid
    dataset.save_as(tmp_path / "seg.dcm")
    refused(tmp_path / "seg.dcm", axial, Misfit.SERIES, "images that are not its slices")


def test_seg_in_another_frame_of_reference(axial: Scan, tmp_path: Path) -> None:
    dataset = seg(axial, tmp_path / "seg.dcm")
    dataset.FrameOfReferenceUID = "1.2.3.4.5"
    dataset.save_as(tmp_path / "seg.dcm")
    refused(tmp_path / "seg.dcm", axial, Misfit.FRAME_OF_REFERENCE, "1.2.3.4.5", FRAME_UID)


def moved_frames(dataset: Dataset, displacement_mm: tuple[float, float, float]) -> None:
    for groups in dataset.PerFrameFunctionalGroupsSequence:
        position = groups.PlanePositionSequence[0]
        moved = np.add([float(value) for value in position.ImagePositionPatient], displacement_mm)
        position.ImagePositionPatient = [round(float(value), 4) for value in moved]


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
@pytest.mark.parametrize(
    ("displacement_mm", "words"),
    [
        ((0, 0, 4), "4.0 mm headwards"),
        ((-13, 0, 0), "13.0 mm to the right"),
        ((0, 2.5, 0), "2.5 mm to the back"),
        ((0, 0, -16), "16.0 mm away"),  # a whole slice: told by the slices that the frames name
    ],
)
def test_shifted_seg(
    axial: Scan, tmp_path: Path, kind: str, displacement_mm: tuple[float, float, float], words: str
) -> None:
    dataset = seg(axial, tmp_path / "seg.dcm", kind)
    moved_frames(dataset, displacement_mm)
    dataset.save_as(tmp_path / "seg.dcm")
    refused(tmp_path / "seg.dcm", axial, Misfit.SHIFTED, words)


def test_mirrored_seg(axial: Scan, tmp_path: Path) -> None:
    dataset = seg(axial, tmp_path / "seg.dcm")
    shared = dataset.SharedFunctionalGroupsSequence[0]
    shared.PlaneOrientationSequence[0].ImageOrientationPatient = [-1, 0, 0, 0, 1, 0]
    dataset.save_as(tmp_path / "seg.dcm")
    refused(tmp_path / "seg.dcm", axial, Misfit.FLIPPED, "columns run in the opposite direction")


def test_seg_of_another_pixel_spacing(axial: Scan, tmp_path: Path) -> None:
    dataset = seg(axial, tmp_path / "seg.dcm")
    dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing = [11, 12.5]
    dataset.save_as(tmp_path / "seg.dcm")
    refused(tmp_path / "seg.dcm", axial, Misfit.SPACING, "12.500")


def test_seg_with_two_frames_at_one_place(axial: Scan, tmp_path: Path) -> None:
    dataset = seg(axial, tmp_path / "seg.dcm")
    frames = dataset.PerFrameFunctionalGroupsSequence
    frames[1].PlanePositionSequence = frames[0].PlanePositionSequence
    frames[1].DerivationImageSequence = frames[0].DerivationImageSequence
    dataset.save_as(tmp_path / "seg.dcm")
    refused(tmp_path / "seg.dcm", axial, Misfit.AMBIGUOUS, "two frames of one segment")


def test_label_map_seg_without_one_of_its_slices(axial: Scan, tmp_path: Path) -> None:
    path = tmp_path / "seg.dcm"
    dataset = highdicom_seg(
        path, axial.headers(), axial.labels.labels, kind="LABELMAP", omit_empty_frames=False
    )
    frames = np.delete(dataset.pixel_array, 7, axis=0)
    del dataset.PerFrameFunctionalGroupsSequence[7]
    dataset.NumberOfFrames = len(frames)
    dataset.PixelData = frames.tobytes()
    dataset.save_as(path)
    slices = axial.reference.geometry.shape[0]
    refused(
        path, axial, Misfit.SLICES, f"first on slice {slices - 1 - 7}"
    )  # highdicom writes from head to foot


def test_seg_drawn_on_a_scan_of_which_this_is_a_part(axial: Scan, tmp_path: Path) -> None:
    seg(axial, tmp_path / "seg.dcm")
    series = axial.reference.series
    geometry = VolumeGeometry((6, *axial.reference.geometry.shape[1:]), axial.reference.geometry.affine)
    part = ReferenceScan(geometry, replace(series, slices=series.slices[:6], geometry=geometry))
    refused(tmp_path / "seg.dcm", part, Misfit.OUTSIDE, "beyond")


def rois(scan: Scan) -> list[Roi]:
    labels, geometry = scan.labels.labels, scan.reference.geometry
    return [Roi("Lung", outline(labels > 0, geometry)), Roi("Solid", outline(labels == 3, geometry))]


def test_rtstruct_of_another_series(axial: Scan, tmp_path: Path) -> None:
    other = write_scan(tmp_path / "other", "axial", series_description="another kernel")
    rtstruct(tmp_path / "rt.dcm", other, rois(other))
    refused(tmp_path / "rt.dcm", axial, Misfit.SERIES)


def test_rtstruct_in_another_frame_of_reference(axial: Scan, tmp_path: Path) -> None:
    dataset = rtstruct(tmp_path / "rt.dcm", axial, rois(axial))
    dataset.ReferencedFrameOfReferenceSequence[0].FrameOfReferenceUID = "1.2.3"
    dataset.save_as(tmp_path / "rt.dcm", enforce_file_format=True)
    refused(tmp_path / "rt.dcm", axial, Misfit.FRAME_OF_REFERENCE, "1.2.3")


def moved_rois(scan: Scan, displacement_mm: tuple[float, float, float]) -> list[Roi]:
    return [
        replace(roi, contours=[(index, points + displacement_mm) for index, points in roi.contours])
        for roi in rois(scan)
    ]


@pytest.mark.parametrize(
    ("displacement_mm", "reason", "words"),
    [
        ((0, 0, 1.5), Misfit.SHIFTED, "1.50 mm off slice"),
        ((0, 0, 16), Misfit.SHIFTED, "16.0 mm away"),
        ((200, 0, 0), Misfit.OUTSIDE, "voxels beyond the edge"),
        ((0, 0, 500), Misfit.OUTSIDE, "beyond the scan's slices"),
    ],
)
def test_shifted_rtstruct(
    axial: Scan, tmp_path: Path, displacement_mm: tuple[float, float, float], reason: Misfit, words: str
) -> None:
    rtstruct(tmp_path / "rt.dcm", axial, moved_rois(axial, displacement_mm))
    refused(tmp_path / "rt.dcm", axial, reason, words)


def test_contours_across_the_slices(axial: Scan, tmp_path: Path) -> None:
    corners = [(5, 5, 5), (5, 9, 5), (8, 9, 9), (8, 5, 9)]
    lung = Roi("Lung", [(5, axial.reference.geometry.index_to_lps(corners))])
    rtstruct(tmp_path / "rt.dcm", axial, [lung], images=False)
    refused(tmp_path / "rt.dcm", axial, Misfit.SHIFTED, "does not lie in the plane of a slice")


def test_contours_on_every_second_slice(axial: Scan, tmp_path: Path) -> None:
    lung = rois(axial)[0]
    every_second = [contour for contour in lung.contours if contour[0] % 2 == 0]
    rtstruct(tmp_path / "rt.dcm", axial, [replace(lung, contours=every_second)])
    refused(tmp_path / "rt.dcm", axial, Misfit.SLICES, "2 slices apart")
