"""Real scans: the same array and affine as SimpleITK's reader, and every trap ends as it should."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from lesionseg.core.errors import (
    AmbiguousSeriesError,
    GantryTiltError,
    InputError,
    IntensityError,
    MissingSlicesError,
    MixedSliceError,
    NoCTSeriesError,
    TooFewSlicesError,
)
from lesionseg.dicom import LoaderSettings, Repair, check_folder, load_series
from lesionseg.volume import VolumeGeometry

pytestmark = pytest.mark.real_data
LOSSY = (".4.50", ".4.51", ".4.53", ".4.55", ".4.81", ".4.91")


def with_simpleitk(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Array and affine as SimpleITK reads them, with axes in our order."""
    import SimpleITK as sitk

    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    affine = np.eye(4)
    directions = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine[:3, :3], affine[:3, 3] = directions[:, ::-1], image.GetOrigin()
    return sitk.GetArrayFromImage(image), affine


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ct/P001", "ct/cap002", "dicom-traps/cip-ct64-series/ct-64Dicom"])
def test_array_and_affine_are_those_of_simpleitk(name: str, real_data: Path) -> None:
    loaded = load_series(real_data / name)
    array, affine = with_simpleitk(real_data / name)
    np.testing.assert_array_equal(loaded.volume.hu, array)
    np.testing.assert_allclose(loaded.volume.geometry.affine, affine, atol=1e-9)


def test_the_small_series_matches_its_reference_volume(real_data: Path) -> None:
    import SimpleITK as sitk

    folder = real_data / "dicom-traps" / "cip-ct64-series"
    reference = sitk.ReadImage(str(folder / "ct-64.nrrd"))
    volume = load_series(folder / "ct-64Dicom").volume
    np.testing.assert_array_equal(volume.hu, sitk.GetArrayFromImage(reference))
    expected = VolumeGeometry.from_axes(volume.hu.shape, reference.GetSpacing()[::-1], reference.GetOrigin())
    assert volume.geometry.matches(expected)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("d2n-failing/gantrytilting/001", GantryTiltError),
        ("d2n-failing/sliceincrement/001", MissingSlicesError),
        ("d2n-failing/sliceincrement/002", GantryTiltError),
        ("enhanced-ct", NoCTSeriesError),
        ("enhanced-ct/eCT_Supplemental.dcm", NoCTSeriesError),
        ("cip-ct64-series", AmbiguousSeriesError),
        ("cip-ct64-series/simple_dicom", TooFewSlicesError),
        ("transfer-syntax-chest-slice", MixedSliceError),
    ],
)
def test_traps_are_refused_and_reported_alike(name: str, error: type[InputError], real_data: Path) -> None:
    with pytest.raises(error) as caught:
        load_series(real_data / "dicom-traps" / name)
    assert type(check_folder(real_data / "dicom-traps" / name).error) is error
    assert caught.value.case
    assert caught.value.remedy


def test_a_missing_slice_behind_a_tilt_is_found_once_the_tilt_is_repaired(real_data: Path) -> None:
    settings = LoaderSettings(repairs=frozenset({Repair.TILT}))
    with pytest.raises(MissingSlicesError):
        load_series(real_data / "dicom-traps" / "d2n-failing" / "sliceincrement" / "002", settings=settings)


def test_perfusion_maps_are_no_hounsfield_units_even_when_asked_for(real_data: Path) -> None:
    with pytest.raises(IntensityError, match="type US"):
        load_series(
            real_data / "dicom-traps" / "enhanced-ct",
            series_uid="1.3.6.1.4.1.5962.1.3.10.3.1166562673.14401",
        )


def test_one_slice_in_sixteen_encodings(real_data: Path) -> None:
    files = sorted((real_data / "dicom-traps" / "transfer-syntax-chest-slice").iterdir())
    single = LoaderSettings(minimum_slices=1)
    hu = {path.stem: load_series(path, settings=single).volume.hu for path in files}
    assert len(hu) == 16
    reference = hu.pop("CTImage")
    for name, array in hu.items():
        lossless = not name.endswith(LOSSY)
        largest = np.abs(array.astype(float) - reference).max()
        assert largest == 0 if lossless else largest < 70, name


@pytest.mark.slow
def test_shuffled_files_under_invented_names_give_the_same_volume(real_data: Path, tmp_path: Path) -> None:
    files = sorted((real_data / "ct" / "cap002").iterdir())
    for number, index in enumerate(np.random.default_rng(3).permutation(len(files))):
        folder = tmp_path / str(number % 4)
        folder.mkdir(exist_ok=True)
        shutil.copy(files[index], folder / f"{number * 7919 % 1000:x}")
    np.testing.assert_array_equal(
        load_series(tmp_path).volume.hu, load_series(real_data / "ct" / "cap002").volume.hu
    )
