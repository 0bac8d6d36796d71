"""The series is chosen by score, with reasons; a tie is an error, and derived images are out."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import Dataset

from lesionseg.core.errors import AmbiguousSeriesError, NoCTSeriesError
from lesionseg.dicom import Verdict, check_folder, load_series
from tests.support.ct_series import Series, save

OTHER_UID = "1.2.3.4"


def add_series(folder: Path, base: Series, uid: str = OTHER_UID, every: int = 1, **changes: object) -> None:
    """Write the small series again as another one, with changed attributes."""
    for number, dataset in enumerate(base.datasets()[::every]):
        dataset.SeriesInstanceUID = uid
        dataset.SOPInstanceUID = f"{uid}.{number}"
        for keyword, value in changes.items():
            setattr(dataset, keyword, value)
        save(dataset, folder / uid / f"{number}.dcm")


@pytest.fixture
def folder(small: Series, tmp_path: Path) -> Path:
    add_series(tmp_path, small, "1.1", ConvolutionKernel="STANDARD")
    return tmp_path


def test_the_only_series_is_taken_and_explained(folder: Path) -> None:
    choice = load_series(folder).choice
    assert choice.chosen_uid == "1.1"
    assert choice.reason == "the only CT series that can be measured"
    assert "covers 200 mm" in choice.candidates[0].reasons


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ConvolutionKernel": "B70f"}, "soft kernel STANDARD"),
        ({"ContrastBolusAgent": "iohexol"}, "no contrast"),
        ({"ImageType": ["ORIGINAL", "SECONDARY", "AXIAL"]}, "original images"),
    ],
)
def test_the_better_series_wins_and_the_reason_names_the_difference(
    changes: dict[str, object], reason: str, folder: Path, small: Series
) -> None:
    add_series(folder, small, ConvolutionKernel="STANDARD")
    for path in (folder / OTHER_UID).iterdir():
        path.unlink()
    add_series(folder, small, **{"ConvolutionKernel": "STANDARD", **changes})
    choice = load_series(folder).choice
    assert choice.chosen_uid == "1.1"
    assert choice.reason.startswith(reason)
    assert OTHER_UID in choice.reason


def test_fewer_slices_over_less_of_the_body_lose(folder: Path, small: Series) -> None:
    for number, dataset in enumerate(small.datasets()[:3]):
        dataset.SeriesInstanceUID, dataset.ConvolutionKernel = OTHER_UID, "STANDARD"
        save(dataset, folder / OTHER_UID / f"{number}.dcm")
    assert load_series(folder).choice.chosen_uid == "1.1"


def test_finer_slices_win(tmp_path: Path, small: Series) -> None:
    scores = {}
    for uid, spacing_mm in (("1.1", 1.0), ("1.2", 2.5), ("1.3", 4.0), ("1.4", 8.0)):
        for number, dataset in enumerate(small.datasets()):
            dataset.SeriesInstanceUID = uid
            dataset.ImagePositionPatient = [0, 0, number * spacing_mm]
            save(dataset, tmp_path / uid / f"{number}.dcm")
    for candidate in load_series(tmp_path).choice.candidates:
        scores[candidate.series_uid] = candidate.score or 0
    assert scores["1.1"] > scores["1.2"] > scores["1.3"] > scores["1.4"]


def test_a_tie_is_an_error_that_names_both_and_the_option(folder: Path, small: Series) -> None:
    add_series(folder, small, ConvolutionKernel="STANDARD")
    with pytest.raises(AmbiguousSeriesError) as caught:
        load_series(folder)
    assert "1.1" in caught.value.found
    assert OTHER_UID in caught.value.found
    assert "--series" in caught.value.remedy
    assert load_series(folder, series_uid=OTHER_UID).choice.reason == "asked for by its UID"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizer"),
        ({"ImageType": ["DERIVED", "SECONDARY", "MPR"]}, "derived images (MPR)"),
        ({"ImageType": ["DERIVED", "PRIMARY", "AXIAL"]}, "derived images (DERIVED)"),
        ({"Modality": "PT"}, "modality PT"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "1.2.840.10008.5.1.4.1.1.7"),
    ],
)
def test_what_is_no_original_ct_is_out(
    changes: dict[str, object], why: str, folder: Path, small: Series
) -> None:
    add_series(folder, small, **changes)
    choice = load_series(folder).choice
    assert choice.chosen_uid == "1.1"
    out = next(candidate for candidate in choice.candidates if candidate.series_uid == OTHER_UID)
    assert out.score is None
    assert why in out.reasons[0]
    report = next(one for one in check_folder(folder).series if one.series_uid == OTHER_UID)
    assert report.verdict is Verdict.OUT
    assert why in report.reason


def test_images_called_derived_for_their_lossy_compression_may_be_measured(
    small: Series, tmp_path: Path
) -> None:
    lossy = {"ImageType": ["DERIVED", "PRIMARY", "AXIAL"], "LossyImageCompression": "01"}
    add_series(tmp_path, small, **lossy)
    codes = {note.code for note in load_series(tmp_path).notes}
    assert {"lossy-compression", "not-original-primary"} <= codes


def test_a_derived_series_is_measured_only_when_asked_for(small: Series, tmp_path: Path) -> None:
    add_series(tmp_path, small, ImageType=["DERIVED", "SECONDARY", "MPR"])
    with pytest.raises(NoCTSeriesError, match=r"derived images \(MPR\).*--series"):
        load_series(tmp_path)
    loaded = load_series(tmp_path, series_uid=OTHER_UID)
    assert "derived-images" in {note.code for note in loaded.notes}


def test_a_localizer_is_not_measured_even_when_asked_for(small: Series, tmp_path: Path) -> None:
    add_series(tmp_path, small, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    with pytest.raises(NoCTSeriesError, match="localizer"):
        load_series(tmp_path, series_uid=OTHER_UID)


def test_a_series_that_is_not_there_is_refused_with_those_that_are(folder: Path) -> None:
    with pytest.raises(NoCTSeriesError, match=r"expected 9\.9; found 1\.1"):
        load_series(folder, series_uid="9.9")


def test_a_series_without_any_geometry_scores_low_but_is_not_lost(folder: Path, small: Series) -> None:
    add_series(folder, small, ImagePositionPatient=None)
    candidates = load_series(folder).choice.candidates
    assert [candidate.series_uid for candidate in candidates] == ["1.1", OTHER_UID]
    assert "not axial" in candidates[1].reasons


def test_a_series_without_uid_is_loaded_and_noted(slices: list[Dataset], tmp_path: Path) -> None:
    for number, dataset in enumerate(slices):
        dataset.SeriesInstanceUID = ""
        save(dataset, tmp_path / f"{number}.dcm")
    loaded = load_series(tmp_path)
    assert loaded.series.series_uid == ""
    assert loaded.volume.name == "series without UID"
    assert any("missing: series" in note.text for note in loaded.notes)
