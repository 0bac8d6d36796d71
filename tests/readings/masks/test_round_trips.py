"""Every format, in every acquisition: the label map comes back identical, and so do the ml."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from lesionseg.core.labels import Label
from lesionseg.readings.masks import LungSource, MaskFormat, ReaderMask, Region, SegmentMapping, read_mask
from lesionseg.volume import LabelMap, VolumeGeometry, standard_axis_order, write_label_map
from lesionseg.volumetry import measure
from tests.readings.masks.builders import (
    Roi,
    Scan,
    dcmqi_seg,
    highdicom_seg,
    masks_of,
    outline,
    rtstruct,
    segment_fields,
    slicer_nrrd,
)

needs_dcmqi = pytest.mark.skipif(
    shutil.which("itkimage2segimage", path=str(Path(sys.executable).parent)) is None,
    reason="dcmqi's itkimage2segimage is not installed",
)
NAMED = [segment_fields("lung", 1), segment_fields("GGO", 2), segment_fields("Consolidation", 3)]


def assert_same(mask: ReaderMask, scan: Scan) -> None:
    np.testing.assert_array_equal(mask.label_map.labels, scan.labels.labels)
    assert mask.label_map.geometry == scan.reference.geometry
    assert measure(scan.volume, mask.label_map).as_row() == measure(scan.volume, scan.labels).as_row()
    assert mask.lung_from is LungSource.READER
    assert mask.solid_told


def test_the_phantom_is_asymmetric_along_every_axis(scan: Scan) -> None:
    labels = scan.labels.labels
    for axis in range(3):
        assert not np.array_equal(np.flip(labels, axis), labels)
    assert set(np.unique(labels)) == {0, 1, 2, 3}


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii", ".nrrd", ".mha"])
def test_label_file(scan: Scan, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"mask{suffix}"
    write_label_map(scan.labels, path)
    mask = read_mask(path, scan.reference)
    assert_same(mask, scan)
    assert mask.format is MaskFormat.LABEL_FILE
    assert [segment.number for segment in mask.segments] == [1, 2, 3]


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mhd"])
def test_label_file_that_simpleitk_turned_to_other_axes(scan: Scan, tmp_path: Path, suffix: str) -> None:
    image = SimpleITK.GetImageFromArray(scan.labels.labels)
    geometry = scan.reference.geometry
    image.SetSpacing(geometry.spacing_mm[::-1])
    image.SetOrigin(geometry.origin_lps_mm)
    image.SetDirection(geometry.direction[:, ::-1].ravel().tolist())
    turned = SimpleITK.Flip(SimpleITK.PermuteAxes(image, [2, 0, 1]), [True, False, True])
    path = tmp_path / f"mask{suffix}"
    SimpleITK.WriteImage(turned, str(path))
    mask = read_mask(path, scan.reference)
    assert_same(mask, scan)
    assert "axis-order" in {note.code for note in mask.notes}


def test_label_file_in_standard_axis_order_cut_to_what_is_drawn(scan: Scan, tmp_path: Path) -> None:
    geometry = scan.reference.geometry
    drawn = [np.flatnonzero(scan.labels.labels.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    first, last = [places[0] for places in drawn], [places[-1] + 1 for places in drawn]
    part = scan.labels.labels[tuple(slice(*bounds) for bounds in zip(first, last, strict=True))]
    affine = np.array(geometry.affine)
    affine[:3, 3] = geometry.index_to_lps(first)
    cut = VolumeGeometry(part.shape, affine)
    order = standard_axis_order(cut)
    path = tmp_path / "cut.nrrd"
    write_label_map(LabelMap(np.ascontiguousarray(order.apply(part)), order.apply_to_geometry(cut)), path)
    mask = read_mask(path, scan.reference)
    assert_same(mask, scan)
    assert "grid-part" in {note.code for note in mask.notes}


def test_label_file_with_empty_margins_beyond_the_scan(axial: Scan, tmp_path: Path) -> None:
    affine = np.array(axial.reference.geometry.affine)
    affine[:3, 3] = axial.reference.geometry.index_to_lps((-2, -1, -3))
    padded = np.pad(axial.labels.labels, ((2, 4), (1, 0), (3, 3)))
    path = tmp_path / "padded.nii.gz"
    write_label_map(LabelMap(padded, VolumeGeometry(padded.shape, affine)), path)
    assert_same(read_mask(path, axial.reference), axial)


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_seg_of_highdicom(scan: Scan, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "seg.dcm"
    highdicom_seg(path, scan.headers(), scan.labels.labels, kind=kind)
    mask = read_mask(path, scan.reference)
    assert_same(mask, scan)
    assert mask.format is MaskFormat.DICOM_SEG
    assert [segment.region for segment in mask.segments] == [Region.LUNG, Region.NON_SOLID, Region.SOLID]


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_seg_with_its_empty_frames(axial: Scan, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "seg.dcm"
    highdicom_seg(path, axial.headers(), axial.labels.labels, kind=kind, omit_empty_frames=False)
    assert_same(read_mask(path, axial.reference), axial)


def test_seg_whose_frames_lie_in_any_order(scan: Scan, tmp_path: Path) -> None:
    path = tmp_path / "seg.dcm"
    dataset = highdicom_seg(path, scan.headers(), scan.labels.labels, kind="LABELMAP")
    frames = dataset.pixel_array
    order = np.random.default_rng(5).permutation(len(frames))
    dataset.PerFrameFunctionalGroupsSequence = [
        dataset.PerFrameFunctionalGroupsSequence[index] for index in order
    ]
    dataset.PixelData = frames[order].tobytes()
    dataset.save_as(path)
    assert_same(read_mask(path, scan.reference), scan)


def test_seg_cut_along_other_planes_than_the_scan(scan: Scan, tmp_path: Path) -> None:
    import highdicom as hd

    turned = np.ascontiguousarray(np.flip(scan.labels.labels.transpose(2, 0, 1), axis=(1,)))
    geometry = scan.reference.geometry
    affine = np.array(geometry.affine)[:, [2, 0, 1, 3]]
    affine[:3, 3] = geometry.index_to_lps((geometry.shape[0] - 1, 0, 0))
    affine[:3, 1] *= -1
    volume = hd.Volume(turned, affine, coordinate_system="PATIENT", frame_of_reference_uid=None)
    path = tmp_path / "seg.dcm"
    highdicom_seg(path, scan.headers(), volume)
    assert_same(read_mask(path, scan.reference), scan)


@needs_dcmqi
def test_seg_of_dcmqi(scan: Scan, tmp_path: Path) -> None:
    write_label_map(scan.labels, tmp_path / "mask.nrrd")
    dcmqi_seg(tmp_path / "seg.dcm", scan, tmp_path / "mask.nrrd")
    assert_same(read_mask(tmp_path / "seg.dcm", scan.reference), scan)


@needs_dcmqi
@pytest.mark.parametrize(
    "options",
    [("--segmentationType", "labelmap"), ("--compress", "deflate"), ("--skip", "0")],
    ids=lambda options: " ".join(options),
)
def test_seg_of_dcmqi_in_other_encodings(axial: Scan, tmp_path: Path, options: tuple[str, ...]) -> None:
    write_label_map(axial.labels, tmp_path / "mask.nrrd")
    dcmqi_seg(tmp_path / "seg.dcm", axial, tmp_path / "mask.nrrd", *options)
    assert_same(read_mask(tmp_path / "seg.dcm", axial.reference), axial)


def test_seg_nrrd_of_pynrrd(scan: Scan, tmp_path: Path) -> None:
    path = slicer_nrrd(tmp_path / "mask.seg.nrrd", scan.labels.labels[None], scan.reference.geometry, NAMED)
    mask = read_mask(path, scan.reference)
    assert_same(mask, scan)
    assert mask.format is MaskFormat.SEG_NRRD


def test_seg_nrrd_in_overlapping_layers(scan: Scan, tmp_path: Path) -> None:
    labels = scan.labels.labels
    layers = np.stack([labels > 0, (labels >= 2) + (labels == 3).astype(np.uint8)]).astype(np.uint8)
    segments = [
        segment_fields("Lungs", 1, 0),
        segment_fields("ground-glass", 1, 1),
        segment_fields("solid component", 2, 1),
    ]
    path = slicer_nrrd(tmp_path / "mask.seg.nrrd", layers, scan.reference.geometry, segments)
    assert_same(read_mask(path, scan.reference), scan)


def test_rtstruct(scan: Scan, tmp_path: Path) -> None:
    labels = scan.labels.labels
    geometry = scan.reference.geometry
    rois = [
        Roi("Lung", outline(labels == Label.LUNG, geometry)),  # the lesion is a hole in it
        Roi("lesions", outline(labels >= Label.NON_SOLID, geometry)),
        Roi("Consolidation", outline(labels == Label.SOLID, geometry), "CLOSEDPLANAR_XOR"),
    ]
    path = tmp_path / "rtstruct.dcm"
    rtstruct(path, scan, rois)
    mask = read_mask(path, scan.reference)
    assert_same(mask, scan)
    assert mask.format is MaskFormat.RTSTRUCT


def test_mask_on_a_scan_from_a_volume_file(axial: Scan, tmp_path: Path) -> None:
    from lesionseg.readings.masks import ReferenceScan

    path = tmp_path / "seg.dcm"
    highdicom_seg(path, axial.headers(), axial.labels.labels)
    mask = read_mask(path, ReferenceScan(axial.reference.geometry))
    assert_same(mask, axial)
    assert "identity" in {note.code for note in mask.notes}


def test_names_of_a_mapping_replace_the_table(axial: Scan, tmp_path: Path) -> None:
    path = tmp_path / "seg.dcm"
    masks = masks_of(axial.labels.labels).astype(np.uint8)
    highdicom_seg(path, axial.headers(), masks, names=["Segment_1", "Segment_2", "Segment_3"])
    mapping = SegmentMapping.parse(("segment 1=lung", "2=non-solid", "Segment_3=solid"))
    mask = read_mask(path, axial.reference, mapping=mapping)
    assert_same(mask, axial)
    assert {segment.told_by for segment in mask.segments} == {"mapping"}
