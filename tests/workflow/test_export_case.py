"""Which cases may be exported, to where, and what is refused."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from lesionseg.core.confidence import Confidence, ProportionDoubt, ScanFigure
from lesionseg.core.errors import (
    ConfigurationError,
    ExportError,
    InputNotFoundError,
    OutputError,
    OutputExistsError,
    SourceMismatchError,
    UnreadableFileError,
)
from lesionseg.core.provenance import sha256_of_file
from lesionseg.core.tables import plain_json
from lesionseg.volume import CTVolume, LabelMap
from lesionseg.volume.files import read_label_map, write_volume
from lesionseg.volumetry import measure
from lesionseg.workflow.case import segment_case
from lesionseg.workflow.export.case_folder import from_folder, from_result
from lesionseg.workflow.export.measured import measurements_from
from lesionseg.workflow.export.names import DICOM_FORMATS, EXPORT_FILES, FORMATS
from lesionseg.workflow.export.request import ExportSettings
from lesionseg.workflow.export.run import export_case, export_results
from lesionseg.workflow.request import CASE_FILES, CaseRequest, CaseResult, CaseSettings
from lesionseg.workflow.trial.resume import WantedCase
from tests.support.broken_series import gantry_tilt
from tests.support.ct_series import Series, chest_volume, write_series
from tests.workflow.builders import RuleSegmenter
from tests.workflow.exports import small_chest, small_picture

SLICER_ONLY, SEG_ONLY = ExportSettings(("slicer",)), ExportSettings(("seg",))


@pytest.fixture(autouse=True)
def quick_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lesionseg.reports.overview.draw_overview", small_picture)


@pytest.fixture
def series(tmp_path: Path) -> Series:
    return write_series(tmp_path / "ct", small_chest())


@pytest.fixture
def case(series: Series, tmp_path: Path) -> CaseResult:
    return segment_case(CaseRequest(series.folder, tmp_path / "case"), RuleSegmenter())


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_folder_and_memory_give_the_same_bytes(case: CaseResult, tmp_path: Path) -> None:
    export_results(from_result(case), tmp_path / "memory")
    export_case(case.folder, tmp_path / "folder")
    assert names(tmp_path / "folder") == sorted(EXPORT_FILES)
    for name in EXPORT_FILES:
        assert (tmp_path / "memory" / name).read_bytes() == (tmp_path / "folder" / name).read_bytes(), name


def test_measurements_read_back_are_those_written(case: CaseResult) -> None:
    written = json.loads((case.folder / "measurements.json").read_text(encoding="utf-8"))
    assert plain_json(measurements_from(written).as_dict()) == written


def test_intervals_and_scores_read_back_are_those_written(series: Series, case: CaseResult) -> None:
    said = Confidence(
        ProportionDoubt(0.75, 2.5, 0.125), ProportionDoubt(99.0, 0.5),
        (ScanFigure("noise_hu", 42.0, 5.0, 20.0, 3.5),), "guessed", "two scans",
    )  # fmt: skip
    measured = measure(series.volume, case.label_map, confidence=said)
    read = measurements_from(plain_json(measured.as_dict()))
    for column, cell in measured.as_row().items():
        assert read.as_row()[column] == (pytest.approx(cell) if isinstance(cell, float) else cell), column
    assert read.flags == measured.flags
    assert read.confidence is not None
    assert (read.confidence.figures, read.confidence.reference) == (said.figures, "two scans")


def test_measurements_without_lung_read_back() -> None:
    volume = chest_volume((4, 5, 6))
    nothing = measure(volume, LabelMap(np.zeros(volume.hu.shape, np.uint8), volume.geometry))
    written = plain_json(nothing.as_dict())
    assert plain_json(measurements_from(written).as_dict()) == written


def test_manifest_names_files_uids_and_source(case: CaseResult, series: Series, tmp_path: Path) -> None:
    manifest = export_case(case.folder, tmp_path / "out").manifest
    assert manifest == json.loads((tmp_path / "out" / "export.json").read_text(encoding="utf-8"))
    assert {entry["format"] for entry in manifest["files"]} == set(FORMATS)
    for entry in manifest["files"]:
        path = tmp_path / "out" / entry["file"]
        assert (entry["sha256"], entry["bytes"]) == (sha256_of_file(path), path.stat().st_size)
        if path.suffix == ".dcm":
            made = dcmread(path)
            assert (entry["sop_instance_uid"], entry["series_uid"]) == (
                made.SOPInstanceUID,
                made.SeriesInstanceUID,
            )
    assert manifest["source"]["series_uid"] == series.settings.series_uid
    assert manifest["source"]["replaced_uids"] == {}
    assert manifest["source"]["input_sha256"] == case.manifest["input"]["sha256"]
    assert manifest["labels"]["bundle"] == "rule 1"
    assert manifest["labels"]["made_utc"] == case.manifest["times"]["started_utc"]


def test_replaced_uids_stand_in_the_manifest(tmp_path: Path) -> None:
    series = write_series(tmp_path / "ct", small_chest())
    for path, dataset in zip(series.paths, series.datasets(), strict=True):
        dataset.StudyInstanceUID = "1.02.3"  # a component with a leading zero
        dataset.save_as(path)
    segment_case(CaseRequest(series.folder, tmp_path / "case"), RuleSegmenter())
    manifest = export_case(tmp_path / "case", tmp_path / "out", settings=SEG_ONLY).manifest
    made = dcmread(tmp_path / "out" / "seg.dcm").StudyInstanceUID
    assert manifest["source"]["replaced_uids"] == {"1.02.3": made}
    assert manifest["source"]["study_uid"] == made


# --- the scan must be the one that was measured -----------------------------------------------------------


def test_a_moved_scan_is_taken_from_where_it_lies_now(
    case: CaseResult, series: Series, tmp_path: Path
) -> None:
    series.folder.rename(tmp_path / "archive")
    with pytest.raises(InputNotFoundError, match="--source") as caught:
        export_case(case.folder, tmp_path / "out", settings=SLICER_ONLY)
    assert caught.value.expected == str(series.folder)
    for number, path in enumerate(sorted((tmp_path / "archive").iterdir())):
        path.rename(path.with_name(f"renamed {number}"))
    source = tmp_path / "archive"
    result = export_case(case.folder, tmp_path / "out", settings=SLICER_ONLY, source=source)
    assert set(result.files) == {"slicer"}


def test_a_scan_with_one_other_byte_is_refused(case: CaseResult, series: Series, tmp_path: Path) -> None:
    content = bytearray(series.paths[5].read_bytes())
    content[-1] ^= 1  # within the pixels
    series.paths[5].write_bytes(content)
    with pytest.raises(SourceMismatchError, match="not the scan") as caught:
        export_case(case.folder, tmp_path / "out")
    assert "1 of them with another content" in caught.value.found
    assert not (tmp_path / "out").exists()


def test_another_series_is_refused(case: CaseResult, tmp_path: Path) -> None:
    other = write_series(tmp_path / "other", CTVolume(np.roll(case_hu(case), 3, axis=2), grid(case)))
    with pytest.raises(SourceMismatchError):
        export_case(case.folder, tmp_path / "out", source=other.folder)


def case_hu(case: CaseResult) -> np.ndarray:
    labels = read_label_map(case.folder / "labels.nii.gz").labels
    return np.where(labels > 0, -800, 40).astype(np.int16)


def grid(case: CaseResult):
    return case.label_map.geometry


@pytest.mark.parametrize("name", ["labels.nii.gz", "measurements.json", "overview.png"])
def test_a_case_that_was_changed_since_is_refused(case: CaseResult, tmp_path: Path, name: str) -> None:
    with (case.folder / name).open("ab") as stream:
        stream.write(b" ")
    with pytest.raises(UnreadableFileError, match="have changed") as caught:
        export_case(case.folder, tmp_path / "out")
    assert name in caught.value.expected
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_no_case_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputNotFoundError):
        export_case(tmp_path / "empty", tmp_path / "out")


# --- what a case allows -----------------------------------------------------------------------------------


def test_a_case_without_lesion_gives_a_segmentation_of_the_lung_alone(tmp_path: Path) -> None:
    clear = write_series(tmp_path / "clear", without_lesion(small_chest()))
    case = segment_case(CaseRequest(clear.folder, tmp_path / "case"), RuleSegmenter())
    assert case.measurements.whole.lesion_ml == 0
    result = export_case(tmp_path / "case", tmp_path / "out", settings=SEG_ONLY)
    assert result.left_out == ()
    (segment,) = dcmread(tmp_path / "out" / "seg.dcm").SegmentSequence
    assert segment.SegmentLabel == "Lung without lesion"
    (entry,) = result.manifest["files"]
    assert (entry["segments"], entry["empty_segments"]) == ({"lung": 1}, ["non_solid", "solid"])


def without_lesion(volume: CTVolume) -> CTVolume:
    hu = np.array(volume.hu)
    hu[RuleSegmenter().segment(volume).labels > 1] = -850
    return replace(volume, hu=hu)


def test_labels_without_any_voxel_leave_the_segmentation_out(case: CaseResult, tmp_path: Path) -> None:
    nothing = LabelMap(np.zeros_like(case.label_map.labels), case.label_map.geometry)
    what = replace(from_result(case), label_map=nothing)
    result = export_results(what, tmp_path / "out", settings=ExportSettings(("seg", "sr", "slicer")))
    assert [(part.format, part.reason) for part in result.left_out] == [("seg", "empty")]
    assert names(tmp_path / "out") == ["export.json", "labels.seg.nrrd", "sr.dcm"]


def tilted_case(folder: Path) -> CaseResult:
    gantry_tilt(write_series(folder / "straight"), folder / "tilted")
    request = CaseRequest(folder / "tilted", folder / "case", repairs=("tilt",))
    return segment_case(request, RuleSegmenter())


def test_a_straightened_scan_has_no_segmentation_and_every_other_format(tmp_path: Path) -> None:
    case = tilted_case(tmp_path)
    result = export_case(case.folder, tmp_path / "out")
    assert [(part.format, part.reason) for part in result.left_out] == [("seg", "straightened")]
    assert set(result.files) == {"sr", "sc", "slicer", "itk-snap"}
    assert result.manifest["left_out"][0]["text"] == result.left_out[0].text
    labels = read_label_map(tmp_path / "out" / "labels.seg.nrrd")
    assert labels.geometry.matches(case.label_map.geometry)
    assert b"seg.dcm" not in (tmp_path / "out" / "export.json").read_bytes()


def test_a_segmentation_demanded_of_a_straightened_scan_is_refused(tmp_path: Path) -> None:
    case = tilted_case(tmp_path)
    with pytest.raises(ExportError, match="straightened") as caught:
        export_case(case.folder, tmp_path / "out", settings=ExportSettings(("seg", "sr")))
    assert "Ask for sr alone" in caught.value.remedy
    assert not (tmp_path / "out").exists()


@pytest.fixture
def volume_case(series: Series, tmp_path: Path) -> CaseResult:
    write_volume(series.volume, tmp_path / "scan.nii.gz")
    return segment_case(CaseRequest(tmp_path / "scan.nii.gz", tmp_path / "from file"), RuleSegmenter())


def test_a_volume_file_gives_what_needs_no_dicom(volume_case: CaseResult, tmp_path: Path) -> None:
    result = export_case(volume_case.folder, tmp_path / "out")
    assert [part.format for part in result.left_out] == list(DICOM_FORMATS)
    assert {part.reason for part in result.left_out} == {"no-dicom-source"}
    written = read_label_map(tmp_path / "out" / "labels.nii.gz")
    assert np.array_equal(written.labels, volume_case.label_map.labels)


@pytest.mark.parametrize("name", DICOM_FORMATS)
def test_a_dicom_format_demanded_of_a_volume_file_is_refused(
    volume_case: CaseResult, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ExportError, match="volume file"):
        export_case(volume_case.folder, tmp_path / "out", settings=ExportSettings((name,)))
    assert not (tmp_path / "out").exists()


def test_an_altered_volume_file_is_refused(volume_case: CaseResult, series: Series, tmp_path: Path) -> None:
    write_volume(replace(series.volume, hu=series.volume.hu + np.int16(1)), tmp_path / "scan.nii.gz")
    with pytest.raises(SourceMismatchError):
        export_case(volume_case.folder, tmp_path / "out")


def test_a_case_without_overview_leaves_the_picture_out(
    series: Series, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("no such colour")

    monkeypatch.setattr("lesionseg.reports.overview.draw_overview", broken)
    case = segment_case(CaseRequest(series.folder, tmp_path / "case"), RuleSegmenter())
    settings = ExportSettings(("sc", "slicer"))
    with pytest.raises(ExportError, match="no overview"):
        export_results(from_result(case), tmp_path / "out", settings=settings)
    result = export_results(from_result(case), tmp_path / "out")
    assert [(part.format, part.reason) for part in result.left_out] == [("sc", "no-overview")]


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="no such export format"):
        ExportSettings(("seg", "stl"))
    with pytest.raises(ConfigurationError, match="whole lesion"):
        ExportSettings(encoding="labelmap", whole_lesion=True)


def test_whole_lesion_and_label_map_reach_the_segmentation(case: CaseResult, tmp_path: Path) -> None:
    what = from_folder(case.folder)
    for name, settings, segments, kind in (
        ("four", ExportSettings(("seg",), whole_lesion=True), 4, "BINARY"),
        ("map", ExportSettings(("seg",), "labelmap"), 3, "LABELMAP"),
    ):
        export_results(what, tmp_path / name, settings=settings)
        made = dcmread(tmp_path / name / "seg.dcm")
        numbered = [part for part in made.SegmentSequence if part.SegmentNumber > 0]
        assert (len(numbered), made.SegmentationType) == (segments, kind)


# --- where it is written ----------------------------------------------------------------------------------


def test_a_filled_folder_is_refused_before_the_scan_is_read(case: CaseResult, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "ct")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")
    for overwrite in (False, True):
        with pytest.raises(OutputExistsError):
            export_case(case.folder, tmp_path / "out", overwrite=overwrite)
    assert (tmp_path / "out" / "mine.txt").read_text() == "keep"


def test_overwrite_replaces_an_earlier_export(case: CaseResult, tmp_path: Path) -> None:
    export_results(from_result(case), tmp_path / "out", settings=ExportSettings(("itk-snap",)))
    result = export_case(case.folder, tmp_path / "out", settings=SLICER_ONLY, overwrite=True)
    assert names(tmp_path / "out") == ["export.json", "labels.seg.nrrd"]
    assert set(result.files) == {"slicer"}


def edited_in_place(case: CaseResult, folder: Path) -> Path:
    """Do what an editor does that saves under the same name."""
    export_results(from_result(case), folder, settings=SLICER_ONLY)
    path = folder / "labels.seg.nrrd"
    path.write_bytes(b"corrected by hand")
    return path


def test_overwrite_never_takes_a_correction(case: CaseResult, tmp_path: Path) -> None:
    path = edited_in_place(case, tmp_path / "out")
    with pytest.raises(OutputExistsError, match="changed since") as caught:
        export_case(case.folder, tmp_path / "out", overwrite=True)
    assert caught.value.found == "labels.seg.nrrd"
    assert path.read_bytes() == b"corrected by hand"


def resegment(series: Series, case: CaseResult) -> CaseResult:
    return segment_case(CaseRequest(series.folder, case.folder, overwrite=True), RuleSegmenter())


def test_a_case_measured_anew_loses_its_outdated_export(series: Series, case: CaseResult) -> None:
    export_case(case.folder, case.folder / "export", settings=SLICER_ONLY)
    assert names(case.folder) == sorted([*CASE_FILES, "export"])
    resegment(series, case)
    assert names(case.folder) == sorted(CASE_FILES)


def test_a_trial_takes_a_case_over_with_its_export(series: Series, case: CaseResult) -> None:
    export_results(from_result(case), case.folder / "export", settings=SLICER_ONLY)
    wanted = WantedCase(series.paths, None, (), CaseSettings(), RuleSegmenter())
    assert wanted.is_in(case.folder)


def mine(folder: Path) -> Path:
    folder.mkdir()
    (folder / "mine.txt").write_text("keep")
    return folder / "mine.txt"


@pytest.mark.parametrize("theirs", ["somebody's folder", "correction"])
def test_a_case_measured_anew_never_takes_somebodys_export_folder(
    series: Series, case: CaseResult, theirs: str
) -> None:
    make: Callable[[Path], Path] = mine if theirs != "correction" else lambda at: edited_in_place(case, at)
    path = make(case.folder / "export")
    content = path.read_bytes()
    with pytest.raises(OutputExistsError):
        resegment(series, case)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "step", ["writing.write_seg_nrrd", "writing.write_itk_snap", "run.write_json", "run.sha256_of_file"]
)
def test_full_disk_leaves_nothing_behind(
    case: CaseResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(f"lesionseg.workflow.export.{step}", full)
    (tmp_path / "place").mkdir()
    settings = ExportSettings(("slicer", "itk-snap"))
    with pytest.raises(OutputError):
        export_results(from_result(case), tmp_path / "place" / "out", settings=settings)
    assert list((tmp_path / "place").iterdir()) == []
