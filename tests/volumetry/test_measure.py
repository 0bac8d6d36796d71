"""What a label map holds, in ml and %, whichever way its grid lies."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from lesionseg.core.errors import ConfigurationError, MeasurementError
from lesionseg.core.labels import Label
from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry, standard_axis_order
from lesionseg.volumetry import COLUMNS, Measurements, MeasurementSettings, Severity, measure
from lesionseg.volumetry.regions import LUNGS, THIRDS, ZONES
from tests.volume.strategies import geometries
from tests.volumetry.chest import (
    CONSOLIDATION,
    GRID,
    GROUND_GLASS,
    LEFT_LUNG,
    RIGHT_LUNG,
    Chest,
    Ellipsoid,
    chest,
)


def measured(scan: Chest, **settings: float) -> Measurements:
    return measure(scan.volume, scan.label_map, MeasurementSettings(**settings))


def turned(scan: Chest, axes: tuple[int, ...], flips: tuple[bool, ...]) -> Chest:
    """Store the same patient on a grid with other axis order and directions."""
    affine = np.array(scan.volume.geometry.affine)[:, [*axes, 3]]
    shape = [scan.volume.geometry.shape[axis] for axis in axes]
    flipped = [axis for axis in range(3) if flips[axis]]
    for axis in flipped:
        affine[:3, 3] += affine[:3, axis] * (shape[axis] - 1)
        affine[:3, axis] *= -1
    geometry = VolumeGeometry(tuple(shape), affine)
    hu, labels = (
        np.flip(array.transpose(axes), flipped) for array in (scan.volume.hu, scan.label_map.labels)
    )
    return Chest(CTVolume(hu, geometry, name="phantom"), LabelMap(labels, geometry))


def same(first: Measurements, second: Measurements) -> None:
    one, other = first.as_row(), second.as_row()
    assert one.keys() == other.keys()
    for name, value in one.items():
        if isinstance(value, float):
            assert other[name] == pytest.approx(value, rel=1e-9, abs=1e-12), name
        else:
            assert other[name] == value, name


PHANTOM = chest()
RESULT = measured(PHANTOM)


def test_volumes_are_those_of_the_ellipsoids():
    assert RESULT.regions["right"].lung_ml == pytest.approx(RIGHT_LUNG.volume_ml, rel=0.005)
    assert RESULT.regions["left"].lung_ml == pytest.approx(LEFT_LUNG.volume_ml, rel=0.005)
    assert RESULT.whole.lesion_ml == pytest.approx(GROUND_GLASS.volume_ml, rel=0.02)
    assert RESULT.whole.solid_ml == pytest.approx(CONSOLIDATION.volume_ml, rel=0.05)


def test_volumes_are_voxel_counts_times_the_voxel_volume():
    labels = PHANTOM.label_map.labels
    voxel_ml = GRID.voxel_volume_ml
    assert RESULT.whole.lung_ml == pytest.approx(np.count_nonzero(labels) * voxel_ml, rel=1e-12)
    assert RESULT.whole.solid_ml == pytest.approx(np.count_nonzero(labels == 3) * voxel_ml, rel=1e-12)


def test_proportions_follow_from_the_volumes():
    for region in RESULT.regions.values():
        assert region.lesion_proportion_pct == pytest.approx(100 * region.lesion_ml / region.lung_ml)
        assert region.solid_proportion_pct == pytest.approx(100 * region.solid_ml / region.lung_ml)
        if region.lesion_ml:
            assert region.solid_fraction_pct == pytest.approx(100 * region.solid_ml / region.lesion_ml)


def test_the_lesion_lies_in_the_right_basal_zone_alone():
    with_lesion = {name for name in ZONES if RESULT.regions[name].lesion_ml > 0}
    assert with_lesion == {"right_basal"}
    assert RESULT.regions["left"].lesion_proportion_pct == 0
    assert RESULT.components.lesion_component_count == 1
    assert RESULT.components.largest_lesion_component_ml == pytest.approx(RESULT.whole.lesion_ml)


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
def test_storing_the_patient_along_other_axes_changes_no_figure(axes):
    for flips in itertools.product([False, True], repeat=3):
        same(RESULT, measured(turned(PHANTOM, axes, flips)))


def test_a_mirrored_patient_swaps_right_and_left():
    mirrored = Chest(
        CTVolume(PHANTOM.volume.hu[:, :, ::-1].copy(), GRID),
        LabelMap(PHANTOM.label_map.labels[:, :, ::-1].copy(), GRID),
    )
    result = measured(mirrored)
    assert result.regions["left"] == RESULT.regions["right"]
    assert result.regions["right"] == RESULT.regions["left"]
    assert result.regions["left_basal"] == RESULT.regions["right_basal"]
    assert result.whole == RESULT.whole


@pytest.mark.parametrize("degrees", [5.0, 15.0])
def test_an_oblique_grid_measures_the_same_patient_alike(degrees):
    tilt = Rotation.from_euler("x", degrees, degrees=True).as_matrix()
    direction = tilt @ np.eye(3)[:, ::-1]
    spacing = (4.0, 4.0, 4.0)
    origin = -direction @ (np.array([71, 59, 83]) * 2.0)
    oblique = VolumeGeometry.from_axes(GRID.shape, spacing, tuple(origin), direction)
    result = measured(chest(oblique))
    for name in ("whole", "right", "left", *THIRDS):
        assert result.regions[name].lung_ml == pytest.approx(RESULT.regions[name].lung_ml, rel=0.03)
    assert result.regions["right_basal"].lesion_ml == pytest.approx(RESULT.whole.lesion_ml, rel=0.03)


def test_resampling_the_patient_keeps_the_volumes():
    fine = VolumeGeometry.from_axes((96, 80, 112), (3.0, 3.0, 3.0), (-166.5, -118.5, -142.5))
    thick = VolumeGeometry.from_axes((36, 120, 168), (8.0, 2.0, 2.0), (-167.0, -119.0, -140.0))
    for geometry in (fine, thick):
        result = measured(chest(geometry))
        for name in ("whole", "right", "left"):
            assert result.regions[name].lung_ml == pytest.approx(RESULT.regions[name].lung_ml, rel=0.005)
        assert result.whole.lesion_ml == pytest.approx(RESULT.whole.lesion_ml, rel=0.02)


@given(geometries(longest=6), st.integers(0, 10_000))
def test_regions_nest_and_add_up_for_any_label_map(geometry, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, geometry.shape, np.uint8) * rng.integers(0, 2, geometry.shape, np.uint8)
    volume = CTVolume(rng.integers(-1024, 500, geometry.shape, np.int16), geometry)
    result = measure(volume, LabelMap(labels, geometry))
    regions = result.regions
    for region in regions.values():
        assert 0 <= region.solid_ml <= region.lesion_ml <= region.lung_ml
        assert region.non_solid_ml + region.solid_ml == pytest.approx(region.lesion_ml)
    for parts in (LUNGS, THIRDS, ZONES):
        for figure in ("lung_ml", "lesion_ml", "solid_ml"):
            total = sum(getattr(regions[name], figure) for name in parts)
            assert total == pytest.approx(getattr(result.whole, figure)), (figure, list(parts))
    assert result.whole.lung_ml == pytest.approx(np.count_nonzero(labels) * geometry.voxel_volume_ml)
    json.dumps(result.as_dict(), allow_nan=False)
    assert list(result.as_row()) == list(COLUMNS)


def test_an_empty_label_map_measures_nothing_and_says_why():
    empty = LabelMap(np.zeros(GRID.shape, np.uint8), GRID)
    result = measure(PHANTOM.volume, empty)
    row = result.as_row()
    assert row["lung_ml"] == row["lesion_ml"] == row["right_solid_ml"] == row["lesion_mass_g"] == 0
    assert row["lesion_proportion_pct"] is None
    assert row["six_zone_score_0_24"] is None
    assert result.missing["lesion_proportion_pct"] == "no-lung"
    assert result.missing["left_apical_solid_fraction_pct"] == "no-lung"
    assert result.missing["lung_mean_hu"] == "empty-region"
    assert result.missing["dense_lesion_proportion_pct"] == "no-lung"
    assert result.missing["six_zone_score_0_24"] == "zone-without-lung"
    assert [flag.code for flag in result.flags] == ["no-lung"]
    assert result.worst_severity == Severity.CRITICAL
    assert list(row) == list(COLUMNS)


def test_a_lung_without_lesion_has_proportion_zero_and_no_solid_fraction():
    result = measured(chest(lesions=()))
    assert result.whole.lesion_proportion_pct == 0
    assert result.whole.solid_fraction_pct is None
    assert result.missing["solid_fraction_pct"] == "no-lesion"
    assert result.missing["lesion_mean_hu"] == "empty-region"
    assert result.severity.six_zone_score_0_24 == 0
    assert result.lesion_mass_g == 0
    assert result.components.largest_lesion_component_ml == 0
    assert [flag.code for flag in result.flags] == ["coarse-pixels"]
    assert result.worst_severity == Severity.INFO


def test_a_missing_value_always_has_a_reason_and_a_reason_always_a_missing_value():
    cases = [RESULT, measured(chest(lesions=())), measured(chest(lungs=(RIGHT_LUNG,)))]
    for result in cases:
        row = result.as_row()
        assert {name for name, value in row.items() if value is None} == set(result.missing)
        shown = dict(part.split("=") for part in str(row["missing"]).split("; ") if part)
        assert shown == result.missing


def test_no_value_is_ever_not_a_number():
    for result in (RESULT, measured(chest(lesions=())), measured(chest(lungs=()))):
        assert not any(isinstance(value, float) and math.isnan(value) for value in result.as_row().values())
        json.dumps(result.as_dict(), allow_nan=False)


def test_every_block_of_the_nested_form_says_why_its_values_are_missing():
    nested = measured(chest(lungs=(RIGHT_LUNG,), lesions=())).as_dict()
    assert nested["regions"]["left"]["lesion_proportion_pct"] is None
    assert nested["regions"]["left"]["missing"]["lesion_proportion_pct"] == "no-lung"
    assert nested["density"]["lesion"]["missing"]["mean_hu"] == "empty-region"
    assert nested["severity"]["missing"]["left_apical_grade_0_4"] == "no-lung"
    assert nested["dense_lesion"]["missing"] == {}
    assert nested["flags"][0]["severity"] == "critical"
    assert nested["settings"]["threshold_hu"] == -300


def test_a_label_map_on_another_grid_is_refused():
    moved = VolumeGeometry.from_axes(GRID.shape, GRID.spacing_mm, (-166.0, -118.0, -141.0))
    with pytest.raises(MeasurementError, match=r"phantom.*-142\.0.*-141\.0"):
        measure(PHANTOM.volume, LabelMap(PHANTOM.label_map.labels, moved))


def test_measuring_twice_gives_the_same_and_changes_no_input():
    before = PHANTOM.volume.hu.copy(), PHANTOM.label_map.labels.copy()
    assert measured(PHANTOM).as_dict() == RESULT.as_dict()
    np.testing.assert_array_equal(PHANTOM.volume.hu, before[0])
    np.testing.assert_array_equal(PHANTOM.label_map.labels, before[1])


def test_float_and_integer_volumes_measure_alike():
    as_float = CTVolume(PHANTOM.volume.hu.astype(np.float32), GRID, name="phantom")
    same(RESULT, measure(as_float, PHANTOM.label_map))


@pytest.mark.parametrize(
    "settings",
    [{"threshold_hu": math.nan}, {"smoothing_sigma_mm": -1.0}, {"minimum_lesion_ml": math.inf}],
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ConfigurationError, match=next(iter(settings))):
        MeasurementSettings(**settings)


def test_the_lesion_s_mass_and_density_are_those_of_its_tissues():
    whole = RESULT.whole
    expected_g = whole.non_solid_ml * 0.4 + whole.solid_ml * 1.02
    assert RESULT.lesion_mass_g == pytest.approx(expected_g, rel=1e-6)
    assert RESULT.lesion_density.p50_hu == -600
    assert RESULT.lesion_density.p95_hu == 20
    assert RESULT.lung_density.p50_hu == -850


def test_dense_lesion_is_close_to_the_solid_component():
    assert RESULT.dense_lesion.dense_lesion_ml == pytest.approx(RESULT.whole.solid_ml, rel=0.05)


def test_one_lung_is_measured_on_its_own_side():
    for lung, name in ((RIGHT_LUNG, "right"), (LEFT_LUNG, "left")):
        result = measured(chest(lungs=(lung,), lesions=()))
        assert result.regions[name].lung_ml == result.whole.lung_ml > 0


def test_one_lung_off_the_image_s_centre_is_placed_by_the_body_around_it():
    shifted = VolumeGeometry.from_axes(GRID.shape, GRID.spacing_mm, (-166.0 + 120, -118.0, -142.0))
    result = measured(chest(shifted, lungs=(Ellipsoid((62, 0, 0), (45, 75, 118)),), lesions=()))
    assert result.regions["left"].lung_ml == result.whole.lung_ml > 0


def test_a_scan_of_nothing_but_labels_is_measured():
    grid = VolumeGeometry.from_axes((3, 3, 3), (1, 1, 1))
    air = CTVolume(np.full(grid.shape, -1000, np.int16), grid)
    result = measure(air, LabelMap(np.full(grid.shape, Label.LUNG, np.uint8), grid))
    assert result.whole.lung_ml == pytest.approx(0.027)
    assert standard_axis_order(grid).axes == (0, 1, 2)
