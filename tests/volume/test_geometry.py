"""One affine says where a volume lies; nothing half-valid can be made."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from lesionseg.core.errors import GeometryError, IntensityError, MeasurementError
from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry, standard_axis_order
from tests.volume.strategies import axis_aligned_geometries, geometries

GRID = VolumeGeometry.from_axes(
    (4, 5, 6), (2.0, 0.7, 0.5), (-10.0, 20.0, -300.0), frame_of_reference_uid="1.2"
)


def test_axial_grid_runs_to_head_back_and_left():
    assert GRID.index_to_lps((1, 0, 0)).tolist() == [-10.0, 20.0, -298.0]
    assert GRID.index_to_lps((0, 1, 0)).tolist() == [-10.0, 20.7, -300.0]
    assert GRID.index_to_lps((0, 0, 1)).tolist() == [-9.5, 20.0, -300.0]


def test_voxel_volume_is_the_product_of_the_spacings():
    assert GRID.voxel_volume_ml == pytest.approx(2.0 * 0.7 * 0.5 / 1000)


@given(geometries())
def test_axes_survive_the_affine(geometry):
    again = VolumeGeometry.from_axes(
        geometry.shape, geometry.spacing_mm, geometry.origin_lps_mm, geometry.direction
    )
    np.testing.assert_allclose(again.affine, geometry.affine, rtol=1e-12, atol=1e-9)


@given(geometries())
def test_index_and_position_are_inverse(geometry):
    corners = geometry.corners_lps_mm()
    expected = np.array(list(np.ndindex(2, 2, 2))) * (np.array(geometry.shape) - 1)
    np.testing.assert_allclose(geometry.lps_to_index(corners), expected, atol=1e-7)


def bad_affine(**cells: float) -> np.ndarray:
    affine = np.eye(4)
    for place, value in cells.items():
        affine[int(place[1]), int(place[2])] = value
    return affine


@pytest.mark.parametrize(
    ("shape", "affine", "words"),
    [
        ((0, 2, 2), np.eye(4), "three axes"),
        ((2, 2), np.eye(4), "three axes"),
        ((2, 2, 2), np.eye(3), "4 x 4"),
        ((2, 2, 2), bad_affine(a03=np.nan), "4 x 4"),
        ((2, 2, 2), bad_affine(a30=1.0), "last row"),
        ((2, 2, 2), bad_affine(a00=0.0), "without length"),
        ((2, 2, 2), bad_affine(a02=0.1), "right angles"),
    ],
)
def test_an_invalid_grid_cannot_be_made(shape, affine, words):
    with pytest.raises(GeometryError, match=words):
        VolumeGeometry(shape, affine)


def test_the_affine_cannot_be_changed_from_outside():
    with pytest.raises(ValueError, match="read-only"):
        GRID.affine[0, 0] = 3


def test_grids_match_within_a_hundredth_of_a_millimetre():
    def moved(shift_mm: float) -> VolumeGeometry:
        return VolumeGeometry.from_axes(GRID.shape, GRID.spacing_mm, (-10.0 + shift_mm, 20.0, -300.0))

    assert GRID.matches(moved(0.009))
    assert not GRID.matches(moved(0.011))
    assert not GRID.matches(VolumeGeometry.from_axes((4, 5, 7), GRID.spacing_mm, GRID.origin_lps_mm))


def test_grids_are_equal_and_hash_alike_only_with_one_frame_of_reference():
    twin = VolumeGeometry(GRID.shape, GRID.affine, "1.2")
    other = VolumeGeometry(GRID.shape, GRID.affine, "1.3")
    assert twin == GRID
    assert hash(twin) == hash(GRID)
    assert other != GRID
    assert GRID != "grid"


def test_a_volume_takes_only_finite_int16_or_float32_of_its_grid_s_shape():
    CTVolume(np.zeros(GRID.shape, np.int16), GRID)
    CTVolume(np.zeros(GRID.shape, np.float32), GRID)
    with pytest.raises(GeometryError, match="shape"):
        CTVolume(np.zeros((1, 5, 6), np.int16), GRID)
    with pytest.raises(IntensityError, match="int16 or float32"):
        CTVolume(np.zeros(GRID.shape, np.float64), GRID)
    with pytest.raises(IntensityError, match="not numbers"):
        CTVolume(np.full(GRID.shape, np.nan, np.float32), GRID)


def test_a_label_map_takes_only_known_uint8_labels_of_its_grid_s_shape():
    with pytest.raises(GeometryError, match="shape"):
        LabelMap(np.zeros((1, 5, 6), np.uint8), GRID)
    with pytest.raises(MeasurementError, match="uint8"):
        LabelMap(np.zeros(GRID.shape, np.int16), GRID)
    with pytest.raises(MeasurementError, match="unknown label"):
        LabelMap(np.full(GRID.shape, 4, np.uint8), GRID)


def test_the_regions_of_a_label_map_nest():
    grid = VolumeGeometry.from_axes((1, 1, 4), (1, 1, 1))
    label_map = LabelMap(np.array([[[0, 1, 2, 3]]], np.uint8), grid)
    assert label_map.lung.tolist() == [[[False, True, True, True]]]
    assert label_map.lesion.tolist() == [[[False, False, True, True]]]
    assert label_map.solid.tolist() == [[[False, False, False, True]]]


@given(axis_aligned_geometries())
def test_standard_order_runs_to_head_back_and_left_and_can_be_undone(geometry):
    array = np.arange(np.prod(geometry.shape)).reshape(geometry.shape)
    order = standard_axis_order(geometry)
    turned, grid = order.apply(array), order.apply_to_geometry(geometry)
    np.testing.assert_allclose(grid.direction, np.eye(3)[:, ::-1], atol=1e-12)
    np.testing.assert_array_equal(order.undo(turned), array)
    for index in np.ndindex(*geometry.shape):
        place = tuple(np.rint(grid.lps_to_index(geometry.index_to_lps(index))).astype(int))
        assert turned[place] == array[index]


@given(geometries())
def test_an_oblique_grid_is_turned_to_the_nearest_order_and_keeps_its_tilt(geometry):
    order = standard_axis_order(geometry)
    grid = order.apply_to_geometry(geometry)
    assert grid.voxel_volume_ml == pytest.approx(geometry.voxel_volume_ml)
    assert (np.diag(grid.direction[::-1]) > -1e-9).all()
    positions = np.sort(grid.corners_lps_mm().round(5), axis=0)
    np.testing.assert_allclose(positions, np.sort(geometry.corners_lps_mm().round(5), axis=0), atol=2e-5)
