from __future__ import annotations

from pathlib import Path

from pydicom import Dataset, dcmread

from tests.cli.conftest import Cli
from tests.support.ct_series import Series, save


def test_a_key_is_made_and_the_copy_can_be_measured(cli: Cli, good_series: Series, tmp_path: Path) -> None:
    out, key = tmp_path / "out", tmp_path / "key"
    done = cli("deidentify", good_series.folder, "-o", out, "--key-file", key, "--new-key")
    assert done.code == 0
    assert f"{len(good_series.paths)} files copied" in done.out
    assert "faces are not removed" in done.err
    assert cli("check", out).code == 0
    again = cli("deidentify", good_series.folder, "-o", tmp_path / "again", "--key-file", key, "--json")
    assert again.json["ok"] is True
    assert again.json["not_copied"] == []
    names = [sorted(path.name for path in folder.rglob("*.dcm")) for folder in (out, tmp_path / "again")]
    assert names[0] == names[1]


def test_a_refused_image_is_named_on_the_screen_and_gives_code_3(
    cli: Cli, good_series: Series, tmp_path: Path
) -> None:
    for path in good_series.paths[:2]:
        save(dcmread(path), tmp_path / "in" / path.name)
    burned: Dataset = dcmread(good_series.paths[2])
    burned.BurnedInAnnotation = "YES"
    save(burned, tmp_path / "in" / "burned.dcm")
    out, key = tmp_path / "out", tmp_path / "key"
    done = cli("deidentify", tmp_path / "in", "-o", out, "--key-file", key, "--new-key", "--json")
    assert done.code == 3
    assert done.json["ok"] is False
    (refused,) = done.json["not_copied"]
    assert refused["source"].endswith("burned.dcm")
    assert refused["code"] == "burned-in"
    assert b"burned.dcm" not in (out / "deidentify.json").read_bytes()


def test_without_a_key_nothing_happens(cli: Cli, good_series: Series, tmp_path: Path) -> None:
    done = cli("deidentify", good_series.folder, "-o", tmp_path / "out", "--key-file", tmp_path / "key")
    assert done.code == 1
    assert "--new-key" in done.err
    assert not (tmp_path / "out").exists()
    assert cli("deidentify", good_series.folder, "-o", tmp_path / "out").code == 2
