from __future__ import annotations

import errno
import json
from pathlib import Path

import numpy as np
import pytest

from lesionseg.core.confidence import Confidence, ProportionDoubt, ScanFigure
from lesionseg.segmentation import Progress
from lesionseg.segmentation.protocol import Segmentation
from lesionseg.volume import CTVolume, VolumeGeometry
from lesionseg.volume.files import write_volume
from lesionseg.workflow.request import CASE_FILES
from tests.cli.conftest import Cli
from tests.support.bad_files import no_ct, text_only
from tests.support.bad_pixels import head
from tests.support.broken_series import gantry_tilt, missing_slice, truncated_pixels, two_series
from tests.support.ct_series import Series
from tests.workflow.builders import RuleSegmenter

pytestmark = pytest.mark.usefixtures("quick_picture")


def test_table_shows_the_figures_and_where_the_files_are(
    cli: Cli, good_series: Series, output: Path, rule: RuleSegmenter
) -> None:
    done = cli("segment", good_series.folder, "-o", output)
    assert done.code == 0
    assert sorted(path.name for path in output.iterdir()) == sorted(CASE_FILES)
    measured = json.loads((output / "measurements.json").read_text(encoding="utf-8"))
    whole = measured["regions"]["whole"]
    assert f"{whole['lung_ml']:,.0f} ml" in done.out
    assert f"{whole['lesion_proportion_pct']:.1f} %" in done.out
    assert all(flag["sentence"] in done.out for flag in measured["flags"])
    assert str(output / "overview.png") in done.out
    assert done.err == ""
    assert "\x1b" not in done.out


def confident(rule: RuleSegmenter, monkeypatch: pytest.MonkeyPatch, score: float) -> None:
    """Let the rule segmenter say how far it trusts its labels."""
    said = Confidence(
        ProportionDoubt(0.5, 0.75), ProportionDoubt(50.0, 0.25),
        (ScanFigure("noise_hu", 42.0, 5.0, 20.0, score),), "sensitivity",
    )  # fmt: skip

    def segment_assessed(volume: CTVolume, *, progress: Progress | None = None) -> Segmentation:
        return Segmentation(rule.segment(volume, progress=progress), said)

    monkeypatch.setattr(rule, "segment_assessed", segment_assessed, raising=False)


def test_table_shows_the_intervals_and_what_they_are_not(
    cli: Cli, good_series: Series, output: Path, rule: RuleSegmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    confident(rule, monkeypatch, 1.4)
    shown = cli("segment", good_series.folder, "-o", output).out
    cells = json.loads((output / "measurements.json").read_text(encoding="utf-8"))
    low, high = (cells["confidence"][f"lesion_proportion_{end}_pct"] for end in ("low", "high"))
    share = cells["regions"]["whole"]["lesion_proportion_pct"]
    assert f"{share:.1f} % ({low:.1f} to {high:.1f})" in shown
    assert f"(0.0 to {cells['confidence']['solid_proportion_high_pct']:.1f})" in shown
    assert "not a confidence interval" in shown
    assert "Score" not in shown


def test_score_is_shown_once_when_the_scan_is_unusual(
    cli: Cli, good_series: Series, output: Path, rule: RuleSegmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    confident(rule, monkeypatch, 2.1)
    shown = cli("segment", good_series.folder, "-o", output).out
    assert shown.count("Score 2.1 (reference scans: up to 1).") == 1
    assert shown.count("2.1 times as noisy") == 1


def test_table_without_intervals_says_nothing_of_them(
    cli: Cli, good_series: Series, output: Path, rule: RuleSegmenter
) -> None:
    shown = cli("segment", good_series.folder, "-o", output).out
    assert "confidence interval" not in shown
    assert "None" not in shown
    assert "% (" not in shown


def test_json_is_one_object_and_nothing_else(
    cli: Cli, good_series: Series, output: Path, rule: RuleSegmenter
) -> None:
    done = cli("segment", good_series.folder, "-o", output, "--json")
    assert done.code == 0
    assert done.json["ok"] is True
    assert done.json["command"] == "segment"
    assert done.json["folder"] == str(output)
    measured = json.loads((output / "measurements.json").read_text(encoding="utf-8"))
    assert done.json["measurements"]["lung_ml"] == measured["regions"]["whole"]["lung_ml"]
    assert done.json["quality_flags"] == measured["flags"]
    assert done.json["model"]["bundle"] == "rule 1"


def test_quiet_prints_nothing(cli: Cli, good_series: Series, output: Path, rule: RuleSegmenter) -> None:
    done = cli("segment", good_series.folder, "-o", output, "--quiet")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert output.is_dir()


def test_options_reach_loader_segmenter_and_manifest(
    cli: Cli, good_series: Series, output: Path, rule: RuleSegmenter
) -> None:
    uid = good_series.settings.series_uid
    options = ("--series", uid, "--repair", "tilt", "--repair", "duplicates", "--device", "cpu",
               "--runtime", "torch", "--model", "mine", "--threads", "2", "--deterministic",
               "--flips")  # fmt: skip
    assert cli("segment", good_series.folder, "-o", output, *options).code == 0
    request = json.loads((output / "manifest.json").read_text(encoding="utf-8"))["request"]
    assert request["series_uid"] == uid
    assert request["repairs"] == ["tilt", "duplicates"]
    assert request["settings"]["segmenter"] == {
        "model": "mine", "device": "cpu", "runtime": "torch", "threads": 2, "deterministic": True,
        "flips": True,
    }  # fmt: skip


def test_series_is_taken_by_its_uid(
    cli: Cli, good_series: Series, tmp_path: Path, rule: RuleSegmenter
) -> None:
    two_series(good_series, tmp_path / "two")
    uid = good_series.settings.series_uid
    done = cli("segment", tmp_path / "two", "-o", tmp_path / "out", "--series", uid, "--json")
    assert done.code == 0
    assert done.json["choice"]["chosen_uid"] == uid


def test_tilt_is_refused_unless_its_repair_is_asked_for(
    cli: Cli, good_series: Series, tmp_path: Path, rule: RuleSegmenter
) -> None:
    gantry_tilt(good_series, tmp_path / "tilted")
    refused = cli("segment", tmp_path / "tilted", "-o", tmp_path / "a", "--json")
    assert (refused.code, refused.json["error"]["code"]) == (1, "gantry-tilt")
    assert "--repair tilt" in refused.json["error"]["remedy"]
    repaired = cli("segment", tmp_path / "tilted", "-o", tmp_path / "b", "--repair", "tilt", "--json")
    assert repaired.code == 0
    assert any("tilt" in note["code"] for note in repaired.json["notes"])


def grey_pictures(_: Series, folder: Path) -> None:
    folder.mkdir()
    grey = np.random.default_rng(0).integers(0, 255, (12, 32, 32)).astype(np.int16)
    write_volume(
        CTVolume(grey, VolumeGeometry.from_axes(grey.shape, (5.0, 3.0, 3.0))), folder / "grey.nii.gz"
    )


@pytest.mark.parametrize(
    ("build", "name", "code"),
    [
        (lambda _, folder: None, "", "input-not-found"),
        (lambda _, folder: folder.mkdir(), "", "input-empty"),
        (no_ct, "", "no-ct-series"),
        (text_only, "", "no-ct-series"),
        (missing_slice, "", "slices-missing"),
        (truncated_pixels, "", "pixel-data"),
        (head, "", "not-a-chest"),
        (grey_pictures, "grey.nii.gz", "not-hounsfield"),
    ],
)
def test_bad_input_gives_exit_code_one_a_json_error_a_panel_and_no_output(
    cli: Cli, good_series: Series, tmp_path: Path, output: Path, rule: RuleSegmenter, build, name, code
) -> None:
    build(good_series, tmp_path / "bad")
    done = cli("segment", tmp_path / "bad" / name, "-o", output, "--json")
    assert done.code == 1
    assert done.json["ok"] is False
    assert done.json["error"]["code"] == code
    assert done.json["error"]["problem"] in done.err
    assert list(output.parent.iterdir()) == []


def test_error_panel_says_what_was_found_and_what_to_do(
    cli: Cli, good_series: Series, tmp_path: Path, output: Path, rule: RuleSegmenter
) -> None:
    missing_slice(good_series, tmp_path / "gap")
    done = cli("segment", tmp_path / "gap", "-o", output)
    assert (done.code, done.out) == (1, "")
    for word in ("case", "problem", "expected", "found", "what to do", " mm"):
        assert word in done.err
    assert "Traceback" not in done.err


def test_existing_output_is_refused_before_the_model_is_opened(
    cli: Cli, good_series: Series, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LESIONSEG_MODELS", str(output / "no models"))
    output.mkdir()
    (output / "mine.txt").write_text("keep")
    done = cli("segment", good_series.folder, "-o", output, "--json")
    assert (done.code, done.json["error"]["code"]) == (1, "output-exists")
    assert [path.name for path in output.iterdir()] == ["mine.txt"]


def test_missing_model_is_said_with_a_remedy(
    cli: Cli, good_series: Series, output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models").mkdir()
    monkeypatch.setenv("LESIONSEG_MODELS", str(tmp_path / "models"))
    done = cli("segment", good_series.folder, "-o", output, "--json")
    assert (done.code, done.json["error"]["code"]) == (1, "bundle")
    assert done.json["error"]["remedy"]
    assert list(output.parent.iterdir()) == []


def test_full_disk_is_an_output_error(
    cli: Cli, good_series: Series, output: Path, rule: RuleSegmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("lesionseg.workflow.case.write_label_map", full)
    done = cli("segment", good_series.folder, "-o", output, "--json")
    assert (done.code, done.json["error"]["code"]) == (1, "output")
    assert "No space left" in done.err
    assert list(output.parent.iterdir()) == []


def test_interrupt_exits_with_130_and_leaves_nothing(
    cli: Cli, good_series: Series, output: Path, rule: RuleSegmenter
) -> None:
    rule.error = KeyboardInterrupt()
    done = cli("segment", good_series.folder, "-o", output, "--json")
    assert done.code == 130
    assert done.json["error"]["code"] == "interrupted"
    assert "Traceback" not in done.err
    assert list(output.parent.iterdir()) == []


def test_fault_of_ours_is_said_as_such_without_a_traceback(
    cli: Cli, good_series: Series, output: Path, rule: RuleSegmenter
) -> None:
    rule.error = ZeroDivisionError("division by zero")
    done = cli("segment", good_series.folder, "-o", output, "--json")
    assert done.code == 1
    assert "ZeroDivisionError" in done.json["error"]["found"]
    assert "Traceback" not in done.err
    assert list(output.parent.iterdir()) == []


def test_debug_shows_the_traceback_of_a_fault(
    cli: Cli, good_series: Series, output: Path, rule: RuleSegmenter
) -> None:
    rule.error = ZeroDivisionError("division by zero")
    with pytest.raises(ZeroDivisionError):
        cli("segment", good_series.folder, "-o", output, "--verbose")


@pytest.mark.parametrize(
    "words",
    [
        ("segment",),
        ("segment", "in"),
        ("segment", "in", "-o", "out", "--no-such-option"),
        ("segment", "in", "-o", "out", "--repair", "everything"),
        ("segment", "in", "-o", "out", "--threads", "0"),
        ("no-such-verb",),
    ],
)
def test_misuse_gives_exit_code_two(cli: Cli, words: tuple[str, ...]) -> None:
    done = cli(*words, "--json")
    assert done.code == 2
    assert done.json["error"]["code"] == "usage"
    assert done.err


def test_other_libraries_warnings_stay_off_the_screen(
    cli: Cli, good_series: Series, tmp_path: Path, rule: RuleSegmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    import logging
    import warnings

    from lesionseg.core.errors import InputWarning

    inner = rule.segment

    def noisy(volume: CTVolume, **options: object) -> object:
        warnings.warn("third party", UserWarning, stacklevel=1)
        warnings.warn("ours", InputWarning, stacklevel=1)
        logging.getLogger("thirdparty").warning("third party log")
        return inner(volume, **options)

    monkeypatch.setattr(rule, "segment", noisy)
    done = cli("segment", good_series.folder, "-o", tmp_path / "a")
    assert "third party" not in done.err
    assert "warning: ours" in done.err
