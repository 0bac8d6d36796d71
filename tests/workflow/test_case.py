from __future__ import annotations

import csv
import errno
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from lesionseg.core.errors import (
    AnatomyError,
    IntensityError,
    MissingSlicesError,
    OutputError,
    OutputExistsError,
)
from lesionseg.core.provenance import Stopwatch, sha256_of_array, sha256_of_file
from lesionseg.volume import CTVolume, VolumeGeometry
from lesionseg.volume.files import read_label_map, write_volume
from lesionseg.volumetry import COLUMNS
from lesionseg.workflow.case import segment_case
from lesionseg.workflow.request import CASE_FILES, CaseRequest, Watch
from tests.support.bad_pixels import head
from tests.support.broken_series import missing_slice
from tests.support.ct_series import Series
from tests.workflow.builders import RuleSegmenter

NOON = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def quick_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """The picture has tests of its own and takes a second."""

    def draw(*arguments: object, **_: object) -> None:
        next(part for part in arguments if isinstance(part, Path)).write_bytes(b"picture")

    monkeypatch.setattr("lesionseg.reports.overview.draw_overview", draw)


def still_clock() -> float:
    return 0.0


def fixed_watch() -> Watch:
    return Watch(now=lambda: NOON, stopwatch=lambda: Stopwatch(clock=still_clock))


def run(series: Series, output: Path, segmenter: RuleSegmenter) -> dict:
    request = CaseRequest(series.folder, output)
    return segment_case(request, segmenter, watch=fixed_watch()).manifest


def test_case_leaves_all_its_files_and_nothing_beside_them(
    good_series: Series, output: Path, segmenter: RuleSegmenter
) -> None:
    run(good_series, output, segmenter)
    assert sorted(path.name for path in output.iterdir()) == sorted(CASE_FILES)
    assert [path.name for path in output.parent.iterdir()] == ["out"]


def test_label_map_lies_on_the_scans_own_grid(
    good_series: Series, output: Path, segmenter: RuleSegmenter
) -> None:
    run(good_series, output, segmenter)
    labels = read_label_map(output / "labels.nii.gz")
    assert labels.geometry.matches(good_series.volume.geometry)
    assert np.array_equal(labels.labels, RuleSegmenter().segment(good_series.volume).labels)


def test_measurements_are_those_of_the_label_map(
    good_series: Series, output: Path, segmenter: RuleSegmenter
) -> None:
    run(good_series, output, segmenter)
    labels = read_label_map(output / "labels.nii.gz")
    with (output / "measurements.csv").open(encoding="utf-8", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert list(row) == ["input", *COLUMNS]
    assert row["input"] == good_series.folder.name
    voxel_ml = labels.geometry.voxel_volume_ml
    assert float(row["lung_ml"]) == pytest.approx(labels.lung.sum() * voxel_ml)
    assert float(row["solid_ml"]) == pytest.approx(labels.solid.sum() * voxel_ml)
    nested = json.loads((output / "measurements.json").read_text(encoding="utf-8"))
    assert nested["regions"]["whole"]["lesion_ml"] == pytest.approx(labels.lesion.sum() * voxel_ml)


def test_manifest_says_what_went_in_and_came_out(
    good_series: Series, output: Path, segmenter: RuleSegmenter
) -> None:
    manifest = run(good_series, output, segmenter)
    assert manifest == json.loads((output / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["source"]["series"]["series_uid"] == good_series.settings.series_uid
    assert manifest["source"]["choice"]["chosen_uid"] == good_series.settings.series_uid
    assert manifest["volume"]["sha256"] == sha256_of_array(good_series.volume.hu)
    assert manifest["volume"]["spacing_mm"] == list(good_series.volume.geometry.spacing_mm)
    by_name = {entry["file"]: entry["sha256"] for entry in manifest["input"]["files"]}
    assert by_name == {path.name: sha256_of_file(path) for path in good_series.paths}
    written = {name: sha256_of_file(output / name) for name in CASE_FILES if name != "manifest.json"}
    assert manifest["outputs"] == written
    assert manifest["model"] == {"bundle": "rule 1", "runtime": "scipy", "device": "cpu"}
    assert manifest["times"]["started_utc"] == "2026-01-02T12:00:00+00:00"
    assert set(manifest["times"]["seconds"]) == {"read", "segment", "measure", "write", "draw", "hash"}
    assert manifest["packages"]["numpy"] == np.__version__


def test_progress_is_told_for_reading_and_segmenting(
    good_series: Series, output: Path, segmenter: RuleSegmenter
) -> None:
    told: list[tuple[str, int, int]] = []
    watch = Watch(progress=lambda stage, done, total: told.append((stage, done, total)))
    segment_case(CaseRequest(good_series.folder, output), segmenter, watch=watch)
    slices = len(good_series.paths)
    assert ("read", slices, slices) in told
    assert told[-1] == ("segment", 1, 1)


def test_existing_output_is_refused_before_any_work(
    good_series: Series, output: Path, segmenter: RuleSegmenter
) -> None:
    output.mkdir()
    (output / "mine.txt").write_text("keep")
    with pytest.raises(OutputExistsError):
        run(good_series, output, segmenter)
    assert segmenter.calls == 0
    assert (output / "mine.txt").read_text() == "keep"


def test_overwrite_replaces_an_earlier_result(
    good_series: Series, output: Path, segmenter: RuleSegmenter
) -> None:
    run(good_series, output, segmenter)
    (output / "overview.png").unlink()
    segment_case(CaseRequest(good_series.folder, output, overwrite=True), segmenter)
    assert sorted(path.name for path in output.iterdir()) == sorted(CASE_FILES)
    assert [path.name for path in output.parent.iterdir()] == ["out"]


@pytest.mark.parametrize("name", ["mine.txt", "labels.nii.gz", "manifest.json"])
def test_overwrite_never_takes_somebody_elses_files(
    good_series: Series, output: Path, segmenter: RuleSegmenter, name: str
) -> None:
    output.mkdir()
    (output / name).write_text("keep")
    with pytest.raises(OutputExistsError, match="not an earlier result"):
        segment_case(CaseRequest(good_series.folder, output, overwrite=True), segmenter)
    assert (output / name).read_text() == "keep"
    assert segmenter.calls == 0


def test_failed_overwrite_keeps_the_earlier_result(good_series: Series, output: Path) -> None:
    run(good_series, output, RuleSegmenter())
    before = {path.name: path.read_bytes() for path in output.iterdir()}
    with pytest.raises(RuntimeError):
        segment_case(
            CaseRequest(good_series.folder, output, overwrite=True), RuleSegmenter(error=RuntimeError("x"))
        )
    assert {path.name: path.read_bytes() for path in output.iterdir()} == before


def test_output_under_a_file_is_refused_before_any_work(
    good_series: Series, tmp_path: Path, segmenter: RuleSegmenter
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="could not be written"):
        run(good_series, tmp_path / "file" / "out", segmenter)
    assert segmenter.calls == 0


@pytest.mark.parametrize("step", ["write_label_map", "write_csv"])
def test_full_disk_leaves_nothing_behind(
    good_series: Series, output: Path, segmenter: RuleSegmenter, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(f"lesionseg.workflow.case.{step}", full)
    with pytest.raises(OutputError) as caught:
        run(good_series, output, segmenter)
    assert caught.value.found == "No space left on device"
    assert list(output.parent.iterdir()) == []


def test_full_disk_while_drawing_is_no_failed_picture(
    good_series: Series, output: Path, segmenter: RuleSegmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("lesionseg.reports.overview.draw_overview", full)
    with pytest.raises(OutputError):
        run(good_series, output, segmenter)
    assert list(output.parent.iterdir()) == []


def test_failed_picture_does_not_cost_the_measurements(
    good_series: Series, output: Path, segmenter: RuleSegmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object, **_: object) -> None:
        path = next(part for part in arguments if isinstance(part, Path))
        path.write_bytes(b"half a picture")
        raise ValueError("no such colour")

    monkeypatch.setattr("lesionseg.reports.overview.draw_overview", broken)
    result = segment_case(CaseRequest(good_series.folder, output), segmenter)
    assert result.warnings == ("the overview could not be drawn: ValueError: no such colour",)
    manifest = json.loads((output / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["warnings"] == list(result.warnings)
    assert manifest["overview_drawn"] is False
    assert sorted(path.name for path in output.iterdir()) == sorted(set(CASE_FILES) - {"overview.png"})


def test_head_ct_is_refused_as_no_chest(
    good_series: Series, tmp_path: Path, output: Path, segmenter: RuleSegmenter
) -> None:
    head(good_series, tmp_path / "head")
    with pytest.raises(AnatomyError) as caught:
        segment_case(CaseRequest(tmp_path / "head", output), segmenter)
    assert "lung" in caught.value.found
    assert caught.value.remedy
    assert list(output.parent.iterdir()) == []


def test_values_that_are_no_hounsfield_units_are_refused(
    tmp_path: Path, output: Path, segmenter: RuleSegmenter
) -> None:
    grey = np.random.default_rng(0).integers(0, 255, (12, 32, 32)).astype(np.int16)
    geometry = VolumeGeometry.from_axes(grey.shape, (5.0, 3.0, 3.0))
    write_volume(CTVolume(grey, geometry), tmp_path / "grey.nii.gz")
    with pytest.raises(IntensityError):
        segment_case(CaseRequest(tmp_path / "grey.nii.gz", output), segmenter)
    assert segmenter.calls == 0
    assert list(output.parent.iterdir()) == []


def test_refused_series_leaves_nothing_behind(
    good_series: Series, tmp_path: Path, output: Path, segmenter: RuleSegmenter
) -> None:
    missing_slice(good_series, tmp_path / "gap")
    with pytest.raises(MissingSlicesError):
        segment_case(CaseRequest(tmp_path / "gap", output), segmenter)
    assert segmenter.calls == 0
    assert list(output.parent.iterdir()) == []


def test_interrupt_leaves_nothing_behind(good_series: Series, output: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(good_series, output, RuleSegmenter(error=KeyboardInterrupt()))
    assert list(output.parent.iterdir()) == []


def test_volume_file_gives_the_figures_of_its_dicom_series(
    good_series: Series, tmp_path: Path, segmenter: RuleSegmenter
) -> None:
    write_volume(good_series.volume, tmp_path / "scan.nii.gz")
    from_file = segment_case(CaseRequest(tmp_path / "scan.nii.gz", tmp_path / "a"), segmenter)
    from_dicom = segment_case(CaseRequest(good_series.folder, tmp_path / "b"), segmenter)
    assert from_file.measurements.whole == from_dicom.measurements.whole
    assert from_file.manifest["source"] == {"kind": "volume file"}
    assert from_file.manifest["input"]["files"][0]["file"] == "scan.nii.gz"
