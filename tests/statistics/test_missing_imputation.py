from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lesionseg.core.errors import ConfigurationError, InputError
from lesionseg.statistics.missing.draws import ImputationPlan, impute
from lesionseg.statistics.missing.imputation import multiple_imputation, pool
from lesionseg.statistics.models.ancova import ancova
from lesionseg.statistics.rank.rank_sum import rank_sum
from lesionseg.statistics.wald import WaldEffect
from tests.statistics.missing_trial import figures, missing_trial

PLAN = ImputationPlan(("day 10",), ("age", "severity"), imputations=8, seed=20201, lowest=-100.0)
NOTHING = (None, None, None, None)


# --- draws ----------------------------------------------------------------------------------------------


def test_observed_cells_stay_and_gaps_are_filled():
    table = missing_trial()
    imputed = impute(table, PLAN)
    assert len(imputed.tables) == 8
    for one in imputed.tables:
        for name in ("value", "day 10"):
            seen = table[name].notna()
            assert (one[name][seen] == table[name][seen]).all()
            assert one[name].notna().all()
    assert (imputed.drawn == table["value"].isna()).all()


def test_same_seed_gives_the_same_draws_and_another_seed_others():
    table = missing_trial()
    first, again = impute(table, PLAN), impute(table, PLAN)
    other = impute(table, ImputationPlan(("day 10",), (), 8, seed=1))
    assert all(a.equals(b) for a, b in zip(first.tables, again.tables, strict=True))
    assert not first.tables[0].equals(other.tables[0])
    assert not first.tables[0].equals(first.tables[1])


def test_draws_do_not_fall_below_the_lowest():
    values = np.concatenate(
        [one["value"] for one in impute(missing_trial(effect=-60), ImputationPlan(lowest=-100.0)).tables]
    )
    assert values.min() == -100.0
    unbounded = impute(missing_trial(effect=-60), ImputationPlan())
    assert min(one["value"].min() for one in unbounded.tables) < -100.0


def test_matching_fills_in_values_that_were_seen_in_the_same_arm():
    table = missing_trial()
    imputed = impute(table, replace(PLAN, method="matching"))
    for one in imputed.tables:
        for treated in (True, False):
            arm = table["treated"] == treated
            seen = set(table["value"][arm].dropna())
            assert set(one["value"][arm]) <= seen


def test_matching_follows_the_regression_and_keeps_the_spread_around_it():
    random = np.random.default_rng(1)
    baseline = random.uniform(0, 20, 2000)
    table = pd.DataFrame({"baseline": baseline, "treated": np.arange(2000) % 2 == 0})
    table["value"] = 2 * baseline + random.exponential(3, 2000)
    table.loc[:299, "value"] = np.nan
    one, _ = impute(table, ImputationPlan(imputations=2, method="matching")).tables
    rest = (one["value"] - 2 * baseline)[:300]
    assert rest.mean() == pytest.approx(3, abs=0.6)
    assert rest.std() == pytest.approx(3, rel=0.2)
    assert rest.skew() > 1


def test_matching_without_a_predictor_draws_from_everybody():
    """All fitted values are equal: no subject may be preferred for its place in the table."""
    table = pd.DataFrame({"value": [*range(40), np.nan], "baseline": 1.0, "treated": True})
    table = pd.concat([table, table.assign(treated=False)], ignore_index=True)
    drawn = [one["value"][40] for one in impute(table, ImputationPlan((), (), 400, method="matching")).tables]
    assert len(set(drawn)) == 40
    assert np.mean(drawn) == pytest.approx(19.5, abs=2)


def test_draws_have_the_mean_and_spread_that_the_regression_predicts():
    """Large arm, one predictor: a gap at baseline b is drawn from N(2 b, 3)."""
    random = np.random.default_rng(1)
    baseline = random.uniform(0, 20, 2000)
    table = pd.DataFrame({"baseline": baseline, "treated": np.arange(2000) % 2 == 0})
    table["value"] = 2 * baseline + random.normal(0, 3, 2000)
    table.loc[:1, "value"] = np.nan
    drawn = np.array([one["value"][:2] for one in impute(table, ImputationPlan(imputations=400)).tables])
    assert drawn.mean(axis=0) == pytest.approx(2 * baseline[:2], abs=0.7)
    assert drawn.std(axis=0) == pytest.approx([3, 3], rel=0.15)


def test_arms_are_imputed_apart():
    """Baseline works in opposite directions in the two arms, and the draws follow."""
    random = np.random.default_rng(2)
    treated = np.arange(400) % 2 == 0
    baseline = random.normal(0, 10, 400)
    value = np.where(treated, baseline, -baseline) + random.normal(0, 0.1, 400)
    table = pd.DataFrame({"value": value, "baseline": baseline, "treated": treated})
    gaps = table.assign(value=table["value"].mask(np.arange(400) < 40))
    for one in impute(gaps, ImputationPlan(imputations=2)).tables:
        assert np.abs(one["value"] - value).max() < 1


def test_missing_baselines_and_numeric_covariates_are_filled_too():
    table = missing_trial()
    table.loc[:3, "baseline"] = np.nan
    table.loc[2:5, "age"] = np.nan
    for one in impute(table, PLAN).tables:
        assert one[["baseline", "age"]].notna().all(axis=None)


def test_text_covariate_with_gaps_is_not_used_and_told():
    table = missing_trial()
    table.loc[0, "severity"] = None
    imputed = impute(table, PLAN)
    assert imputed.notes == ("covariate severity not used to impute: missing in some subjects",)


def test_visit_hardly_ever_seen_is_not_used_and_told():
    table = missing_trial()
    table.loc[1:, "day 10"] = np.nan
    imputed = impute(table, PLAN)
    assert "control: day 10 not used to impute: hardly ever observed" in imputed.notes
    assert all(one["value"].notna().all() for one in imputed.tables)


def test_small_arm_uses_fewer_predictors_and_tells():
    table = missing_trial(20)
    imputed = impute(table, PLAN)
    assert any("predictors used to impute: few values observed" in note for note in imputed.notes)
    assert all(np.isfinite(one["value"]).all() for one in imputed.tables)


@pytest.mark.parametrize("options", [{"imputations": 1}, {"seed": -1}])
def test_impossible_plan_is_refused(options):
    with pytest.raises(ConfigurationError):
        ImputationPlan(**options)


def test_column_of_the_plan_that_is_missing_is_named():
    with pytest.raises(InputError, match="day 90"):
        impute(missing_trial(), ImputationPlan(("day 90",)))


# --- pooling --------------------------------------------------------------------------------------------


def test_pooling_is_rubins():
    """By hand: mean 2, within 1, between 4/3 * 1, total 7/3; degrees by Barnard and Rubin with 50."""
    pooled, share = pool([WaldEffect(value, 1.0, 50.0) for value in (1.0, 2.0, 3.0)])
    assert pooled.effect == 2
    assert pooled.standard_error**2 == pytest.approx(7 / 3)
    assert share == pytest.approx(4 / 7)
    assert pooled.degrees_of_freedom == pytest.approx(1 / ((4 / 7) ** 2 / 2 + 53 / (51 * 50 * 3 / 7)))


@pytest.mark.parametrize("analysis", ["rank-sum", "ancova"])
def test_imputation_uses_the_other_visit_against_selective_dropout(analysis):
    """Treated subjects who do badly at day 10 leave: complete cases flatter the treatment."""
    table = missing_trial(600, effect=-10, missing=0.0)
    truth = ancova(table).effect
    gone = table["treated"] & (table["day 10"] > table["day 10"].median())
    table["value"] = table["value"].mask(gone)
    complete = ancova(table)
    found = multiple_imputation(table, PLAN, analysis=analysis)
    assert complete.effect < truth - 3
    assert abs(found.effect - truth) < 3
    assert (found.n_treatment, found.n_control) == (400, 200)


def test_missing_values_widen_the_interval():
    table = missing_trial(90, missing=0.0)
    gaps = table.assign(value=table["value"].mask(np.arange(90) % 2 == 0))
    whole, found = multiple_imputation(table, PLAN), multiple_imputation(gaps, PLAN)
    assert found.high - found.low > whole.high - whole.low
    assert "imputed: 30 of 60 treatment and 15 of 30 control values, 8 times" in found.notes[0]
    assert "% of the variance comes from the missing values" in found.notes[-1]


def test_nothing_missing_is_the_analysis_itself():
    table = missing_trial(missing=0.0)
    arms = table["value"][table["treated"]].to_numpy(), table["value"][~table["treated"]].to_numpy()
    assert figures(multiple_imputation(table, PLAN)) == figures(rank_sum(*arms))
    adjusted = multiple_imputation(table, PLAN, analysis="ancova", adjust_for=["age"])
    assert figures(adjusted) == figures(ancova(table, ["age"]))
    assert "nothing was missing" in adjusted.notes[-1]


def test_one_sided_p_value_is_half_and_its_interval_open():
    table = missing_trial()
    both = multiple_imputation(table, PLAN, alpha=0.1)
    less = multiple_imputation(table, PLAN, alpha=0.05, alternative="less")
    assert less.low is None
    assert (less.high, less.p_value) == pytest.approx((both.high, both.p_value / 2))


def test_arm_with_hardly_any_value_gives_no_figures():
    table = missing_trial()
    table["value"] = table["value"].mask(~table["treated"])
    found = multiple_imputation(table, PLAN)
    assert figures(found) == NOTHING
    assert "control: 0 values observed, too few to impute from" in found.notes


@pytest.mark.parametrize("analysis", ["rank-sum", "ancova"])
def test_arm_without_subjects_gives_no_figures(analysis):
    table = missing_trial()
    found = multiple_imputation(table[table["treated"]], PLAN, analysis=analysis)
    assert figures(found) == NOTHING
    assert found.notes


@pytest.mark.parametrize("analysis", ["rank-sum", "ancova"])
def test_constant_arms_give_no_figures(analysis):
    table = missing_trial()
    constant = table.assign(value=table["value"].where(table["value"].isna(), -50.0 - 10 * table["treated"]))
    found = multiple_imputation(constant, PLAN, analysis=analysis)
    assert found.p_value is None
    assert found.notes


def test_unknown_analysis_is_refused():
    with pytest.raises(ConfigurationError):
        multiple_imputation(missing_trial(), PLAN, analysis="median")
