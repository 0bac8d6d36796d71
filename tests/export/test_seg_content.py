"""What stands in a SEG beside its pixels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from lesionseg.core.errors import ConfigurationError, GeometryError
from lesionseg.dicom import LoaderSettings, Repair, load_series
from lesionseg.export.codes import EXCLUSIVE_SEGMENTS
from lesionseg.export.origin import Origin
from lesionseg.export.seg import SegSettings, write_seg
from lesionseg.export.source import read_source
from lesionseg.export.tracking import tracking_uid
from lesionseg.volume import LabelMap, VolumeGeometry
from tests.export.asymmetric import (
    ACQUISITIONS,
    AXIAL,
    SHAPE,
    LabelledScan,
    labelled,
    origin_of,
    phantom,
)
from tests.support.ct_series import save, write_series
from tests.support.enhanced_series import enhanced_dataset

LESIONS = SegSettings(whole_lesion=True)


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> LabelledScan:
    return labelled(ACQUISITIONS["axial"](tmp_path_factory.mktemp("scan")))


def seg_of(
    scan: LabelledScan, folder: Path, origin: Origin | None = None, settings: SegSettings = LESIONS
) -> Dataset:
    """Written and read again."""
    path = folder / "seg.dcm"
    write_seg(scan.label_map, scan.source, origin or scan.origin, path, settings=settings)
    return dcmread(path)


def without(scan: LabelledScan, *labels: int) -> LabelMap:
    kept = np.where(np.isin(scan.label_map.labels, labels), 0, scan.label_map.labels)
    return LabelMap(kept.astype(np.uint8), scan.label_map.geometry)


def test_every_segment_says_what_it_is(scan: LabelledScan, tmp_path: Path) -> None:
    segments = seg_of(scan, tmp_path).SegmentSequence
    types = [one.SegmentedPropertyTypeCodeSequence[0] for one in segments]
    codes = [(one.CodeValue, one.CodeMeaning) for one in types]
    assert codes == [
        ("39607008", "Lung"),
        ("1217294009", "Ground glass lung opacity"),
        ("9656002", "Consolidation"),
        ("52988006", "Lesion"),
    ]
    assert [one.SegmentNumber for one in segments] == [1, 2, 3, 4]
    assert [one.SegmentLabel for one in segments] == [
        "Lung without lesion", "Non-solid lesion", "Solid component", "Whole lesion",
    ]  # fmt: skip
    assert len({tuple(one.RecommendedDisplayCIELabValue) for one in segments}) == 4


def test_the_model_is_named_with_version_and_hash(scan: LabelledScan, tmp_path: Path) -> None:
    seg = seg_of(scan, tmp_path)
    assert seg.ContentCreatorName == ""
    for segment in seg.SegmentSequence:
        algorithm = segment.SegmentationAlgorithmIdentificationSequence[0]
        assert segment.SegmentAlgorithmType == "AUTOMATIC"
        assert algorithm.AlgorithmName == segment.SegmentAlgorithmName == "lung-lesion 9.9.9"
        assert algorithm.AlgorithmVersion == "lesionseg 0.0.0.test"
        assert "bundle_sha256=" + "5ca1ab1e" * 8 in algorithm.AlgorithmParameters
        assert algorithm.AlgorithmFamilyCodeSequence[0].CodeValue == "123110"


@pytest.mark.parametrize(
    ("bundle", "kind"), [("", "MANUAL"), ("lung-lesion 9.9.9", "SEMIAUTOMATIC")]
)  # fmt: skip
def test_a_reader_is_named_as_the_one_who_drew(
    scan: LabelledScan, tmp_path: Path, bundle: str, kind: str
) -> None:
    origin = replace(scan.origin, reader="Zoë Müller", bundle=bundle)
    seg = seg_of(scan, tmp_path, origin)
    assert seg.ContentCreatorName == "Zoë Müller^"
    assert {one.SegmentAlgorithmType for one in seg.SegmentSequence} == {kind}
    named = [one.get("SegmentAlgorithmName", "") for one in seg.SegmentSequence]
    assert set(named) == {bundle}


def test_all_slices_are_referred_to_also_those_without_label(scan: LabelledScan, tmp_path: Path) -> None:
    seg = seg_of(scan, tmp_path)
    expected = [one.sop_instance_uid for one in scan.source.instances]
    listed = seg.ReferencedSeriesSequence[0]
    assert listed.SeriesInstanceUID == scan.source.series_uid
    assert [one.ReferencedSOPInstanceUID for one in listed.ReferencedInstanceSequence] == expected
    assert len(seg.PerFrameFunctionalGroupsSequence) < 4 * len(expected)


def test_an_enhanced_source_is_referred_to_once_and_its_frames_by_number(tmp_path: Path) -> None:
    scan = labelled(ACQUISITIONS["two enhanced files"](tmp_path))
    seg = seg_of(scan, tmp_path)
    listed = seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    assert len(listed) == len({one.ReferencedSOPInstanceUID for one in listed}) == 2
    assert {one.ReferencedSOPClassUID for one in listed} == {"1.2.840.10008.5.1.4.1.1.2.1"}
    frames = {
        (one.ReferencedSOPInstanceUID, one.ReferencedFrameNumber)
        for groups in seg.PerFrameFunctionalGroupsSequence
        for one in groups.DerivationImageSequence[0].SourceImageSequence
    }
    assert frames <= {(one.sop_instance_uid, one.frame_number) for one in scan.source.instances}
    assert len(frames) > 2


def test_patient_and_study_are_the_sources_and_the_series_is_new(scan: LabelledScan, tmp_path: Path) -> None:
    seg = seg_of(scan, tmp_path)
    carried = dcmread(scan.loaded.series.slices[0].file)
    for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "StudyDate", "FrameOfReferenceUID"):
        assert seg[keyword].value == carried[keyword].value
    assert seg.SeriesInstanceUID != carried.SeriesInstanceUID
    assert seg.Manufacturer == "lesionseg"
    assert seg.ContentDate == "20240305"
    assert seg.PatientBirthDate == seg.AccessionNumber == ""
    assert "PatientAge" not in seg


def test_empty_segments_are_dropped_and_the_others_numbered_without_gap(
    scan: LabelledScan, tmp_path: Path
) -> None:
    result = write_seg(without(scan, 2), scan.source, scan.origin, tmp_path / "seg.dcm")
    assert result.dropped == ("non_solid",)
    assert result.segment_numbers == {"lung": 1, "solid": 2}
    assert len(dcmread(tmp_path / "seg.dcm").SegmentSequence) == 2


def test_numbers_in_a_label_map_stay_the_labels(scan: LabelledScan, tmp_path: Path) -> None:
    result = write_seg(
        without(scan, 1), scan.source, scan.origin, tmp_path / "seg.dcm", settings=SegSettings("labelmap")
    )
    assert result.segment_numbers == {"non_solid": 2, "solid": 3}
    frames = dcmread(tmp_path / "seg.dcm").pixel_array  # highdicom puts the last slice first
    np.testing.assert_array_equal(frames[::-1], without(scan, 1).labels)


def test_without_any_label_there_is_no_seg(scan: LabelledScan, tmp_path: Path) -> None:
    result = write_seg(
        without(scan, 1, 2, 3), scan.source, scan.origin, tmp_path / "seg.dcm", settings=LESIONS
    )
    assert result.path is None
    assert result.dropped == ("lung", "non_solid", "solid", "lesion")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("settings", [SegSettings(), LESIONS, SegSettings("labelmap")])
def test_the_same_labels_give_the_same_bytes(
    scan: LabelledScan, tmp_path: Path, settings: SegSettings
) -> None:
    files = [tmp_path / name for name in ("first.dcm", "second.dcm")]
    for file in files:
        write_seg(scan.label_map, scan.source, scan.origin, file, settings=settings)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_other_labels_another_encoding_or_moment_are_another_series(
    scan: LabelledScan, tmp_path: Path
) -> None:
    origins = [scan.origin, replace(scan.origin, labels_sha256="0" * 64), replace(scan.origin, reader="A")]
    made = [seg_of(scan, tmp_path, origin) for origin in origins]
    made += [seg_of(scan, tmp_path, settings=one) for one in (SegSettings(), SegSettings("labelmap"))]
    assert len({one.SeriesInstanceUID for one in made}) == len({one.SOPInstanceUID for one in made}) == 5


def test_labels_of_another_grid_are_refused(scan: LabelledScan, tmp_path: Path) -> None:
    affine = scan.label_map.geometry.affine.copy()
    affine[0, 3] += 2.5
    moved = LabelMap(scan.label_map.labels, VolumeGeometry(SHAPE, affine))
    with pytest.raises(GeometryError, match=r"2\.50 mm off"):
        write_seg(moved, scan.source, scan.origin, tmp_path / "seg.dcm")
    assert list(tmp_path.iterdir()) == []


def test_a_label_map_seg_cannot_hold_the_whole_lesion() -> None:
    with pytest.raises(ConfigurationError, match="overlap"):
        SegSettings("labelmap", whole_lesion=True)


def test_a_lossy_source_makes_a_lossy_seg(tmp_path: Path) -> None:
    dataset = enhanced_dataset(phantom(AXIAL))
    dataset.LossyImageCompression, dataset.LossyImageCompressionMethod = "01", "ISO_10918_1"
    dataset.LossyImageCompressionRatio = "9.5"
    seg = seg_of(labelled(save(dataset, tmp_path / "ct.dcm")), tmp_path)
    assert (seg.LossyImageCompression, seg.LossyImageCompressionRatio) == ("01", 9.5)


def test_tracking_joins_the_visits_of_a_patient_and_of_nobody_else(tmp_path: Path) -> None:
    def uids(patient: str, study: str) -> set[str]:
        series = write_series(tmp_path / f"{patient} {study}", phantom(AXIAL))
        for dataset, path in zip(series.datasets(), series.paths, strict=True):
            dataset.PatientID, dataset.StudyInstanceUID = patient, study
            save(dataset, path)
        source = read_source(load_series(series.folder).series)
        return {tracking_uid(source, segment) for segment in EXCLUSIVE_SEGMENTS}

    first, second, other = uids("A", "1.2.3"), uids("A", "1.2.4"), uids("B", "1.2.3")
    assert first == second
    assert len(first | other) == 6
    assert uids("", "1.2.3").isdisjoint(uids("", "1.2.4")), "nobody is not one patient"


def test_a_straightened_stack_does_not_claim_the_sources_pixels(tmp_path: Path) -> None:
    series = write_series(tmp_path / "ct", phantom(AXIAL))
    for index, (dataset, path) in enumerate(zip(series.datasets(), series.paths, strict=True)):
        x_mm, y_mm, z_mm = dataset.ImagePositionPatient
        dataset.ImagePositionPatient = [x_mm, y_mm + 1.5 * index, z_mm]
        save(dataset, path)
    loaded = load_series(series.folder, settings=LoaderSettings(repairs=frozenset({Repair.TILT})))
    label_map = LabelMap(np.ones(loaded.volume.hu.shape, np.uint8), loaded.volume.geometry)
    write_seg(label_map, read_source(loaded.series), origin_of(label_map.labels), tmp_path / "seg.dcm")
    seg = dcmread(tmp_path / "seg.dcm")
    assert (seg.Rows, seg.Columns) == label_map.geometry.shape[1:] > SHAPE[1:]
    for groups in seg.PerFrameFunctionalGroupsSequence:
        source = groups.DerivationImageSequence[0].SourceImageSequence[0]
        assert source.SpatialLocationsPreserved == "NO"
