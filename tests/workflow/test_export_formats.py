"""What is exported of a case, opened by programs of others: the same labels at the same places and ml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from highdicom.sr import srread
from pydicom import dcmread

from lesionseg.volume import LabelMap
from lesionseg.workflow.case import segment_case
from lesionseg.workflow.export.names import EXPORT_FILES, FORMATS
from lesionseg.workflow.export.run import export_case
from lesionseg.workflow.request import CaseRequest, CaseResult
from tests.export.conformance import dciodvfy_remarks
from tests.support.ct_series import Series, write_series
from tests.workflow.builders import RuleSegmenter
from tests.workflow.exports import (
    ACQUISITIONS,
    ReadImage,
    acquired,
    ml_by_label,
    read_seg_with_dcmqi,
    read_seg_with_highdicom,
    read_with_simpleitk,
    read_with_slicerio,
    small_picture,
)


@dataclass(frozen=True)
class Exported:
    """A case and the folder it was exported to."""

    series: Series
    case: CaseResult
    folder: Path

    @property
    def labels(self) -> LabelMap:
        return self.case.label_map


@pytest.fixture(scope="module", params=ACQUISITIONS)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    place = tmp_path_factory.mktemp(request.param)
    series = write_series(place / "ct", acquired(request.param))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lesionseg.reports.overview.draw_overview", small_picture)
        case = segment_case(CaseRequest(series.folder, place / "case"), RuleSegmenter())
    assert {1, 2, 3} <= set(np.unique(case.label_map.labels).tolist())
    result = export_case(place / "case", place / "out")
    assert result.left_out == ()
    assert set(result.files) == set(FORMATS)
    return Exported(series, case, place / "out")


def test_folder_holds_the_files_of_all_formats_and_nothing_else(exported: Exported) -> None:
    assert sorted(path.name for path in exported.folder.iterdir()) == sorted(EXPORT_FILES)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("labels.seg.nrrd", read_with_slicerio),
        ("labels.seg.nrrd", read_with_simpleitk),
        ("labels.nii.gz", read_with_simpleitk),
        ("seg.dcm", read_seg_with_highdicom),
    ],
)
def test_labels_and_ml_are_those_of_the_case(exported: Exported, name: str, read) -> None:
    image = read(exported.folder / name)
    assert np.array_equal(image.at(exported.labels.geometry), exported.labels.labels)
    for value, ml in ml_by_label(exported.labels).items():
        assert np.count_nonzero(image.values == value) * image.voxel_ml == pytest.approx(ml, rel=1e-6)


def test_dcmqi_reads_each_segment_where_it_lies(exported: Exported, tmp_path: Path) -> None:
    masks = read_seg_with_dcmqi(exported.folder / "seg.dcm", tmp_path / "itk")
    assert sorted(masks) == [1, 2, 3]
    for value, mask in masks.items():
        assert np.array_equal(mask.at(exported.labels.geometry) > 0, exported.labels.labels == value)
        ml = np.count_nonzero(mask.values) * mask.voxel_ml
        assert ml == pytest.approx(ml_by_label(exported.labels)[value], rel=1e-6)


def test_reading_finds_a_label_map_that_is_flipped_or_shifted(exported: Exported) -> None:
    """The comparison above can fail: in the phantom, no two directions are alike."""
    image = read_with_simpleitk(exported.folder / "labels.seg.nrrd")
    truth = exported.labels
    for axis in range(3):
        for wrong in (np.flip(image.values, axis), np.roll(image.values, 1, axis)):
            found = ReadImage(wrong, image.affine).at(truth.geometry)
            assert not np.array_equal(found == 2, truth.labels == 2)
            assert not np.array_equal(found == 3, truth.labels == 3)


def test_dicom_objects_are_in_the_study_of_the_scan_and_in_new_series(exported: Exported) -> None:
    first = dcmread(exported.series.paths[0])
    objects = [dcmread(exported.folder / name) for name in ("seg.dcm", "sr.dcm", "sc.dcm")]
    assert {made.StudyInstanceUID for made in objects} == {first.StudyInstanceUID}
    assert {made.PatientID for made in objects} == {first.PatientID}
    series = {made.SeriesInstanceUID for made in objects}
    assert len(series) == 3
    assert first.SeriesInstanceUID not in series


def test_report_states_the_ml_of_each_segment_and_refers_to_it(exported: Exported) -> None:
    seg = dcmread(exported.folder / "seg.dcm", stop_before_pixels=True)
    volume_ml = {}
    for group in srread(exported.folder / "sr.dcm").content.get_volumetric_roi_measurement_groups():
        reference = group.referenced_segment
        assert reference.referenced_sop_instance_uid == seg.SOPInstanceUID
        (number,) = reference.referenced_segment_numbers
        (volume,) = [part for part in group.get_measurements() if part.name.meaning == "Volume"]
        volume_ml[number] = volume.value
    assert volume_ml == pytest.approx(ml_by_label(exported.labels))


def test_picture_of_the_secondary_capture_is_the_overview(exported: Exported) -> None:
    image = dcmread(exported.folder / "sc.dcm")
    assert image.pixel_array.shape == (24, 32, 3)
    assert image.pixel_array[2, 3].tolist() == [240, 160, 80]
    assert image.pixel_array[8, 3].tolist() == [0, 0, 0]


def test_dicom_objects_have_no_errors(exported: Exported) -> None:
    for name in ("seg.dcm", "sr.dcm", "sc.dcm"):
        errors, _ = dciodvfy_remarks(exported.folder / name)
        assert errors == set(), name


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.real_data
@pytest.mark.parametrize("name", ["P001", "cap002"])
def test_export_of_a_real_scan_opens_everywhere(real_data: Path, tmp_path: Path, name: str) -> None:
    case = segment_case(CaseRequest(real_data / "ct" / name, tmp_path / "case"), RuleSegmenter())
    result = export_case(tmp_path / "case", tmp_path / "out")
    assert result.left_out == ()
    for file, read in (
        ("labels.seg.nrrd", read_with_slicerio),
        ("labels.nii.gz", read_with_simpleitk),
        ("seg.dcm", read_seg_with_highdicom),
    ):
        found = read(tmp_path / "out" / file).at(case.label_map.geometry)
        assert np.array_equal(found, case.label_map.labels), file
    for value, mask in read_seg_with_dcmqi(tmp_path / "out" / "seg.dcm", tmp_path / "itk").items():
        assert np.array_equal(mask.at(case.label_map.geometry) > 0, case.label_map.labels == value)
    for file in ("seg.dcm", "sr.dcm", "sc.dcm"):
        assert dciodvfy_remarks(tmp_path / "out" / file)[0] == set(), file
