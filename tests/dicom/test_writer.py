"""The writer's series are conformant, exact, repeatable, whole or absent."""

from __future__ import annotations

import hashlib
import resource
import shutil
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import UID

from lesionseg.core.errors import (
    ConfigurationError,
    GeometryError,
    IntensityError,
    OutputError,
    OutputExistsError,
)
from lesionseg.dicom.write import SYNTHETIC_NOTE, WriterSettings, write_ct_series
from lesionseg.volume import CTVolume, VolumeGeometry
from tests.support.ct_series import chest_volume, write_series

SETTINGS = WriterSettings(entropy="test_writer")
SMALL = (6, 16, 20)


def small_volume(dtype: type = np.int16) -> CTVolume:
    hu = np.random.default_rng(4).integers(-1024, 3072, SMALL).astype(dtype)
    return CTVolume(hu, VolumeGeometry.from_axes(SMALL, (2.0, 0.75, 1 / 3), (-1 / 7, 2.0, 3.0)))


def digests(paths: tuple[Path, ...]) -> list[str]:
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_every_slice_keeps_its_values_position_and_spacing(tmp_path: Path, dtype: type) -> None:
    volume = small_volume(dtype)
    for index, path in enumerate(write_ct_series(volume, tmp_path / "series", settings=SETTINGS)):
        dataset = dcmread(path)
        hu = dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
        np.testing.assert_array_equal(hu, volume.hu[index])
        expected = volume.geometry.index_to_lps((index, 0, 0))
        np.testing.assert_allclose(dataset.ImagePositionPatient, expected, atol=1e-10)
        np.testing.assert_allclose(dataset.PixelSpacing, [0.75, 1 / 3], atol=1e-10)
        np.testing.assert_array_equal(dataset.ImageOrientationPatient, [1, 0, 0, 0, 1, 0])


def test_simpleitk_reads_the_same_volume_and_geometry(tmp_path: Path) -> None:
    sitk = pytest.importorskip("SimpleITK")
    volume = small_volume()
    paths = write_ct_series(volume, tmp_path / "series", settings=SETTINGS)
    image = sitk.ReadImage([str(path) for path in paths])
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), volume.hu)
    np.testing.assert_allclose(image.GetSpacing()[::-1], volume.geometry.spacing_mm, atol=1e-6)
    np.testing.assert_allclose(image.GetOrigin(), volume.geometry.origin_lps_mm, atol=1e-6)


def test_reruns_give_the_same_bytes(tmp_path: Path) -> None:
    first = write_ct_series(small_volume(), tmp_path / "a", settings=SETTINGS)
    second = write_ct_series(small_volume(), tmp_path / "b", settings=SETTINGS)
    assert digests(first) == digests(second)


def test_uids_are_valid_unique_and_follow_patient_date_and_series() -> None:
    uids = [SETTINGS.study_uid, SETTINGS.series_uid, SETTINGS.frame_of_reference_uid]
    uids += [SETTINGS.instance_uid(number) for number in range(1, 50)]
    assert len(set(uids)) == len(uids)
    assert all(UID(uid).is_valid for uid in uids)
    second_series = replace(SETTINGS, series_number=2)
    assert second_series.study_uid == SETTINGS.study_uid
    assert second_series.series_uid != SETTINGS.series_uid
    for other in (
        replace(SETTINGS, study_date="20200129"),
        replace(SETTINGS, patient_id="B"),
        replace(SETTINGS, entropy="x"),
    ):
        assert other.study_uid != SETTINGS.study_uid


def test_every_file_says_that_it_is_synthetic(tmp_path: Path) -> None:
    for path in write_ct_series(small_volume(), tmp_path / "series", settings=SETTINGS):
        dataset = dcmread(path, stop_before_pixels=True)
        assert SYNTHETIC_NOTE in dataset.SeriesDescription
        assert SYNTHETIC_NOTE in dataset.ImageComments


def test_a_given_frame_of_reference_is_kept(tmp_path: Path) -> None:
    volume = small_volume()
    geometry = VolumeGeometry(volume.geometry.shape, volume.geometry.affine, "1.2.3.4")
    paths = write_ct_series(replace(volume, geometry=geometry), tmp_path / "series", settings=SETTINGS)
    assert dcmread(paths[0]).FrameOfReferenceUID == "1.2.3.4"


def test_an_invalid_frame_of_reference_is_refused(tmp_path: Path) -> None:
    volume = small_volume()
    geometry = VolumeGeometry(volume.geometry.shape, volume.geometry.affine, "not-a-uid")
    with pytest.raises(GeometryError, match="frame of reference"):
        write_ct_series(replace(volume, geometry=geometry), tmp_path / "series", settings=SETTINGS)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (dicom3tools) is not installed")
@pytest.mark.parametrize("tilt_degrees", [0, 12])
def test_dciodvfy_finds_no_error_and_no_warning(tmp_path: Path, tilt_degrees: int) -> None:
    sin, cos = np.sin(np.deg2rad(tilt_degrees)), np.cos(np.deg2rad(tilt_degrees))
    direction = [[0, 0, 1], [-sin, cos, 0], [cos, sin, 0]]
    series = write_series(tmp_path / "series", chest_volume((4, 16, 16), direction=direction))
    for path in series.paths:
        report = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
        text = report.stdout + report.stderr
        assert "CTImage" in text
        assert "Error" not in text, text
        assert "Warning" not in text, text


def test_fractions_of_a_hounsfield_unit_are_refused(tmp_path: Path) -> None:
    volume = small_volume(np.float32)
    with pytest.raises(IntensityError, match="fractions"):
        write_ct_series(replace(volume, hu=volume.hu + np.float32(0.5)), tmp_path / "s", settings=SETTINGS)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("value", "fits"), [(31743, True), (31744, False)])
def test_values_beyond_sixteen_bits_are_refused(tmp_path: Path, value: int, fits: bool) -> None:
    volume = small_volume()
    volume.hu[0, 0, 0] = value
    if fits:
        assert (
            dcmread(write_ct_series(volume, tmp_path / "s", settings=SETTINGS)[0]).pixel_array[0, 0] == 32767
        )
    else:
        with pytest.raises(IntensityError, match="16 bits"):
            write_ct_series(volume, tmp_path / "s", settings=SETTINGS)


def test_slightly_sheared_axes_are_refused(tmp_path: Path) -> None:
    volume = small_volume()
    affine = np.array(volume.geometry.affine)
    affine[1, 0] += 0.001
    sheared = replace(volume, geometry=VolumeGeometry(SMALL, affine))
    with pytest.raises(GeometryError, match="right angles"):
        write_ct_series(sheared, tmp_path / "s", settings=SETTINGS)


def test_a_filled_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(OutputExistsError):
        write_ct_series(small_volume(), tmp_path, settings=SETTINGS)
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, hard))
    try:
        with pytest.raises(OutputError, match="could not be written"):
            write_ct_series(chest_volume((8, 64, 64)), tmp_path / "series", settings=SETTINGS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, previous)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "wrong",
    [
        {"study_date": "2020-01-01"},
        {"study_time": "12:00"},
        {"kernel": "a kernel of too many letters"},
        {"patient_id": "x" * 65},
        {"patient_name": "a\\b"},
        {"series_description": "x" * 60},
        {"slice_thickness_mm": 0.0},
        {"slice_thickness_mm": float("nan")},
    ],
)
def test_settings_that_fit_no_attribute_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        WriterSettings(**wrong)  # type: ignore[arg-type]
