import numpy as np
import pytest

from lesionseg.core.errors import ConfigurationError
from lesionseg.statistics.missing.draws import ImputationPlan
from lesionseg.statistics.missing.imputation import multiple_imputation
from lesionseg.statistics.missing.tipping_point import tipping_point
from tests.statistics.missing_trial import missing_trial

PLAN = ImputationPlan(("day 10",), imputations=3, seed=7)


def by_shift(found):
    return dict(found.curve)


@pytest.mark.parametrize("analysis", ["rank-sum", "ancova"])
def test_significant_effect_is_lost_at_a_harmful_shift(analysis):
    found = tipping_point(missing_trial(), PLAN, analysis=analysis)
    assert found.shift > 0
    assert by_shift(found)[0.0].p_value < 0.05 <= by_shift(found)[found.shift].p_value < 0.06
    assert "no longer significant" in found.notes[0]


def test_without_a_shift_the_curve_is_the_multiple_imputation():
    found = tipping_point(missing_trial(), PLAN, analysis="ancova")
    assert by_shift(found)[0.0] == multiple_imputation(missing_trial(), PLAN, analysis="ancova")


def test_insignificant_effect_is_reached_at_a_helpful_shift():
    found = tipping_point(missing_trial(effect=-5.0), PLAN, analysis="ancova")
    assert found.shift < 0
    assert by_shift(found)[0.0].p_value > 0.05 > by_shift(found)[found.shift].p_value
    assert found.notes[0].startswith("significant from")


def test_benefit_in_higher_values_tips_downwards():
    found = tipping_point(missing_trial(effect=25.0), PLAN, analysis="ancova")
    assert found.shift < 0
    assert "no longer significant" in found.notes[0]


def test_one_sided_test_tips_against_its_alternative():
    found = tipping_point(missing_trial(), PLAN, analysis="ancova", alternative="less")
    assert found.shift > 0
    assert by_shift(found)[found.shift].p_value >= 0.05


def test_curve_is_sorted_and_its_effects_follow_the_shift():
    curve = tipping_point(missing_trial(), PLAN, analysis="ancova").curve
    shifts = [shift for shift, _ in curve]
    effects = [estimate.effect for _, estimate in curve]
    assert shifts == sorted(set(shifts))
    assert effects == sorted(effects)


def test_few_missing_values_cannot_tip_a_clear_effect():
    table = missing_trial(90, effect=-60, missing=0.0)
    table.loc[1, "value"] = np.nan
    found = tipping_point(table, PLAN)
    assert found.shift is None
    assert "stays so up to a shift of" in found.notes[0]


def test_shifted_values_keep_to_the_lowest():
    table = missing_trial(effect=-5.0)
    bounded = tipping_point(table, ImputationPlan(imputations=3, lowest=-60.0), analysis="ancova")
    free = tipping_point(table, ImputationPlan(imputations=3), analysis="ancova")
    assert min(e.effect for _, e in free.curve) < min(e.effect for _, e in bounded.curve) < 0


def test_without_a_missing_treatment_value_there_is_nothing_to_shift():
    table = missing_trial()
    table["value"] = table["value"].where(~table["treated"] | table["value"].notna(), -50.0)
    found = tipping_point(table, PLAN)
    assert (found.shift, found.curve) == (None, ())
    assert "nothing to shift" in found.notes[0]


def test_arm_that_cannot_be_imputed_has_no_tipping_point_and_says_why():
    table = missing_trial()
    table["value"] = table["value"].mask(~table["treated"])
    found = tipping_point(table, PLAN)
    assert found.shift is None
    assert "too few to impute from" in found.notes[0]


def test_impossible_option_is_refused():
    with pytest.raises(ConfigurationError):
        tipping_point(missing_trial(), PLAN, alpha=2.0)
