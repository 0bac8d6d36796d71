"""Every file is found once; what is no image is counted, and what is left of a slice is refused."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from pydicom import Dataset

from lesionseg.core.errors import EmptyInputError, InputNotFoundError, NoCTSeriesError, UnreadableFileError
from lesionseg.dicom import load_series
from lesionseg.dicom.discovery import find_slices
from tests.dicom.conftest import SaveSeries
from tests.support.ct_series import Series, save


def test_slices_are_found_at_any_depth_under_any_name(small: Series, tmp_path: Path) -> None:
    for number, path in enumerate(small.paths):
        folder = tmp_path / "a" / ("b" * number)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / f"{number} ü.jpg")
    assert len(find_slices(tmp_path).slices) == len(small.paths)


def test_the_order_of_discovery_is_the_same_every_time(small: Series) -> None:
    first, second = (find_slices(small.folder).slices for _ in range(2))
    assert first == second


def test_a_link_to_a_slice_beside_it_counts_once(small: Series, tmp_path: Path) -> None:
    shutil.copytree(small.folder, tmp_path / "series")
    (tmp_path / "link").symlink_to(tmp_path / "series", target_is_directory=True)
    (tmp_path / "series" / "again.dcm").symlink_to(tmp_path / "series" / small.paths[0].name)
    assert len(find_slices(tmp_path).slices) == len(small.paths)


def test_strays_are_counted_by_kind_and_noted(small: Series, tmp_path: Path) -> None:
    shutil.copytree(small.folder, tmp_path / "series")
    (tmp_path / "series" / "notes.txt").write_text("scanned twice\n" * 9)
    (tmp_path / "series" / "done").touch()
    findings = find_slices(tmp_path)
    assert findings.strays == {"text": 1, "empty file": 1}
    assert [note.code for note in findings.notes] == ["strays-ignored"]


def test_a_dicomdir_is_a_stray(slices: list[Dataset], tmp_path: Path) -> None:
    slices[0].SOPClassUID = slices[0].file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    save(slices[0], tmp_path / "DICOMDIR")
    assert find_slices(tmp_path).strays == {"DICOMDIR": 1}


def test_a_structured_report_is_a_stray_by_modality(slices: list[Dataset], tmp_path: Path) -> None:
    report = slices[0]
    report.Modality, report.SOPClassUID = "SR", "1.2.840.10008.5.1.4.1.1.88.67"
    for keyword in ("PixelData", "Rows", "Columns"):
        delattr(report, keyword)
    save(report, tmp_path / "dose.dcm")
    assert find_slices(tmp_path).strays == {"DICOM without pixels (SR)": 1}


def test_a_missing_path_and_an_empty_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError):
        find_slices(tmp_path / "nowhere")
    with pytest.raises(EmptyInputError):
        find_slices(tmp_path)


def test_a_folder_that_cannot_be_listed_is_named(
    small: Series, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(small.folder, tmp_path / "series")
    (tmp_path / "locked").mkdir()
    real = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UnreadableFileError, match="locked"):
        load_series(tmp_path)
    with pytest.raises(UnreadableFileError, match="locked"):
        find_slices(tmp_path / "locked")


def test_a_path_that_cannot_be_examined_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "locked").touch()
    (tmp_path / "other").touch()
    real = Path.stat

    def refuse(path: Path, **options: bool) -> os.stat_result:
        if path.name == "locked":
            raise PermissionError(13, "Permission denied")
        return real(path, **options)

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(UnreadableFileError, match="locked"):
        find_slices(tmp_path / "locked")
    assert [file.path.name for file in find_slices(tmp_path).unreadable] == ["locked"]


@pytest.mark.parametrize("remains", [b"", b"\0" * 100, b"\1\2\3\4" * 30])
def test_what_is_left_of_the_last_slice_is_refused_not_ignored(
    remains: bytes, slices: list[Dataset], save_series: SaveSeries
) -> None:
    folder = save_series(slices)
    sorted(folder.iterdir())[-1].write_bytes(remains)
    with pytest.raises(UnreadableFileError, match=r"IM00006\.dcm.*left of a slice"):
        load_series(folder)


def test_a_damaged_file_of_another_series_is_noted_only(
    slices: list[Dataset], save_series: SaveSeries
) -> None:
    folder = save_series(slices)
    for number, dataset in enumerate(slices):
        dataset.SeriesInstanceUID, dataset.ConvolutionKernel = "1.2.3", "B70f"
        dataset.ImageType = ["DERIVED", "SECONDARY", "MPR"]
        save(dataset, folder / f"mpr{number}.dcm")
    damaged = (folder / "mpr0.dcm").read_bytes()
    (folder / "mpr0.dcm").write_bytes(damaged[:1200])
    loaded = load_series(folder)
    assert len(loaded.series.slices) == 6
    assert "unreadable-elsewhere" in [note.code for note in loaded.notes]


def test_a_damaged_ct_file_of_an_unknown_series_is_refused(
    slices: list[Dataset], save_series: SaveSeries
) -> None:
    folder = save_series(slices)
    slices[0].SeriesInstanceUID = "1.2.3"
    damaged = save(slices[0], folder / "other.dcm").read_bytes()
    (folder / "other.dcm").write_bytes(damaged[:1200])
    with pytest.raises(UnreadableFileError, match=r"other\.dcm"):
        load_series(folder)


def test_a_single_file_that_is_no_dicom_holds_no_series(tmp_path: Path) -> None:
    (tmp_path / "text.dcm").write_text("no image here\n" * 30)
    with pytest.raises(NoCTSeriesError):
        load_series(tmp_path / "text.dcm")


def test_a_single_damaged_file_is_refused_as_such(small: Series, tmp_path: Path) -> None:
    (tmp_path / "one.dcm").write_bytes(small.paths[0].read_bytes()[:600])
    with pytest.raises(UnreadableFileError, match=r"one\.dcm"):
        load_series(tmp_path / "one.dcm")
