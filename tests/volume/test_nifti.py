"""What NIfTI headers say, whichever way they say it."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from hypothesis import given

from lesionseg.core.errors import (
    GeometryError,
    IntensityError,
    LesionSegError,
    MissingGeometryError,
    UnreadableFileError,
)
from lesionseg.volume import CTVolume, VolumeGeometry, read_label_map, read_volume_file, write_volume
from lesionseg.volume.convert import (
    geometry_from_simpleitk,
    lps_affine_from_ras_ijk,
    ras_ijk_from_lps_affine,
)
from lesionseg.volume.nifti import nifti_header_bytes, parse_nifti_header
from tests.volume.strategies import geometries

GRID = VolumeGeometry.from_axes((2, 3, 4), (3.0, 0.8, 0.7), (-20.0, 30.0, -400.0))
PLACES = {
    "dim": (40, "8h"), "datatype": (70, "h"), "bitpix": (72, "h"), "pixdim": (76, "8f"),
    "vox_offset": (108, "f"), "scl_slope": (112, "f"), "scl_inter": (116, "f"), "xyzt_units": (123, "B"),
    "qform_code": (252, "h"), "sform_code": (254, "h"), "quatern": (256, "3f"), "qoffset": (268, "3f"),
    "srow": (280, "12f"), "magic": (344, "4s"),
}  # fmt: skip


def header(**changes: object) -> bytes:
    """A good header of 16-bit voxels on GRID, with fields changed."""
    content = bytearray(nifti_header_bytes(GRID, np.int16))
    for name, value in changes.items():
        offset, form = PLACES[name]
        count = int(form[:-1] or 1) if form[-1] != "s" else 1
        numbers = np.array(value if count > 1 else [value]).ravel()
        raw = (
            bytes(value)
            if form[-1] == "s"
            else numbers.astype("<" + {"h": "i2", "f": "f4", "B": "u1"}[form[-1]]).tobytes()
        )
        content[offset : offset + len(raw)] = raw
    return bytes(content)


def voxels() -> np.ndarray:
    return np.arange(24, dtype="<i2").reshape(GRID.shape) - 10


def written(folder: Path, head: bytes, data: bytes | None = None) -> Path:
    path = folder / "scan.nii"
    path.write_bytes(head + (voxels().tobytes() if data is None else data))
    return path


@given(geometries())
def test_ras_and_lps_affines_are_inverse(geometry):
    there = ras_ijk_from_lps_affine(geometry.affine)
    np.testing.assert_array_equal(lps_affine_from_ras_ijk(there), geometry.affine)
    point = there @ (geometry.shape[2] - 1, 0, 0, 1)
    expected = geometry.index_to_lps((0, 0, geometry.shape[2] - 1)) * (-1, -1, 1)
    np.testing.assert_allclose(point[:3], expected, atol=1e-9)


@given(geometries())
def test_either_transform_alone_gives_the_place(geometry):
    content = nifti_header_bytes(geometry, np.int16)
    for silenced, tolerance_mm in ((252, 1e-3), (254, 0.5)):
        only = bytearray(content)
        only[silenced : silenced + 2] = b"\0\0"
        assert parse_nifti_header(bytes(only), "x").geometry.matches(geometry, tolerance_mm)


@pytest.mark.parametrize("silenced", ["qform_code", "sform_code"])
def test_either_transform_alone_agrees_with_simpleitk(tmp_path, silenced):
    path = written(tmp_path, header(**{silenced: 0}))
    assert read_volume_file(path).geometry.matches(geometry_from_simpleitk(SimpleITK.ReadImage(str(path))))


def test_a_file_without_transform_is_refused(tmp_path):
    with pytest.raises(MissingGeometryError, match=r"scan\.nii.*left and right"):
        read_volume_file(written(tmp_path, header(qform_code=0, sform_code=0)))


def test_two_transforms_that_disagree_are_refused(tmp_path):
    path = written(tmp_path, header(qoffset=(20.0, -30.0, -370.0)))
    with pytest.raises(GeometryError, match=r"30\.0 mm apart"):
        read_volume_file(path)


def test_a_tilted_sform_beside_a_straight_qform_is_refused(tmp_path):
    rows = np.frombuffer(header(), "<f4", 12, 280).reshape(3, 4).copy()
    rows[1, 2] = 1.2
    with pytest.raises(GeometryError, match=r"scan\.nii"):
        read_volume_file(written(tmp_path, header(srow=rows)))
    with pytest.raises(GeometryError, match="right angles"):
        read_volume_file(written(tmp_path, header(srow=rows, qform_code=0)))


@pytest.mark.parametrize(("unit", "per_mm"), [(0, 1.0), (1, 1e-3), (2, 1.0), (3, 1e3), (10, 1.0)])
def test_units_of_length_scale_spacing_and_origin(tmp_path, unit, per_mm):
    parts = {
        "xyzt_units": unit,
        "pixdim": np.frombuffer(header(), "<f4", 8, 76) * [1, per_mm, per_mm, per_mm, 1, 1, 1, 1],
        "qoffset": np.frombuffer(header(), "<f4", 3, 268) * per_mm,
        "srow": np.frombuffer(header(), "<f4", 12, 280) * per_mm,
    }
    assert read_volume_file(written(tmp_path, header(**parts))).geometry.matches(GRID, 1e-3)


def test_an_unknown_unit_is_refused(tmp_path):
    with pytest.raises(MissingGeometryError, match="unit code 5"):
        read_volume_file(written(tmp_path, header(xyzt_units=5)))


@pytest.mark.parametrize("spacing", [0.0, -0.7, np.nan])
def test_a_qform_without_spacing_is_refused(tmp_path, spacing):
    with pytest.raises(GeometryError, match=r"scan\.nii"):
        read_volume_file(written(tmp_path, header(pixdim=(1, spacing, 0.8, 3, 0, 0, 0, 0), sform_code=0)))


@pytest.mark.parametrize(
    ("slope", "intercept", "expected", "kind"),
    [
        (1.0, 0.0, voxels(), np.int16),
        (0.0, 5.0, voxels(), np.int16),
        (np.nan, 0.0, voxels(), np.int16),
        (1.0, -1024.0, voxels() - 1024, np.int16),
        (0.5, 0.0, voxels() * 0.5, np.float32),
    ],
)
def test_scaling_is_applied_where_there_is_one(tmp_path, slope, intercept, expected, kind):
    volume = read_volume_file(written(tmp_path, header(scl_slope=slope, scl_inter=intercept)))
    assert volume.hu.dtype == kind
    np.testing.assert_array_equal(volume.hu, expected)


def test_scaled_labels_are_read(tmp_path):
    data = (voxels() % 2).astype("<i2").tobytes()
    labels = read_label_map(written(tmp_path, header(scl_slope=2.0), data)).labels
    np.testing.assert_array_equal(labels, voxels() % 2 * 2)


def test_big_endian_files_are_read(tmp_path):
    image = SimpleITK.GetImageFromArray(voxels())
    SimpleITK.WriteImage(image, str(tmp_path / "little.nii"))
    little = read_volume_file(tmp_path / "little.nii")
    content = bytearray((tmp_path / "little.nii").read_bytes())
    widths = {"h": 2, "f": 4, "B": 1}
    spots = [(0, 4)] + [
        (offset + step * widths[form[-1]], widths[form[-1]])
        for offset, form in PLACES.values()
        if form[-1] != "s"
        for step in range(int(form[:-1] or 1))
    ]
    for offset, width in spots:
        content[offset : offset + width] = content[offset : offset + width][::-1]
    content[352:] = np.frombuffer(bytes(content[352:]), "<i2").astype(">i2").tobytes()
    (tmp_path / "big.nii").write_bytes(content)
    big = read_volume_file(tmp_path / "big.nii")
    np.testing.assert_array_equal(big.hu, little.hu)
    assert big.geometry == little.geometry


def nifti2() -> bytes:
    content = bytearray(544)
    first = parse_nifti_header(header() + bytes(200), "x")
    affine = ras_ijk_from_lps_affine(first.geometry.affine)
    for offset, form, values in (
        (0, "<i4", 540), (12, "<i2", 4), (14, "<i2", 16), (16, "<i8", [3, 4, 3, 2, 1, 1, 1, 1]),
        (104, "<f8", [1, 0.7, 0.8, 3, 0, 0, 0, 0]), (168, "<i8", 544), (176, "<f8", 1), (348, "<i4", 1),
        (400, "<f8", affine[:3]), (500, "<i4", 2),
    ):  # fmt: skip
        raw = np.array(values, dtype=form).tobytes()
        content[offset : offset + len(raw)] = raw
    content[4:12] = b"n+2\0\r\n\x1a\n"
    return bytes(content)


@pytest.mark.parametrize("zipped", [False, True])
def test_nifti2_is_read(tmp_path, zipped):
    content = nifti2() + voxels().tobytes()
    path = tmp_path / ("a.nii.gz" if zipped else "a.nii")
    path.write_bytes(gzip.compress(content) if zipped else content)
    volume = read_volume_file(path)
    np.testing.assert_array_equal(volume.hu, voxels())
    assert volume.geometry.matches(GRID, 1e-3)


def test_extensions_before_the_voxels_are_skipped(tmp_path):
    head = bytearray(header(vox_offset=384))
    head[348] = 1
    path = written(tmp_path, bytes(head) + bytes(32))
    np.testing.assert_array_equal(read_volume_file(path).hu, voxels())


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"magic": b"ni1\0"}, UnreadableFileError, r"\.hdr and \.img"),
        ({"magic": b"\0\0\0\0"}, UnreadableFileError, "Analyze"),
        ({"datatype": 128}, IntensityError, "RGB"),
        ({"datatype": 32}, IntensityError, "complex"),
        ({"datatype": 999}, IntensityError, "999"),
        ({"dim": (2, 4, 6, 1, 1, 1, 1, 1)}, GeometryError, "4 x 6"),
        ({"dim": (4, 4, 3, 2, 9, 1, 1, 1)}, GeometryError, "4 x 3 x 2 x 9"),
        ({"dim": (9, 4, 3, 2, 1, 1, 1, 1)}, GeometryError, "9 axes"),
        ({"dim": (3, 4, 0, 2, 1, 1, 1, 1)}, GeometryError, "4 x 0 x 2"),
        ({"dim": (3, -4, 3, 2, 1, 1, 1, 1)}, GeometryError, "-4"),
        ({"vox_offset": 0}, UnreadableFileError, "outside"),
        ({"vox_offset": np.nan}, UnreadableFileError, "outside"),
        ({"srow": [np.nan] * 12, "qform_code": 0}, GeometryError, "finite"),
        ({"srow": [0.0] * 12, "qform_code": 0}, GeometryError, "without length"),
    ],
)
def test_headers_that_cannot_be_used_are_refused_by_name(tmp_path, changes, error, words):
    with pytest.raises(error, match=words) as caught:
        read_volume_file(written(tmp_path, header(**changes)))
    assert caught.value.case.endswith("scan.nii")


@pytest.mark.parametrize("zipped", [False, True])
def test_a_header_that_claims_more_than_the_file_can_hold_is_refused_before_memory_is_taken(tmp_path, zipped):
    content = header(dim=(3, 32767, 32767, 32767, 1, 1, 1, 1)) + voxels().tobytes()
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(content) if zipped else content)
    with pytest.raises(UnreadableFileError, match="ends before"):
        read_volume_file(path)


def test_a_gzipped_image_that_ends_early_is_refused(tmp_path):
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(header() + voxels().tobytes()[:-2]))
    with pytest.raises(UnreadableFileError, match="ends before"):
        read_volume_file(path)


def test_bytes_after_the_voxels_do_not_matter(tmp_path):
    path = written(tmp_path, header(), voxels().tobytes() + b"more")
    np.testing.assert_array_equal(read_volume_file(path).hu, voxels())


def test_an_axis_too_long_for_the_format_is_refused(tmp_path):
    grid = VolumeGeometry.from_axes((1, 1, 40000), (1, 1, 1))
    with pytest.raises(GeometryError, match="32767"):
        write_volume(CTVolume(np.zeros(grid.shape, np.int16), grid), tmp_path / "a.nii")


def test_float32_of_the_header_moves_no_corner_of_a_chest_by_a_ten_thousandth_of_a_millimetre():
    worst_mm = 0.0
    rng = np.random.default_rng(1)
    for _ in range(200):
        spacing = (rng.uniform(0.5, 5), *[rng.uniform(0.5, 1)] * 2)
        origin = rng.uniform([-300, -300, -1800], [300, 300, 1800])
        angle = rng.uniform(-0.5, 0.5)
        tilt = [[0, 0, 1], [np.sin(angle), np.cos(angle), 0], [np.cos(angle), -np.sin(angle), 0]]
        grid = VolumeGeometry.from_axes((300, 512, 512), spacing, tuple(origin), tilt)
        again = parse_nifti_header(nifti_header_bytes(grid, np.uint8), "x").geometry
        worst_mm = max(worst_mm, np.abs(again.corners_lps_mm() - grid.corners_lps_mm()).max())
    assert worst_mm < 2e-4


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
def test_damaged_files_give_typed_errors_or_an_image(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write_volume(CTVolume(voxels(), GRID), path)
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        damaged = bytearray(content)
        for place in rng.integers(0, len(content), rng.integers(1, 5)):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged[: rng.integers(1, len(content) + 1)] if rng.random() < 0.3 else damaged)
        refused += names_its_case(path)
    assert refused > 40


def names_its_case(path: Path) -> bool:
    """Whether reading the file is refused; any error must be typed and name the file."""
    try:
        read_volume_file(path)
    except LesionSegError as error:
        return str(path) in error.case
    return False
