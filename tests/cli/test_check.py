from __future__ import annotations

from pathlib import Path

import pytest

from lesionseg.volume.files import write_volume
from tests.cli.conftest import Cli
from tests.support.bad_files import no_ct
from tests.support.broken_series import missing_slice, truncated_pixels, two_series
from tests.support.ct_series import Series


def test_good_folder_is_usable(cli: Cli, good_series: Series) -> None:
    done = cli("check", good_series.folder)
    assert done.code == 0
    assert good_series.settings.series_uid in done.out
    assert "usable" in done.out


def test_json_lists_every_series_with_its_verdict(cli: Cli, good_series: Series, tmp_path: Path) -> None:
    missing_slice(good_series, tmp_path / "gap")
    done = cli("check", tmp_path / "gap", "--json")
    assert done.code == 1
    (series,) = done.json["series"]
    assert series["verdict"] == "refused"
    assert series["error"]["code"] == "slices-missing"
    assert series["error"]["remedy"]
    assert done.json["error"] == series["error"]
    assert done.json["ok"] is False


def test_reason_and_remedy_are_printed(cli: Cli, good_series: Series, tmp_path: Path) -> None:
    missing_slice(good_series, tmp_path / "gap")
    refusal = cli("check", tmp_path / "gap", "--json").json["error"]
    done = cli("check", tmp_path / "gap")
    words = " ".join(done.out.split())
    assert refusal["problem"] in words
    assert refusal["remedy"] in words


def test_choice_among_several_series_is_explained(cli: Cli, good_series: Series, tmp_path: Path) -> None:
    two_series(good_series, tmp_path / "two")
    done = cli("check", tmp_path / "two", "--json")
    assert len(done.json["series"]) == 2
    if done.code == 0:
        assert done.json["choice"]["reason"]
    else:
        assert done.json["error"]["code"] == "series-ambiguous"


@pytest.mark.parametrize(("option", "code"), [("--decode", 1), ("--no-decode", 0)])
def test_damaged_pixels_are_found_by_decoding_only(
    cli: Cli, good_series: Series, tmp_path: Path, option: str, code: int
) -> None:
    from tests.support.bad_files import truncated_rle

    truncated_rle(good_series, tmp_path / "rle")
    assert cli("check", tmp_path / "rle", option).code == code


def test_truncated_file_is_refused(cli: Cli, good_series: Series, tmp_path: Path) -> None:
    truncated_pixels(good_series, tmp_path / "cut")
    done = cli("check", tmp_path / "cut", "--json")
    assert done.code == 1
    assert done.json["error"]["code"] in ("pixel-data", "file-unreadable")


def test_folder_without_ct_fails_with_a_reason(cli: Cli, good_series: Series, tmp_path: Path) -> None:
    no_ct(good_series, tmp_path / "none")
    done = cli("check", tmp_path / "none", "--json")
    assert (done.code, done.json["error"]["code"]) == (1, "no-ct-series")


def test_empty_folder_fails_with_a_reason(cli: Cli, tmp_path: Path) -> None:
    done = cli("check", tmp_path, "--json")
    assert (done.code, done.json["error"]["code"]) == (1, "input-empty")


def test_square_brackets_in_names_are_printed_as_they_are(
    cli: Cli, good_series: Series, tmp_path: Path
) -> None:
    missing_slice(good_series, tmp_path / "[bold]gap[/]")
    done = cli("check", tmp_path / "[bold]gap[/]")
    assert "[bold]gap[/]" in done.out


def test_absent_path_is_an_error(cli: Cli, tmp_path: Path) -> None:
    done = cli("check", tmp_path / "nowhere", "--json")
    assert (done.code, done.json["error"]["code"]) == (1, "input-not-found")


def test_volume_file_is_checked_too(cli: Cli, good_series: Series, tmp_path: Path) -> None:
    write_volume(good_series.volume, tmp_path / "scan.nii.gz")
    done = cli("check", tmp_path / "scan.nii.gz", "--json")
    assert done.code == 0
    assert done.json["shape"] == list(good_series.volume.geometry.shape)
    (tmp_path / "cut.nii.gz").write_bytes((tmp_path / "scan.nii.gz").read_bytes()[:500])
    assert cli("check", tmp_path / "cut.nii.gz").code == 1
