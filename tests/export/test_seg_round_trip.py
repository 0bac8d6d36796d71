"""What is written as SEG comes back voxel by voxel, in every acquisition and to every reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from highdicom.seg import segread
from pydicom import Dataset, dcmread

from lesionseg.export.seg import SegSettings, write_seg
from lesionseg.volume import LabelMap, VolumeGeometry
from lesionseg.volumetry import measure
from tests.export.asymmetric import ACQUISITIONS, LabelledScan, labelled, masks_by_dcmqi

BINARY, LABELMAP = SegSettings(), SegSettings("labelmap")


@pytest.fixture(scope="module", params=ACQUISITIONS)
def scan(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LabelledScan:
    return labelled(ACQUISITIONS[request.param](tmp_path_factory.mktemp("scan")))


def written(scan: LabelledScan, settings: SegSettings, folder: Path) -> Path:
    result = write_seg(scan.label_map, scan.source, scan.origin, folder / "seg.dcm", settings=settings)
    assert result.path is not None
    return result.path


def same_map_and_ml(scan: LabelledScan, labels: npt.NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(labels, scan.label_map.labels)
    volume = scan.loaded.volume
    read_back = measure(volume, LabelMap(labels, volume.geometry)).as_dict()
    assert read_back == measure(volume, scan.label_map).as_dict()


def combined(masks: dict[int, npt.NDArray[np.bool_]], geometry: VolumeGeometry) -> npt.NDArray[np.uint8]:
    labels = np.zeros(geometry.shape, np.uint8)
    for number, mask in masks.items():
        labels[mask] = number
    return labels


def by_plain_pydicom(dataset: Dataset, scan: LabelledScan) -> npt.NDArray[np.uint8]:
    """Frames put onto the slices that they refer to, and no geometry used."""
    names = [(one.sop_instance_uid, one.frame_number) for one in scan.source.instances]
    labels = np.zeros(scan.label_map.geometry.shape, np.uint8)
    for frame, groups in zip(dataset.pixel_array, dataset.PerFrameFunctionalGroupsSequence, strict=True):
        source = groups.DerivationImageSequence[0].SourceImageSequence[0]
        number = source.get("ReferencedFrameNumber")
        index = names.index((source.ReferencedSOPInstanceUID, None if number is None else int(number)))
        assert groups.PlanePositionSequence[0].ImagePositionPatient == pytest.approx(
            scan.source.instances[index].position_mm, abs=1e-9
        )
        segment = groups.get("SegmentIdentificationSequence")
        labels[index] += frame * (segment[0].ReferencedSegmentNumber if segment else 1)
    return labels


@pytest.mark.parametrize("settings", [BINARY, LABELMAP], ids=["binary", "labelmap"])
def test_dcmqi_and_simpleitk_read_the_same_labels(
    scan: LabelledScan, settings: SegSettings, tmp_path: Path
) -> None:
    path = written(scan, settings, tmp_path)
    masks = masks_by_dcmqi(path, scan.label_map.geometry, tmp_path / "itk")
    same_map_and_ml(scan, combined(masks, scan.label_map.geometry))


@pytest.mark.parametrize("settings", [BINARY, LABELMAP], ids=["binary", "labelmap"])
def test_plain_pydicom_reads_the_same_labels(
    scan: LabelledScan, settings: SegSettings, tmp_path: Path
) -> None:
    dataset = dcmread(written(scan, settings, tmp_path))
    np.testing.assert_array_equal(by_plain_pydicom(dataset, scan), scan.label_map.labels)


@pytest.mark.parametrize("settings", [BINARY, LABELMAP], ids=["binary", "labelmap"])
def test_highdicom_reads_the_same_volume(scan: LabelledScan, settings: SegSettings, tmp_path: Path) -> None:
    volume = segread(written(scan, settings, tmp_path)).get_volume(
        combine_segments=True, allow_missing_positions=True
    )
    geometry = scan.label_map.geometry
    at = np.argwhere(volume.array)
    points_mm = np.c_[at, np.ones(len(at))] @ np.asarray(volume.affine).T
    index = geometry.lps_to_index(points_mm[:, :3])
    np.testing.assert_allclose(index, np.rint(index), atol=1e-3)
    labels = np.zeros(geometry.shape, np.uint8)
    labels[tuple(np.rint(index).astype(int).T)] = volume.array[tuple(at.T)]
    np.testing.assert_array_equal(labels, scan.label_map.labels)


def test_a_label_map_holds_every_slice(scan: LabelledScan, tmp_path: Path) -> None:
    """Frames without any label too: a reader of such files may take the frames for the whole volume."""
    path = written(scan, LABELMAP, tmp_path)
    volume = segread(path).get_volume(combine_segments=True)
    assert volume.spatial_shape == scan.label_map.geometry.shape
    assert dcmread(path).NumberOfFrames == scan.label_map.geometry.shape[0]


def test_the_whole_lesion_lies_over_its_parts(scan: LabelledScan, tmp_path: Path) -> None:
    path = written(scan, SegSettings(whole_lesion=True), tmp_path)
    masks = masks_by_dcmqi(path, scan.label_map.geometry, tmp_path / "itk")
    assert sorted(masks) == [1, 2, 3, 4]
    np.testing.assert_array_equal(masks[4], scan.label_map.lesion)
    np.testing.assert_array_equal(masks[3], scan.label_map.solid)
    np.testing.assert_array_equal(masks[1] | masks[4], scan.label_map.lung)
