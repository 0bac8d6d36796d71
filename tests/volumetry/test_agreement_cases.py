"""A label map against its reference: labels of all kinds, grids, empty regions, and the pooled figures."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lesionseg.core.errors import ConfigurationError, GeometryError, MeasurementError
from lesionseg.volume import LabelMap, VolumeGeometry
from lesionseg.volumetry.agreement import (
    REGIONS,
    ComparisonSettings,
    RegionAgreement,
    RegionLabels,
    Resampling,
    compare_label_maps,
    pool,
)
from lesionseg.volumetry.agreement.labels import ANY_VALUES

SPACING_MM = (5.0, 2.0, 1.0)
QUICK = Resampling(resamples=20)
EVERY_PAIR = arrays(np.uint8, st.tuples(st.just(2), *[st.integers(1, 4)] * 3), elements=st.integers(0, 3))


def label_map(labels: object, origin_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> LabelMap:
    array = np.asarray(labels, np.uint8)
    return LabelMap(array, VolumeGeometry.from_axes(array.shape, SPACING_MM, origin_mm), ANY_VALUES)


def row(*values: int) -> LabelMap:
    """One row of voxels of 0.01 ml each."""
    return label_map([[list(values)]])


def compare(prediction: LabelMap, reference: LabelMap, **how: object) -> dict[str, RegionAgreement]:
    found = compare_label_maps(prediction, reference, ComparisonSettings(**how), "P001")
    return {each.region: each for each in found}


def test_regions_nest_volumes_count_voxels_and_proportions_are_of_the_own_lung() -> None:
    found = compare(row(1, 1, 1, 2, 3, 0, 0, 0), row(1, 1, 2, 2, 3, 0, 0, 0))
    assert list(found) == list(REGIONS)
    lesion = found["lesion"]
    assert (lesion.prediction_ml, lesion.reference_ml) == pytest.approx((0.02, 0.03))
    assert lesion.error_ml == pytest.approx(-0.01)
    assert lesion.error_pct == pytest.approx(-100 / 3)
    assert lesion.dice == pytest.approx(2 * 2 / 5)
    assert (lesion.prediction_proportion_pct, lesion.reference_proportion_pct) == pytest.approx((40, 60))
    assert lesion.proportion_error_points == pytest.approx(-20)
    assert found["solid"].dice == found["lung"].dice == found["lung"].surface_dice == 1
    assert found["non_solid"].dice == pytest.approx(2 / 3)
    assert lesion.missing == {}
    assert found["lung"].missing["proportion_error_points"] == "is-the-lung"


def test_empty_regions_follow_the_written_rule() -> None:
    found = compare(row(1, 1, 3, 0), row(1, 2, 1, 0))
    solid, non_solid = found["solid"], found["non_solid"]
    assert (solid.empty, solid.dice, solid.surface_dice) == ("reference-empty", 0, 0)
    assert (solid.error_pct, solid.missing["error_pct"]) == (None, "reference-empty")
    assert (solid.prediction_ml, solid.reference_ml) == pytest.approx((0.01, 0))
    assert (non_solid.empty, non_solid.dice, non_solid.error_pct) == ("prediction-empty", 0, -100)
    both = compare(row(1, 1), row(1, 1))["lesion"]
    assert (both.empty, both.dice, both.surface_dice, both.error_ml) == ("both-empty", 1, 1, 0)
    assert (both.error_pct, both.missing) == (None, {"error_pct": "both-empty"})
    assert both.proportion_error_points == 0
    nothing = compare(row(0, 0), row(0, 0))["lesion"]
    assert nothing.missing["proportion_error_points"] == "no-lung"


def test_binary_lesion_masks_are_compared_as_lesion_alone() -> None:
    found = compare(row(1, 2, 3, 0), row(0, 1, 1, 0), reference_labels=RegionLabels.parse("lesion=1"))
    assert list(found) == ["lesion"]
    assert found["lesion"].dice == 1
    assert found["lesion"].missing["reference_proportion_pct"] == "lung-not-compared"


def test_lungs_of_two_values_and_a_value_to_leave_out() -> None:
    labels = RegionLabels.parse("lung=1+2, lesion=3, background=9")
    assert labels.regions == ("lung", "lesion")
    found = compare(row(1, 1, 2, 0, 1), row(1, 2, 3, 9, 1), reference_labels=labels)
    assert found["lung"].dice == found["lesion"].dice == 1
    assert RegionLabels.parse(str(labels)) == labels


def test_lungs_enter_the_proportion_where_only_lesions_are_reported() -> None:
    found = compare(row(1, 2), row(1, 2), regions=("lesion",))
    assert list(found) == ["lesion"]
    assert found["lesion"].reference_proportion_pct == 50


@pytest.mark.parametrize(
    "text", ["", "lung", "lung=", "lung=x", "lung=1,lung=2", "lobe=1", "lung=1,solid=1", "lung=0", "lung=256",
             "lung=-1", "background=3", "lung=²"]
)  # fmt: skip
def test_label_values_that_make_no_sense_are_refused(text) -> None:
    with pytest.raises(ConfigurationError):
        RegionLabels.parse(text)


def test_values_that_stand_for_nothing_are_refused_by_name() -> None:
    with pytest.raises(MeasurementError, match=r"P001, reference.*found 4, 7\)"):
        compare(row(1, 1, 1), row(1, 4, 7))


def test_lesion_without_lung_around_it_is_refused_unless_the_lungs_are_said_to_be_absent() -> None:
    with pytest.raises(MeasurementError, match="--reference-labels non_solid=2,solid=3"):
        compare(row(1, 2, 3), row(0, 2, 3))
    found = compare(row(1, 2, 3), row(0, 2, 3), reference_labels=RegionLabels.parse("non_solid=2,solid=3"))
    assert found["lesion"].dice == 1


@pytest.mark.parametrize("how", [{"regions": ("lobe",)}, {"tolerance_mm": -1.0}, {"tolerance_mm": math.nan}])
def test_settings_that_make_no_sense_are_refused(how) -> None:
    with pytest.raises(ConfigurationError):
        ComparisonSettings(**how)


def test_regions_that_the_reference_does_not_tell_are_refused_before_any_work() -> None:
    with pytest.raises(ConfigurationError, match="expected lesion; found solid"):
        ComparisonSettings(reference_labels=RegionLabels.parse("lesion=1"), regions=("solid",))


def test_references_on_other_grids_are_refused_with_the_case_and_the_difference() -> None:
    labels = np.zeros((3, 4, 5), np.uint8)
    ours = label_map(labels)
    flipped = np.array(ours.geometry.affine)
    flipped[:3, 3] += flipped[:3, 1] * 3
    flipped[:3, 1] *= -1
    mirrored = np.array(ours.geometry.affine)
    mirrored[0] *= -1
    for geometry, words in (
        (VolumeGeometry(labels.shape, flipped), "same grid along other axes"),
        (VolumeGeometry(labels.shape, mirrored), "different places.*8.0 mm apart"),
        (label_map(labels, (0, 0, 0.3)).geometry, "different places.*0.3 mm apart"),
        (VolumeGeometry.from_axes(labels.shape, (5.0, 2.0, 1.1)), "different places"),
    ):
        with pytest.raises(GeometryError, match=rf"P001: .*{words}") as refusal:
            compare(ours, LabelMap(labels, geometry, ANY_VALUES))
        assert refusal.value.remedy
    with pytest.raises(GeometryError, match="another shape"):
        compare(ours, label_map(labels[1:]))


def test_rounding_of_the_grid_is_tolerated() -> None:
    labels = np.ones((3, 4, 5), np.uint8)
    assert compare(label_map(labels), label_map(labels, (0.02, 0, 0)))["lung"].dice == 1


def test_pooled_mean_leaves_out_cases_that_are_empty_in_both_where_it_says_so() -> None:
    cases = [
        compare_label_maps(row(1, 2), row(1, 2), ComparisonSettings()),
        compare_label_maps(row(1, 2, 2, 1), row(1, 2, 1, 2), ComparisonSettings()),
        compare_label_maps(row(1, 1), row(1, 1), ComparisonSettings()),
    ]
    found = {(each.region, each.measure, each.statistic): each for each in pool(cases, QUICK)}
    assert found["lesion", "dice", "mean"].estimate.value == pytest.approx((1 + 0.5 + 1) / 3)
    assert found["lesion", "dice", "mean_non_empty"].estimate.value == pytest.approx(0.75)
    assert found["lesion", "dice", "mean_non_empty"].cases == 2
    assert found["lesion", "error_pct", "median"].cases == 2
    solid = found["solid", "dice", "mean_non_empty"]
    assert (solid.cases, solid.estimate.value, solid.estimate.reason) == (0, None, "no-cases")
    bias = found["lesion", "volume_ml", "bias"]
    assert (bias.cases, bias.estimate.value) == (3, 0)


def test_one_case_has_values_without_intervals_and_no_correlation() -> None:
    case = compare_label_maps(row(1, 2), row(1, 2), ComparisonSettings())
    found = {(each.region, each.measure, each.statistic): each.estimate for each in pool([case], QUICK)}
    mean = found["lesion", "dice", "mean"]
    assert (mean.value, mean.low, mean.reason) == (1, None, "too-few-cases")
    assert found["lesion", "volume_ml", "icc_agreement"].reason == "too-few-cases"
    assert pool([]) == ()


@settings(max_examples=25)
@given(st.lists(EVERY_PAIR, min_size=1, max_size=4))
def test_no_output_is_ever_infinite_or_not_a_number(pairs) -> None:
    labels = RegionLabels.parse("lung=1,non_solid=2,solid=3")
    cases = []
    for pair in pairs:
        reference = pair[1] if (pair[1] == 1).any() else np.zeros_like(pair[1])
        how = ComparisonSettings(reference_labels=labels)
        cases.append(compare_label_maps(label_map(pair[0]), label_map(reference), how))
    rows = [each.as_row() for case in cases for each in case]
    pooled = [each.as_row() for each in pool(cases, QUICK)]
    json.dumps([*rows, *pooled], allow_nan=False)
    for each in rows:
        reasons = {part.partition("=")[0] for part in each["missing"].split("; ") if part}
        assert {name for name, value in each.items() if value is None} == reasons
    for each in pooled:
        without_interval = each["low"] is None
        assert not without_interval or each["missing"] or each["statistic"] == "concordance"
