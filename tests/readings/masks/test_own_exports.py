"""What we export comes back unchanged, and what an editor changes in it changes exactly that many ml."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from pydicom import dcmread, dcmwrite
from pydicom.uid import UID

from lesionseg.core.labels import Label
from lesionseg.core.provenance import sha256_of_array
from lesionseg.dicom import load_series
from lesionseg.export.codes import ALL_SEGMENTS
from lesionseg.export.itk_snap import write_itk_snap
from lesionseg.export.origin import Origin
from lesionseg.export.seg import SegSettings, write_seg
from lesionseg.export.slicer import write_seg_nrrd
from lesionseg.export.source import read_source
from lesionseg.readings.masks import MaskMismatchError, Misfit, ReferenceScan, Region, read_mask
from lesionseg.readings.masks.vocabulary import region_of_code, region_of_name
from lesionseg.volume import LabelMap
from lesionseg.volumetry import measure
from tests.readings.masks.builders import Scan, write_scan
from tests.support.ct_series import save_all
from tests.support.enhanced_series import enhanced_dataset
from tests.volumetry.chest import chest

SEGS = {
    "binary": SegSettings(),
    "binary with whole lesion": SegSettings(whole_lesion=True),
    "labelmap": SegSettings(encoding="labelmap"),
}


def origin_of(label_map: LabelMap) -> Origin:
    moment = datetime(2020, 5, 4, 12, tzinfo=UTC)
    return Origin(sha256_of_array(label_map.labels), moment, "0.0", "bundle 1", "ab" * 32)


def assert_comes_back(path: Path, scan: ReferenceScan, labels: LabelMap) -> None:
    mask = read_mask(path, scan)
    np.testing.assert_array_equal(mask.label_map.labels, labels.labels)
    assert mask.label_map.geometry == labels.geometry
    assert mask.solid_told


@pytest.mark.parametrize("settings", SEGS.values(), ids=SEGS)
def test_seg(scan: Scan, tmp_path: Path, settings: SegSettings) -> None:
    path = tmp_path / "seg.dcm"
    write_seg(
        scan.labels, read_source(scan.reference.series), origin_of(scan.labels), path, settings=settings
    )
    assert_comes_back(path, scan.reference, scan.labels)
    with_model = ReferenceScan(scan.reference.geometry, scan.reference.series, scan.labels)
    assert_comes_back(path, with_model, scan.labels)


def test_seg_nrrd(scan: Scan, tmp_path: Path) -> None:
    write_seg_nrrd(scan.labels, origin_of(scan.labels), tmp_path / "labels.seg.nrrd")
    assert_comes_back(tmp_path / "labels.seg.nrrd", scan.reference, scan.labels)


def test_every_exported_segment_is_known_by_code_and_by_name() -> None:
    for segment in ALL_SEGMENTS:
        assert region_of_code(segment.type.scheme, segment.type.value) == Region(segment.name)
        assert region_of_name(segment.label) == Region(segment.name)
        assert region_of_name(segment.name) == Region(segment.name)


def test_itk_snap_labels(scan: Scan, tmp_path: Path) -> None:
    write_itk_snap(scan.labels, tmp_path / "labels.nii.gz", tmp_path / "labels.txt")
    assert_comes_back(tmp_path / "labels.nii.gz", scan.reference, scan.labels)


@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom's, about the UIDs
@pytest.mark.parametrize("settings", SEGS.values(), ids=SEGS)
def test_seg_of_a_scan_with_invalid_uids(tmp_path: Path, settings: SegSettings) -> None:
    datasets = write_scan(tmp_path / "valid").headers()
    for number, dataset in enumerate(datasets):
        dataset.SeriesInstanceUID = "1.2.3.007"
        dataset.FrameOfReferenceUID = "1.2.003"
        dataset.SOPInstanceUID = f"1.2.3.0{number + 1}"
    save_all(datasets, tmp_path / "invalid")
    loaded = load_series(tmp_path / "invalid")
    labels = chest(loaded.volume.geometry).label_map
    path = tmp_path / "seg.dcm"
    write_seg(labels, read_source(loaded.series), origin_of(labels), path, settings=settings)
    assert UID(str(dcmread(path).FrameOfReferenceUID)).is_valid
    assert_comes_back(path, ReferenceScan(loaded.volume.geometry, loaded.series), labels)
    other = write_scan(tmp_path / "other")
    with pytest.raises(MaskMismatchError) as caught:
        read_mask(path, other.reference)
    assert caught.value.reason == Misfit.SERIES


@pytest.mark.parametrize("settings", SEGS.values(), ids=SEGS)
def test_seg_of_a_scan_whose_slices_have_no_uids(tmp_path: Path, settings: SegSettings) -> None:
    datasets = write_scan(tmp_path / "with").headers()
    for dataset in datasets:
        dataset.SOPInstanceUID = ""
    for number, dataset in enumerate(datasets):
        (tmp_path / "without").mkdir(exist_ok=True)
        dcmwrite(tmp_path / "without" / f"{number}.dcm", dataset, enforce_file_format=False)
    loaded = load_series(tmp_path / "without")
    assert not any(part.sop_instance_uid for part in loaded.series.slices)
    labels = chest(loaded.volume.geometry).label_map
    path = tmp_path / "seg.dcm"
    write_seg(labels, read_source(loaded.series), origin_of(labels), path, settings=settings)
    assert_comes_back(path, ReferenceScan(loaded.volume.geometry, loaded.series), labels)
    other = write_scan(tmp_path / "other", series_description="another kernel")
    with pytest.raises(MaskMismatchError) as caught:
        read_mask(path, other.reference)
    assert caught.value.reason == Misfit.SERIES


def test_seg_of_a_scan_without_frame_of_reference(tmp_path: Path) -> None:
    datasets = write_scan(tmp_path / "with").headers()
    for dataset in datasets:
        del dataset.FrameOfReferenceUID
    save_all(datasets, tmp_path / "without")
    loaded = load_series(tmp_path / "without")
    labels = chest(loaded.volume.geometry).label_map
    write_seg(labels, read_source(loaded.series), origin_of(labels), tmp_path / "seg.dcm")
    assert_comes_back(tmp_path / "seg.dcm", ReferenceScan(loaded.volume.geometry, loaded.series), labels)


@pytest.mark.parametrize("settings", SEGS.values(), ids=SEGS)
def test_seg_of_an_enhanced_ct(axial: Scan, tmp_path: Path, settings: SegSettings) -> None:
    order = np.random.default_rng(2).permutation(len(axial.volume.hu)).tolist()
    save_all([enhanced_dataset(axial.volume, order)], tmp_path / "enhanced")
    loaded = load_series(tmp_path / "enhanced")
    labels = chest(loaded.volume.geometry).label_map
    path = tmp_path / "seg.dcm"
    write_seg(labels, read_source(loaded.series), origin_of(labels), path, settings=settings)
    assert_comes_back(path, ReferenceScan(loaded.volume.geometry, loaded.series), labels)


# --- the reader's loop ----------------------------------------------------------------------------------


def add_ten_ml(labels: np.ndarray, voxel_ml: float) -> np.ndarray:
    edited = labels.copy()
    free = np.flatnonzero(labels.ravel() == Label.LUNG)
    edited.ravel()[free[: round(10 / voxel_ml)]] = Label.NON_SOLID
    return edited


def remove_lesion(labels: np.ndarray, voxel_ml: float) -> np.ndarray:
    return np.where(labels >= Label.NON_SOLID, Label.LUNG, labels).astype(np.uint8)


def call_it_solid(labels: np.ndarray, voxel_ml: float) -> np.ndarray:
    return np.where(labels == Label.NON_SOLID, Label.SOLID, labels).astype(np.uint8)


@pytest.mark.parametrize("edit", [add_ten_ml, remove_lesion, call_it_solid])
def test_edit_of_a_seg_nrrd_changes_exactly_its_ml(
    scan: Scan, tmp_path: Path, edit: Callable[[np.ndarray, float], np.ndarray]
) -> None:
    path, labels = tmp_path / "labels.seg.nrrd", scan.labels.labels
    write_seg_nrrd(scan.labels, origin_of(scan.labels), path)
    image = SimpleITK.ReadImage(str(path))  # as an editor does: voxels changed, header kept
    voxel_ml = float(np.prod(image.GetSpacing())) / 1000
    edited = edit(SimpleITK.GetArrayFromImage(image), voxel_ml)
    out = SimpleITK.GetImageFromArray(edited)
    out.CopyInformation(image)
    for key in image.GetMetaDataKeys():
        if key.startswith("Segment"):
            out.SetMetaData(key, image.GetMetaData(key))
    SimpleITK.WriteImage(out, str(path), useCompression=True)

    model = ReferenceScan(scan.reference.geometry, scan.reference.series, scan.labels)
    mask = read_mask(path, model)
    np.testing.assert_array_equal(mask.label_map.labels, edited)
    before, after = (measure(scan.volume, one).as_row() for one in (scan.labels, mask.label_map))
    for label, column in ((Label.NON_SOLID, "lesion_ml"), (Label.SOLID, "solid_ml")):
        least = int(label)
        expected = (np.sum(edited >= least) - np.sum(labels >= least)) * voxel_ml
        assert after[column] - before[column] == pytest.approx(expected, abs=1e-6)
    assert after["lung_ml"] == pytest.approx(before["lung_ml"], abs=1e-6)


def test_frames_follow_slices_that_lie_a_rounding_off_the_even_grid(tmp_path: Path) -> None:
    datasets = write_scan(tmp_path / "even").headers()
    for number, dataset in enumerate(datasets):
        x, y, z = dataset.ImagePositionPatient
        dataset.ImagePositionPatient = [x, y, float(z) + 0.045 * (-1) ** number]
    save_all(datasets, tmp_path / "uneven")
    loaded = load_series(tmp_path / "uneven")
    labels = chest(loaded.volume.geometry).label_map
    write_seg(labels, read_source(loaded.series), origin_of(labels), tmp_path / "seg.dcm")
    dataset = dcmread(tmp_path / "seg.dcm")
    for groups in dataset.PerFrameFunctionalGroupsSequence:  # another program's rounding on top
        position = groups.PlanePositionSequence[0]
        position.ImagePositionPatient = [float(value) + 0.05 for value in position.ImagePositionPatient]
    dataset.save_as(tmp_path / "seg.dcm")
    assert_comes_back(tmp_path / "seg.dcm", ReferenceScan(loaded.volume.geometry, loaded.series), labels)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["ct/P001", "ct/cap002"])
def test_real_scans(real_data: Path, tmp_path: Path, name: str) -> None:
    loaded = load_series(real_data / name)
    labels = np.zeros(loaded.volume.hu.shape, np.uint8)
    middle = np.array(labels.shape) // 2
    first, last = middle - middle // 2, middle + middle // 3
    part = tuple(slice(*bounds) for bounds in zip(first, last, strict=True))
    # ragged, and different along every axis
    labels[part] = np.digitize(loaded.volume.hu[part], [-950, -700, -100])
    label_map = LabelMap(labels, loaded.volume.geometry)
    reference = ReferenceScan(loaded.volume.geometry, loaded.series)
    for settings in SEGS.values():
        path = tmp_path / f"{settings.encoding}-{settings.whole_lesion}.dcm"
        write_seg(label_map, read_source(loaded.series), origin_of(label_map), path, settings=settings)
        assert_comes_back(path, reference, label_map)
    write_seg_nrrd(label_map, origin_of(label_map), tmp_path / "labels.seg.nrrd")
    assert_comes_back(tmp_path / "labels.seg.nrrd", reference, label_map)
    write_itk_snap(label_map, tmp_path / "labels.nii.gz", tmp_path / "labels.txt")
    assert_comes_back(tmp_path / "labels.nii.gz", reference, label_map)
