from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydicom import dcmread

from lesionseg.cli import export as verb
from lesionseg.export.seg import SegSettings
from lesionseg.volume.files import write_volume
from lesionseg.workflow.export.names import EXPORT_FILES, FORMATS
from lesionseg.workflow.request import CASE_FILES
from tests.cli.conftest import Cli
from tests.support.broken_series import gantry_tilt
from tests.support.ct_series import Series
from tests.workflow.builders import RuleSegmenter
from tests.workflow.exports import small_picture


@pytest.fixture(autouse=True)
def quick_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lesionseg.reports.overview.draw_overview", small_picture)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_words_of_the_command_line_are_those_of_the_workflow() -> None:
    assert verb.FORMATS == FORMATS
    for word in verb.ENCODINGS:
        assert SegSettings(word).encoding == word


def test_export_names_every_file_and_says_whose_use_it_is_for(
    cli: Cli, good_series: Series, tmp_path: Path, rule: RuleSegmenter
) -> None:
    assert cli("segment", good_series.folder, "-o", tmp_path / "case", "--quiet").code == 0
    done = cli("export", tmp_path / "case", "-o", tmp_path / "out")
    assert (done.code, done.err) == (0, "")
    assert names(tmp_path / "out") == sorted(EXPORT_FILES)
    for name in set(EXPORT_FILES) - {"export.json"}:
        assert str(tmp_path / "out" / name) in done.out
    assert "Research use only." in done.out


def test_formats_asked_for_are_made_alone(
    cli: Cli, good_series: Series, tmp_path: Path, rule: RuleSegmenter
) -> None:
    cli("segment", good_series.folder, "-o", tmp_path / "case", "--quiet")
    words = ("--format", "slicer", "--format", "seg", "--whole-lesion", "--json")
    done = cli("export", tmp_path / "case", "-o", tmp_path / "out", *words)
    assert done.code == 0
    assert names(tmp_path / "out") == ["export.json", "labels.seg.nrrd", "seg.dcm"]
    assert sorted(entry["format"] for entry in done.json["files"]) == ["seg", "slicer"]
    assert done.json["folder"] == str(tmp_path / "out")
    assert done.json["source"]["series_uid"] == good_series.settings.series_uid
    assert len(dcmread(tmp_path / "out" / "seg.dcm").SegmentSequence) == 4


def test_segment_writes_its_export_beside_the_other_results(
    cli: Cli, good_series: Series, output: Path, rule: RuleSegmenter
) -> None:
    words = ("--export", "slicer", "--export", "seg", "--json")
    done = cli("segment", good_series.folder, "-o", output, *words)
    assert done.code == 0
    assert names(output) == sorted([*CASE_FILES, "export"])
    assert names(output / "export") == ["export.json", "labels.seg.nrrd", "seg.dcm"]
    assert done.json["export"]["folder"] == str(output / "export")
    assert len(done.json["export"]["files"]) == 2
    again = cli("segment", good_series.folder, "-o", output, "--overwrite", "--json")
    assert (again.code, "export" in again.json) == (0, False)
    assert names(output) == sorted(CASE_FILES)


def test_export_of_a_case_later_is_that_of_segment(
    cli: Cli, good_series: Series, output: Path, rule: RuleSegmenter
) -> None:
    assert cli("segment", good_series.folder, "-o", output, "--export", "all", "--quiet").code == 0
    assert cli("export", output, "-o", output.parent / "later", "--quiet").code == 0
    for name in EXPORT_FILES:
        assert (output / "export" / name).read_bytes() == (output.parent / "later" / name).read_bytes()


def test_a_volume_file_is_refused_a_dicom_format_before_it_is_measured(
    cli: Cli, good_series: Series, tmp_path: Path, output: Path, rule: RuleSegmenter
) -> None:
    write_volume(good_series.volume, tmp_path / "scan.nrrd")
    done = cli("segment", tmp_path / "scan.nrrd", "-o", output, "--export", "sr", "--json")
    assert (done.code, done.json["error"]["code"]) == (1, "export")
    assert (rule.calls, list(output.parent.iterdir())) == (0, [])
    done = cli("segment", tmp_path / "scan.nrrd", "-o", output, "--export", "all")
    assert done.code == 0
    assert "seg left out" in done.out
    assert "labels.seg.nrrd" in names(output / "export")


def test_a_failed_export_leaves_the_case_whole_and_is_said(
    cli: Cli, good_series: Series, tmp_path: Path, output: Path, rule: RuleSegmenter
) -> None:
    gantry_tilt(good_series, tmp_path / "tilted")
    words = ("--repair", "tilt", "--export", "seg")
    done = cli("segment", tmp_path / "tilted", "-o", output, *words)
    assert done.code == 1
    assert "straightened" in done.err
    assert "solid component" in done.out
    assert names(output) == sorted(CASE_FILES)
    assert json.loads((output / "manifest.json").read_text())["outputs"]


@pytest.mark.parametrize(
    "words",
    [
        ("export", "case"),
        ("export", "case", "-o", "out", "--format", "stl"),
        ("export", "case", "-o", "out", "--encoding", "fractional"),
        ("segment", "in", "-o", "out", "--export", "stl"),
    ],
)
def test_misuse_gives_exit_code_two(cli: Cli, words: tuple[str, ...]) -> None:
    done = cli(*words, "--json")
    assert (done.code, done.json["error"]["code"]) == (2, "usage")


def test_whole_lesion_in_a_label_map_is_refused(cli: Cli, tmp_path: Path) -> None:
    words = ("--whole-lesion", "--encoding", "labelmap", "--json")
    done = cli("export", tmp_path, "-o", tmp_path / "out", *words)
    assert (done.code, done.json["error"]["code"]) == (1, "configuration")
