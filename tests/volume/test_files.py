"""Volumes and label maps keep their voxels and their place through every file format."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st

from lesionseg.core.errors import (
    ConfigurationError,
    GeometryError,
    InputNotFoundError,
    IntensityError,
    MeasurementError,
    MissingGeometryError,
    OutputError,
    UnreadableFileError,
)
from lesionseg.volume import (
    CTVolume,
    LabelMap,
    VolumeGeometry,
    is_volume_file,
    read_label_map,
    read_volume_file,
    write_label_map,
    write_volume,
)
from lesionseg.volume.convert import geometry_from_simpleitk, image_to_simpleitk
from lesionseg.volume.files import WRITTEN_SUFFIXES
from tests.volume.strategies import geometries

OBLIQUE = VolumeGeometry.from_axes(
    (3, 4, 5),
    (2.5, 0.75, 0.5),
    (-123.4567, 210.1, -1340.25),
    [[0.0, -0.6, 0.8], [0.0, 0.8, 0.6], [-1.0, 0.0, 0.0]],
)
HU = np.arange(60, dtype=np.int16).reshape(3, 4, 5) * 40 - 1024


def labels_on(geometry: VolumeGeometry, seed: int = 0) -> LabelMap:
    return LabelMap(np.random.default_rng(seed).integers(0, 4, geometry.shape, np.uint8), geometry)


@pytest.mark.parametrize("suffix", WRITTEN_SUFFIXES)
@pytest.mark.parametrize("hu", [HU, HU.astype(np.float32) + 0.25], ids=["int16", "float32"])
def test_a_volume_survives_a_round_trip(tmp_path, suffix, hu):
    path = tmp_path / f"scan{suffix}"
    write_volume(CTVolume(hu, OBLIQUE), path)
    again = read_volume_file(path)
    assert again.hu.dtype == hu.dtype
    np.testing.assert_array_equal(again.hu, hu)
    assert again.geometry.matches(OBLIQUE, 1e-4)
    assert again.name == path.name


@pytest.mark.parametrize("suffix", WRITTEN_SUFFIXES)
def test_label_maps_keep_their_place_in_every_format(tmp_path_factory, suffix):
    path = tmp_path_factory.mktemp("labels") / f"labels{suffix}"

    @settings(max_examples=20)
    @given(geometries(), st.integers(0, 99))
    def round_trip(geometry: VolumeGeometry, seed: int) -> None:
        label_map = labels_on(geometry, seed)
        write_label_map(label_map, path)
        again = read_label_map(path)
        np.testing.assert_array_equal(again.labels, label_map.labels)
        assert again.geometry.matches(geometry, 1e-3)

    round_trip()


@pytest.mark.parametrize("suffix", WRITTEN_SUFFIXES)
def test_simpleitk_reads_the_same_place_and_voxels(tmp_path_factory, suffix):
    path = tmp_path_factory.mktemp("labels") / f"labels{suffix}"

    @settings(max_examples=20)
    @given(geometries())
    def read_by_another(geometry: VolumeGeometry) -> None:
        label_map = labels_on(geometry)
        write_label_map(label_map, path)
        image = SimpleITK.ReadImage(str(path))
        np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(image), label_map.labels)
        assert geometry_from_simpleitk(image).matches(geometry, 1e-2)

    read_by_another()


@given(geometries())
def test_simpleitk_images_lie_where_the_geometry_says(geometry):
    image = image_to_simpleitk(np.zeros(geometry.shape, np.uint8), geometry)
    assert geometry_from_simpleitk(image).matches(geometry, 1e-6)
    slices, rows, columns = (length - 1 for length in geometry.shape)
    np.testing.assert_allclose(
        image.TransformIndexToPhysicalPoint((columns, rows, slices)),
        geometry.index_to_lps((slices, rows, columns)),
        atol=1e-6,
    )


@pytest.mark.parametrize("suffix", WRITTEN_SUFFIXES)
def test_equal_label_maps_give_equal_bytes_at_any_time_and_name(tmp_path, suffix, monkeypatch):
    write_label_map(labels_on(OBLIQUE), tmp_path / f"a{suffix}")
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    write_label_map(labels_on(OBLIQUE), tmp_path / f"another name{suffix}")
    first, second = (tmp_path / f"{name}{suffix}" for name in ("a", "another name"))
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_label_maps_are_compressed(tmp_path, suffix):
    grid = VolumeGeometry.from_axes((40, 64, 64), (1, 1, 1))
    write_label_map(LabelMap(np.ones(grid.shape, np.uint8), grid), tmp_path / f"a{suffix}")
    assert (tmp_path / f"a{suffix}").stat().st_size < 4000


@pytest.mark.parametrize(
    ("stored", "expected"),
    [("uint8", "int16"), ("int8", "int16"), ("uint16", "int16"), ("int32", "int16"), ("float64", "int16")],
)
@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".nii"])
def test_whole_numbers_in_range_become_int16_however_stored(tmp_path, stored, expected, suffix):
    values = (np.arange(60).reshape(3, 4, 5)).astype(stored)
    SimpleITK.WriteImage(image_to_simpleitk(values, OBLIQUE), str(tmp_path / f"a{suffix}"))
    volume = read_volume_file(tmp_path / f"a{suffix}")
    assert volume.hu.dtype == np.dtype(expected)
    np.testing.assert_array_equal(volume.hu, values)


@pytest.mark.parametrize("largest", [40000.0, 0.5])
def test_other_numbers_become_float32(tmp_path, largest):
    values = np.zeros((3, 4, 5))
    values[1, 2, 3] = largest
    SimpleITK.WriteImage(image_to_simpleitk(values, OBLIQUE), str(tmp_path / "a.nrrd"))
    volume = read_volume_file(tmp_path / "a.nrrd")
    assert volume.hu.dtype == np.float32
    assert volume.hu[1, 2, 3] == np.float32(largest)


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".nii", ".nii.gz"])
@pytest.mark.parametrize("odd", [np.nan, np.inf, 1e300])
def test_values_that_are_not_numbers_are_refused_with_their_slice(tmp_path, suffix, odd):
    values = np.zeros((3, 4, 5))
    values[2, 0, :3] = odd
    SimpleITK.WriteImage(image_to_simpleitk(values, OBLIQUE), str(tmp_path / f"a{suffix}"))
    with pytest.raises(IntensityError, match=r"3 NaN or infinite voxels in slice 2.*-1024"):
        read_volume_file(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".nii", ".nii.gz"])
def test_several_time_points_are_refused(tmp_path, suffix):
    SimpleITK.WriteImage(SimpleITK.Image([5, 4, 3, 2], SimpleITK.sitkInt16), str(tmp_path / f"a{suffix}"))
    with pytest.raises(GeometryError, match="5 x 4 x 3 x 2"):
        read_volume_file(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", [".mha", ".nii", ".nii.gz"])
def test_a_fourth_axis_of_one_is_read_as_three(tmp_path, suffix):
    SimpleITK.WriteImage(SimpleITK.Image([5, 4, 3, 1], SimpleITK.sitkInt16), str(tmp_path / f"a{suffix}"))
    assert read_volume_file(tmp_path / f"a{suffix}").hu.shape == (3, 4, 5)


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".nii"])
def test_a_single_picture_is_refused(tmp_path, suffix):
    SimpleITK.WriteImage(SimpleITK.Image([5, 4], SimpleITK.sitkInt16), str(tmp_path / f"a{suffix}"))
    with pytest.raises(GeometryError, match="three-dimensional"):
        read_volume_file(tmp_path / f"a{suffix}")


@pytest.mark.parametrize(
    ("suffix", "kind", "parts"),
    [
        *[(suffix, SimpleITK.sitkVectorInt16, 3) for suffix in (".nrrd", ".mha", ".nii")],
        *[(suffix, SimpleITK.sitkComplexFloat32, 0) for suffix in (".nrrd", ".nii")],
    ],
)
def test_vectors_and_complex_numbers_are_refused(tmp_path, suffix, kind, parts):
    image = SimpleITK.Image([5, 4, 3], kind, parts)
    SimpleITK.WriteImage(image, str(tmp_path / f"a{suffix}"))
    with pytest.raises((IntensityError, GeometryError)) as caught:
        read_volume_file(tmp_path / f"a{suffix}")
    assert caught.value.case.endswith(suffix)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd"])
@pytest.mark.parametrize("content", [b"", b"not an image", bytes(2000), b"\x1f\x8b broken"])
def test_a_file_that_is_no_image_is_refused_by_name(tmp_path, suffix, content):
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(content)
    with pytest.raises(UnreadableFileError, match="broken"):
        read_volume_file(path)
    with pytest.raises(UnreadableFileError, match="broken"):
        read_label_map(path)


def test_missing_files_folders_and_other_formats_are_told_apart(tmp_path):
    with pytest.raises(InputNotFoundError, match=r"gone\.nii"):
        read_volume_file(tmp_path / "gone.nii")
    (tmp_path / "folder.nii").mkdir()
    with pytest.raises(UnreadableFileError, match="not a file"):
        read_volume_file(tmp_path / "folder.nii")
    (tmp_path / "scan.png").write_bytes(b"x")
    with pytest.raises(UnreadableFileError, match=r"\.nii\.gz"):
        read_volume_file(tmp_path / "scan.png")


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("part", [0.05, 0.5, 0.9, 0.999])
def test_a_file_cut_short_is_refused(tmp_path, suffix, part):
    path = tmp_path / f"a{suffix}"
    grid = VolumeGeometry.from_axes((8, 32, 32), (1, 1, 1))
    write_volume(CTVolume(np.random.default_rng(0).integers(-1024, 1500, grid.shape, np.int16), grid), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(UnreadableFileError):
        read_volume_file(path)


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_a_flipped_bit_in_compressed_voxels_is_noticed(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    grid = VolumeGeometry.from_axes((8, 32, 32), (1, 1, 1))
    write_volume(CTVolume(np.random.default_rng(0).integers(-1024, 1500, grid.shape, np.int16), grid), path)
    content = bytearray(path.read_bytes())
    for place in range(len(content) // 2, len(content) - 20, 997):
        damaged = bytearray(content)
        damaged[place] ^= 0x10
        path.write_bytes(damaged)
        with pytest.raises(UnreadableFileError):
            read_volume_file(path)


@pytest.mark.parametrize(("head", "data"), [(".nhdr", ".raw.gz"), (".mhd", ".zraw"), (".mhd", ".raw")])
def test_voxels_in_a_second_file_are_read_and_missed_when_gone(tmp_path, head, data):
    image = image_to_simpleitk(HU, OBLIQUE)
    SimpleITK.WriteImage(image, str(tmp_path / f"a{head}"), useCompression="z" in data)
    volume = read_volume_file(tmp_path / f"a{head}")
    np.testing.assert_array_equal(volume.hu, HU)
    assert volume.geometry.matches(OBLIQUE)
    (tmp_path / f"a{data}").unlink()
    with pytest.raises(UnreadableFileError):
        read_volume_file(tmp_path / f"a{head}")


def test_damage_in_the_second_file_is_noticed(tmp_path):
    rng = np.random.default_rng(0)
    grid = VolumeGeometry.from_axes((8, 32, 32), (1, 1, 1))
    image = image_to_simpleitk(rng.integers(-1024, 1500, grid.shape, np.int16), grid)
    SimpleITK.WriteImage(image, str(tmp_path / "a.mhd"), useCompression=True)
    content = bytearray((tmp_path / "a.zraw").read_bytes())
    content[len(content) // 2] ^= 0x10
    (tmp_path / "a.zraw").write_bytes(content)
    with pytest.raises(UnreadableFileError, match="damaged"):
        read_volume_file(tmp_path / "a.mhd")


def test_a_nrrd_without_an_anatomical_space_is_refused(tmp_path):
    header = (
        "NRRD0004\ntype: short\ndimension: 3\nsizes: 2 2 2\nspacings: 1 1 1\nendian: little\nencoding: raw"
    )
    (tmp_path / "a.nrrd").write_bytes(f"{header}\n\n".encode() + bytes(16))
    with pytest.raises(MissingGeometryError, match="left and right"):
        read_volume_file(tmp_path / "a.nrrd")


@pytest.mark.parametrize("space", ["right-anterior-superior", "RAS"])
def test_a_nrrd_in_another_space_is_turned_to_lps(tmp_path, space):
    header = (
        f"NRRD0004\ntype: short\ndimension: 3\nspace: {space}\nsizes: 2 2 2\n"
        "space directions: (1,0,0) (0,1,0) (0,0,3)\nspace origin: (10,20,30)\nendian: little\nencoding: raw"
    )
    (tmp_path / "a.nrrd").write_bytes(f"{header}\n\n".encode() + bytes(16))
    geometry = read_volume_file(tmp_path / "a.nrrd").geometry
    assert geometry.origin_lps_mm == (-10.0, -20.0, 30.0)
    assert geometry.index_to_lps((0, 0, 1)).tolist() == [-11.0, -20.0, 30.0]


def test_sheared_axes_are_refused_by_name(tmp_path):
    header = (
        "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 2 2 2\n"
        "space directions: (1,0,0) (0,1,0) (0,0.4,3)\nspace origin: (0,0,0)\nendian: little\nencoding: raw"
    )
    (tmp_path / "tilted.nrrd").write_bytes(f"{header}\n\n".encode() + bytes(16))
    with pytest.raises(GeometryError, match=r"tilted\.nrrd.*right angles"):
        read_volume_file(tmp_path / "tilted.nrrd")


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_spacing_in_another_unit_is_refused(tmp_path, suffix, scale):
    grid = VolumeGeometry.from_axes((3, 4, 5), (2.5 * scale, 0.75 * scale, 0.75 * scale))
    write_volume(CTVolume(HU, grid), tmp_path / f"a{suffix}")
    with pytest.raises(GeometryError, match="unit of length"):
        read_volume_file(tmp_path / f"a{suffix}")


@pytest.mark.parametrize(
    "values", [HU, HU + 0.5, np.full((3, 4, 5), 300)], ids=["scan", "fractions", "large"]
)
def test_a_scan_is_not_taken_for_a_label_map(tmp_path, values):
    SimpleITK.WriteImage(image_to_simpleitk(values.astype(np.float32), OBLIQUE), str(tmp_path / "a.nrrd"))
    with pytest.raises(MeasurementError, match="not a label map"):
        read_label_map(tmp_path / "a.nrrd")


def test_an_unknown_label_is_refused_with_the_file_s_name(tmp_path):
    values = np.full((3, 4, 5), 7, np.int16)
    SimpleITK.WriteImage(image_to_simpleitk(values, OBLIQUE), str(tmp_path / "a.nii.gz"))
    with pytest.raises(MeasurementError, match=r"a\.nii\.gz.*unknown label"):
        read_label_map(tmp_path / "a.nii.gz")


@pytest.mark.parametrize("name", ["a.png", "a.nhdr", "a.mhd", "a"])
def test_formats_that_are_not_written_are_refused(tmp_path, name):
    with pytest.raises(ConfigurationError, match=r"\.nii\.gz"):
        write_label_map(labels_on(OBLIQUE), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", WRITTEN_SUFFIXES)
def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path, suffix):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError):
        write_label_map(labels_on(OBLIQUE), tmp_path / "file" / f"a{suffix}")


def test_a_writer_that_fails_is_an_output_error_and_leaves_nothing(tmp_path, monkeypatch):
    def refuse(*_args: object, **_options: object) -> None:
        raise RuntimeError("itk::ERROR: no space left\n")

    monkeypatch.setattr(SimpleITK, "WriteImage", refuse)
    with pytest.raises(OutputError, match="no space left"):
        write_label_map(labels_on(OBLIQUE), tmp_path / "a.nrrd")
    assert list(tmp_path.iterdir()) == []


def test_itk_s_own_warnings_are_as_loud_after_reading_as_before(tmp_path):
    write_label_map(labels_on(OBLIQUE), tmp_path / "a.nrrd")
    before = SimpleITK.ProcessObject.GetGlobalWarningDisplay()
    read_label_map(tmp_path / "a.nrrd")
    assert SimpleITK.ProcessObject.GetGlobalWarningDisplay() == before


def test_names_tell_volume_files_apart():
    assert all(is_volume_file(Path(name)) for name in ("a.NII.GZ", "a.nrrd", "b.mhd", "c.d.nii"))
    assert not any(is_volume_file(Path(name)) for name in ("a.dcm", "a.gz", "nii", "a.img"))


def test_a_gzipped_file_is_read_also_under_a_plain_name(tmp_path):
    write_volume(CTVolume(HU, OBLIQUE), tmp_path / "a.nii")
    (tmp_path / "b.nii").write_bytes(gzip.compress((tmp_path / "a.nii").read_bytes()))
    np.testing.assert_array_equal(read_volume_file(tmp_path / "b.nii").hu, HU)


@pytest.mark.real_data
def test_real_files_are_read_as_simpleitk_reads_them(real_data: Path):
    paths = [*real_data.glob("ct-1p5mm/*.nii.gz"), *real_data.glob("dicom-traps/cip-ct64-series/*.nrrd")]
    assert paths
    for path in sorted(paths):
        volume, image = read_volume_file(path), SimpleITK.ReadImage(str(path))
        np.testing.assert_array_equal(volume.hu, SimpleITK.GetArrayFromImage(image))
        assert volume.geometry.matches(geometry_from_simpleitk(image), 1e-4)
