"""The folder report gives every series a verdict and never raises for bad content."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import Dataset

from lesionseg.core.errors import (
    AmbiguousSeriesError,
    EmptyInputError,
    InputNotFoundError,
    MissingSlicesError,
    NoCTSeriesError,
    PixelDataError,
    UnreadableFileError,
)
from lesionseg.dicom import Verdict, check_folder
from tests.dicom.conftest import SaveSeries
from tests.support.ct_series import Series, save


def test_an_intact_series_is_usable_and_chosen(small: Series) -> None:
    report = check_folder(small.folder, decode=True)
    assert [series.verdict for series in report.series] == [Verdict.USABLE]
    assert report.error is None
    assert report.choice is not None
    assert report.choice.chosen_uid == report.series[0].series_uid


def test_a_series_with_a_gap_is_refused_with_its_error(
    slices: list[Dataset], save_series: SaveSeries
) -> None:
    del slices[2]
    report = check_folder(save_series(slices))
    assert report.series[0].verdict is Verdict.REFUSED
    assert isinstance(report.series[0].error, MissingSlicesError)
    assert report.error is report.series[0].error


def test_damaged_pixels_are_found_only_when_decoding(slices: list[Dataset], save_series: SaveSeries) -> None:
    slices[2].PixelData = slices[2].PixelData[:100]
    folder = save_series(slices)
    assert check_folder(folder).series[0].verdict is Verdict.USABLE
    decoded = check_folder(folder, decode=True).series[0]
    assert decoded.verdict is Verdict.REFUSED
    assert isinstance(decoded.error, PixelDataError)


def test_damaged_files_are_listed_and_refuse_the_series(
    slices: list[Dataset], save_series: SaveSeries
) -> None:
    folder = save_series(slices)
    (folder / "IM00006.dcm").write_bytes((folder / "IM00006.dcm").read_bytes()[:900])
    report = check_folder(folder)
    assert len(report.unreadable) == 1
    assert isinstance(report.error, UnreadableFileError)


def test_a_tie_is_reported_not_raised(slices: list[Dataset], save_series: SaveSeries) -> None:
    folder = save_series(slices)
    for number, dataset in enumerate(slices):
        dataset.SeriesInstanceUID = "1.2.3"
        save(dataset, folder / f"b{number}.dcm")
    report = check_folder(folder)
    assert isinstance(report.error, AmbiguousSeriesError)
    assert [series.verdict for series in report.series] == [Verdict.USABLE, Verdict.USABLE]


def test_a_folder_of_texts_holds_no_series(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_text("nothing to see\n" * 40)
    report = check_folder(tmp_path)
    assert report.series == ()
    assert report.strays == {"text": 1}
    assert isinstance(report.error, NoCTSeriesError)


def test_a_folder_with_one_damaged_file_reports_it(tmp_path: Path, small: Series) -> None:
    (tmp_path / "a.dcm").write_bytes(small.paths[0].read_bytes()[:700])
    assert isinstance(check_folder(tmp_path).error, UnreadableFileError)


def test_only_the_path_itself_raises(tmp_path: Path) -> None:
    assert isinstance(check_folder(tmp_path).error, EmptyInputError)
    with pytest.raises(InputNotFoundError):
        check_folder(tmp_path / "nowhere")
