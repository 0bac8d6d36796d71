"""What is written is whole or absent."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from lesionseg.core import files
from lesionseg.core.errors import OutputError, OutputExistsError
from lesionseg.core.files import staged_file, staged_folder, write_text


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(files.STAGING_PREFIX)]


def test_text_is_written_with_its_folders(tmp_path):
    write_text(tmp_path / "a" / "b.txt", "µ")
    assert (tmp_path / "a" / "b.txt").read_text(encoding="utf-8") == "µ"


def test_staged_file_keeps_the_suffix_and_leaves_nothing_behind(tmp_path):
    with staged_file(tmp_path / "labels.nii.gz") as path:
        assert path.name.endswith("labels.nii.gz")
        assert not (tmp_path / "labels.nii.gz").exists()
        path.write_bytes(b"x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["labels.nii.gz"]


def test_staged_file_has_the_permissions_of_an_ordinary_file(tmp_path):
    (tmp_path / "ordinary").write_text("")
    write_text(tmp_path / "ours", "")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_a_failure_while_writing_keeps_the_old_file(tmp_path):
    write_text(tmp_path / "a.txt", "old")

    def write_half() -> None:
        with staged_file(tmp_path / "a.txt") as path:
            path.write_text("half")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        write_half()
    assert (tmp_path / "a.txt").read_text() == "old"
    assert leftovers(tmp_path) == []


def test_a_full_disk_is_an_output_error_and_leaves_nothing(tmp_path):
    with pytest.raises(OutputError, match="No space left") as caught, staged_file(tmp_path / "a.txt"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert caught.value.case == str(tmp_path / "a.txt")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_cannot_be_written_into(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        write_text(tmp_path / "file" / "a.txt", "x")


def test_staged_folder_appears_whole(tmp_path):
    with staged_folder(tmp_path / "out") as folder:
        (folder / "a.txt").write_text("1")
        assert not (tmp_path / "out").exists()
    assert (tmp_path / "out" / "a.txt").read_text() == "1"
    assert leftovers(tmp_path) == []


def test_staged_folder_takes_the_place_of_an_empty_one(tmp_path):
    (tmp_path / "out").mkdir()
    with staged_folder(tmp_path / "out") as folder:
        (folder / "a.txt").write_text("1")
    assert (tmp_path / "out" / "a.txt").exists()


def test_a_filled_output_folder_is_refused_before_any_work(tmp_path):
    write_text(tmp_path / "out" / "a.txt", "old")
    with (
        pytest.raises(OutputExistsError, match="--overwrite"),
        staged_folder(tmp_path / "out"),
    ):
        pytest.fail("the work was started")
    assert (tmp_path / "out" / "a.txt").read_text() == "old"


def test_an_output_path_that_is_a_file_is_refused(tmp_path):
    write_text(tmp_path / "out", "")
    with pytest.raises(OutputExistsError, match="is a file"), staged_folder(tmp_path / "out"):
        pytest.fail("the work was started")


def test_overwriting_replaces_the_whole_folder(tmp_path):
    write_text(tmp_path / "out" / "old.txt", "old")
    with staged_folder(tmp_path / "out", overwrite=True) as folder:
        (folder / "new.txt").write_text("new")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["new.txt"]
    assert leftovers(tmp_path) == []


def test_a_failure_while_overwriting_keeps_the_old_folder(tmp_path):
    write_text(tmp_path / "out" / "old.txt", "old")
    with pytest.raises(ValueError, match="stop"), staged_folder(tmp_path / "out", overwrite=True):
        raise ValueError("stop")
    assert (tmp_path / "out" / "old.txt").read_text() == "old"
    assert leftovers(tmp_path) == []


def test_a_rename_that_fails_puts_the_old_folder_back(tmp_path, monkeypatch):
    write_text(tmp_path / "out" / "old.txt", "old")
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name.startswith(files.STAGING_PREFIX) and Path(target).name == "out":
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with (
        pytest.raises(OutputError, match="Input/output"),
        staged_folder(tmp_path / "out", overwrite=True) as folder,
    ):
        (folder / "new.txt").write_text("new")
    assert (tmp_path / "out" / "old.txt").read_text() == "old"
    assert leftovers(tmp_path) == []


def test_an_output_folder_that_cannot_be_listed_is_an_output_error(tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()

    def refused(self: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refused)
    with pytest.raises(OutputError, match="Permission denied"), staged_folder(tmp_path / "out"):
        pytest.fail("the work was started")
