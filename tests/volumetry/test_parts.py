"""Thirds, severity grades, pieces of lesion, density and the threshold figure, each by itself."""

from __future__ import annotations

import numpy as np
import pytest

from lesionseg.core.labels import Label
from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry
from lesionseg.volumetry import MeasurementSettings, measure
from lesionseg.volumetry.components import lesion_components
from lesionseg.volumetry.density import hu_statistics, mass_g
from lesionseg.volumetry.regions import ZONES, RegionMeasure
from lesionseg.volumetry.severity import severity_score, zone_grade
from lesionseg.volumetry.thirds import lung_height
from tests.volumetry.chest import GRID, LEFT_LUNG, RIGHT_LUNG, Ellipsoid, chest

CUBE = VolumeGeometry.from_axes((30, 20, 20), (1.0, 1.0, 1.0), (0.0, 0.0, 100.0))


def filled(geometry: VolumeGeometry, first: int, last: int) -> np.ndarray:
    mask = np.zeros(geometry.shape, bool)
    mask[first:last] = True
    return mask


# --- thirds ---------------------------------------------------------------------------------------------


def test_the_height_runs_from_the_lowest_to_the_highest_voxel_face():
    height = lung_height(filled(CUBE, 3, 24), CUBE)
    assert (height.lowest_mm, height.highest_mm) == pytest.approx((102.5, 123.5))
    assert height.boundaries_mm == pytest.approx((109.5, 116.5))


def test_a_stray_voxel_does_not_stretch_the_height():
    mask = filled(CUBE, 3, 24)
    mask[29, 0, 0] = True
    assert lung_height(mask, CUBE) == lung_height(filled(CUBE, 3, 24), CUBE)


def test_a_mask_too_small_for_any_level_still_has_a_height():
    mask = np.zeros(CUBE.shape, bool)
    mask[4:6, 0, 0] = True
    height = lung_height(mask, CUBE)
    assert (height.lowest_mm, height.highest_mm) == pytest.approx((103.5, 105.5))


def test_thirds_are_of_both_lungs_height_so_a_shrunken_lung_has_no_base():
    shrunken = Ellipsoid((68, 0, 60), (45, 60, 50))
    result = measure(*vars(chest(lungs=(RIGHT_LUNG, shrunken), lesions=())).values())
    assert result.regions["left_basal"].lung_ml == 0
    assert result.missing["left_basal_lesion_proportion_pct"] == "no-lung"
    assert result.severity.zone_grades_0_4["left_basal"] is None
    assert result.missing["six_zone_score_0_24"] == "zone-without-lung"


def test_thirds_of_a_block_hold_a_third_each():
    grid = VolumeGeometry.from_axes((9, 20, 20), (2.0, 1.0, 1.0))
    volume = CTVolume(np.full(grid.shape, -850, np.int16), grid)
    regions = measure(volume, LabelMap(np.ones(grid.shape, np.uint8), grid)).regions
    assert {round(regions[name].lung_ml, 9) for name in ("apical", "middle", "basal")} == {2.4}


# --- severity -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lesion_pct", "grade"),
    [(0.0, 0), (0.1, 1), (24.99, 1), (25.0, 2), (49.99, 2), (50.0, 3), (74.99, 3), (75.0, 4), (100.0, 4)],
)
def test_a_zone_is_graded_by_the_part_involved(lesion_pct, grade):
    zone = RegionMeasure(lung_ml=500, lesion_ml=5 * lesion_pct, lesion_proportion_pct=lesion_pct)
    assert zone_grade(zone, minimum_lesion_ml=0.1) == grade


def test_a_speck_does_not_involve_a_zone_unless_asked_to():
    zone = RegionMeasure(lung_ml=500, lesion_ml=0.05, lesion_proportion_pct=0.01)
    assert zone_grade(zone, minimum_lesion_ml=0.1) == 0
    assert zone_grade(zone, minimum_lesion_ml=0.0) == 1


def test_the_score_sums_six_zones_up_to_24():
    full = RegionMeasure(lung_ml=500, lesion_ml=500, lesion_proportion_pct=100.0)
    half = RegionMeasure(lung_ml=500, lesion_ml=250, lesion_proportion_pct=50.0)
    assert severity_score(dict.fromkeys(ZONES, full), 0.1).six_zone_score_0_24 == 24
    mixed = dict.fromkeys(ZONES, full) | {"left_basal": half}
    assert severity_score(mixed, 0.1).six_zone_score_0_24 == 23


def test_a_zone_without_lung_leaves_no_score():
    full = RegionMeasure(lung_ml=500, lesion_ml=500, lesion_proportion_pct=100.0)
    score = severity_score(dict.fromkeys(ZONES, full) | {"right_apical": RegionMeasure()}, 0.1)
    assert score.six_zone_score_0_24 is None
    assert score.missing == {"six_zone_score_0_24": "zone-without-lung", "right_apical_grade_0_4": "no-lung"}


def test_a_scan_with_half_of_every_zone_involved_scores_18():
    everything = Ellipsoid((0, 4000, 0), (1e6, 4006, 1e6))  # a little more than the back half of both lungs
    scan = chest(lesions=((everything, Label.NON_SOLID),))
    result = measure(scan.volume, scan.label_map)
    assert result.severity.six_zone_score_0_24 == 18


# --- pieces ---------------------------------------------------------------------------------------------


def test_pieces_that_touch_at_a_corner_are_one():
    mask = np.zeros((6, 6, 6), bool)
    mask[0, 0, 0] = mask[1, 1, 1] = mask[4, 4, 4] = True
    found = lesion_components(mask, voxel_ml=0.5, minimum_ml=0.0)
    assert (found.lesion_component_count, found.largest_lesion_component_ml) == (2, 1.0)


def test_pieces_below_the_smallest_size_are_not_counted():
    mask = np.zeros((6, 6, 6), bool)
    mask[0, 0, 0] = mask[1, 1, 1] = mask[4, 4, 4] = True
    assert lesion_components(mask, voxel_ml=0.5, minimum_ml=1.0).lesion_component_count == 1
    found = lesion_components(mask, voxel_ml=0.5, minimum_ml=2.0)
    assert (found.lesion_component_count, found.largest_lesion_component_ml) == (0, 1.0)


# --- density --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_percentiles_and_mean_are_those_of_numpy(kind):
    values = np.random.default_rng(3).normal(-700, 150, 5001).astype(kind)
    found = hu_statistics(values)
    expected = np.percentile(values.astype(np.float64), [5, 25, 50, 75, 95])
    assert [found.p05_hu, found.p25_hu, found.p50_hu, found.p75_hu, found.p95_hu] == pytest.approx(expected)
    assert found.mean_hu == pytest.approx(values.astype(np.float64).mean())


@pytest.mark.parametrize(("hu", "grams"), [(-1000, 0.0), (0, 1.0), (-500, 0.5), (50, 1.05), (-1024, 0.0)])
def test_a_millilitre_weighs_what_its_density_says(hu, grams):
    assert mass_g(np.full(1000, hu, np.int16), voxel_ml=0.001) == pytest.approx(grams)


# --- the threshold figure -------------------------------------------------------------------------------


def subpleural(pixel_mm: float, lesion_hu: int = -600) -> tuple[CTVolume, LabelMap]:
    """Ground glass 3 mm deep under a chest wall of 40 HU, with lung behind it."""
    across = round(30 / pixel_mm)
    grid = VolumeGeometry.from_axes((4, across, across), (2.0, pixel_mm, pixel_mm))
    depth_mm = (np.arange(across) + 0.5)[:, None] * pixel_mm * np.ones(across)
    plane = np.where(depth_mm < 10, 40, np.where(depth_mm < 13, lesion_hu, -850)).astype(np.int16)
    labels = np.where(depth_mm < 10, 0, np.where(depth_mm < 13, 2, 1)).astype(np.uint8)
    return (
        CTVolume(np.broadcast_to(plane, grid.shape).copy(), grid),
        LabelMap(np.broadcast_to(labels, grid.shape).copy(), grid),
    )


@pytest.mark.parametrize("sigma_mm", [0.0, 1.0, 2.0])
def test_the_chest_wall_does_not_lift_ground_glass_over_the_threshold(sigma_mm):
    result = measure(*subpleural(0.5), MeasurementSettings(smoothing_sigma_mm=sigma_mm))
    assert result.whole.lesion_ml > 0
    assert result.dense_lesion.dense_lesion_ml == 0


def test_the_threshold_itself_counts_as_dense():
    result = measure(*subpleural(0.5, lesion_hu=-300), MeasurementSettings(smoothing_sigma_mm=0))
    assert result.dense_lesion.dense_lesion_ml == pytest.approx(result.whole.lesion_ml)
    assert result.dense_lesion.dense_lesion_proportion_pct == result.whole.lesion_proportion_pct


def test_smoothing_is_in_millimetres_so_the_pixel_spacing_does_not_matter():
    depths_mm = []
    for pixel_mm in (0.2, 0.25, 0.5):
        result = measure(*subpleural(pixel_mm), MeasurementSettings(threshold_hu=-630))
        depths_mm.append(3 * result.dense_lesion.dense_lesion_ml / result.whole.lesion_ml)
    assert min(depths_mm) > 1.0
    assert max(depths_mm) < 2.5
    assert max(depths_mm) - min(depths_mm) <= 0.5


def test_smoothing_takes_noise_away_before_the_threshold():
    volume, labels = subpleural(0.5)
    noise = np.random.default_rng(0).normal(0, 150, volume.hu.shape)
    noisy = CTVolume((volume.hu + noise).astype(np.float32), volume.geometry)
    raw = measure(noisy, labels, MeasurementSettings(smoothing_sigma_mm=0))
    smooth = measure(noisy, labels)
    assert raw.dense_lesion.dense_lesion_ml > 0.01 * raw.whole.lesion_ml
    assert smooth.dense_lesion.dense_lesion_ml < 0.1 * raw.dense_lesion.dense_lesion_ml


def test_no_lesion_has_nothing_dense():
    scan = chest(lungs=(RIGHT_LUNG, LEFT_LUNG), lesions=())
    assert measure(scan.volume, scan.label_map).dense_lesion.dense_lesion_ml == 0
    assert scan.volume.geometry == GRID
