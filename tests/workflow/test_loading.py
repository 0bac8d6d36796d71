from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lesionseg.core.errors import ConfigurationError, InputNotFoundError, NoCTSeriesError
from lesionseg.volume import CTVolume
from lesionseg.volume.files import write_volume
from lesionseg.workflow.loading import load_scan, load_volume
from tests.support.bad_pixels import unmarked_padding_2048
from tests.support.ct_series import Series


def test_folder_and_volume_file_give_one_volume(good_series: Series, tmp_path: Path) -> None:
    write_volume(good_series.volume, tmp_path / "scan.nrrd")
    from_folder, from_file = load_volume(good_series.folder), load_volume(str(tmp_path / "scan.nrrd"))
    assert np.array_equal(from_folder.hu, from_file.hu)
    assert from_folder.geometry.matches(from_file.geometry)


def test_single_dicom_file_is_no_volume_file(good_series: Series, tmp_path: Path) -> None:
    (tmp_path / "text.dcm").write_text("not an image")
    with pytest.raises(NoCTSeriesError):
        load_volume(tmp_path / "text.dcm")


def test_absent_input_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError) as caught:
        load_volume(tmp_path / "nowhere")
    assert caught.value.remedy


@pytest.mark.parametrize("options", [{"series_uid": "1.2"}, {"repairs": ("tilt",)}])
def test_dicom_options_do_not_fit_a_volume_file(good_series: Series, tmp_path: Path, options: dict) -> None:
    write_volume(good_series.volume, tmp_path / "scan.nii")
    with pytest.raises(ConfigurationError):
        load_volume(tmp_path / "scan.nii", **options)


def test_padding_becomes_air_and_is_noted(good_series: Series, tmp_path: Path) -> None:
    hu = good_series.volume.hu.copy()
    hu[:, :3] = -3024
    write_volume(CTVolume(hu, good_series.volume.geometry), tmp_path / "padded.nii.gz")
    scan = load_scan(tmp_path / "padded.nii.gz")
    assert scan.volume.hu.min() >= -1100
    assert [note["code"] for note in scan.notes] == ["padding"]
    assert str(hu[:, :3].size) in scan.notes[0]["text"]


def test_padding_of_a_dicom_series_is_noted_once(good_series: Series, tmp_path: Path) -> None:
    unmarked_padding_2048(good_series, tmp_path / "padded")
    notes = load_scan(tmp_path / "padded").notes
    assert sum("padding" in note["code"] for note in notes) == 1
