import numpy as np
import pandas as pd
import pytest

from lesionseg.core.errors import ConfigurationError, InputError
from lesionseg.statistics.models.ancova import ancova, ancova_log_ratio


def trial(n=30, effect=-8.0, seed=1):
    random = np.random.default_rng(seed)
    baseline = random.gamma(2, 10, n) + 1
    treated = np.arange(n) % 3 > 0
    value = 5 - 0.5 * baseline + effect * treated + random.normal(0, 4, n)
    return pd.DataFrame({"value": value, "baseline": baseline, "treated": treated})


def figures(estimate):
    return estimate.effect, estimate.low, estimate.high, estimate.p_value


def test_rows_with_gaps_are_left_out_and_counted():
    table = trial().assign(age=50.0)
    table["age"] = np.arange(30.0)
    whole = ancova(table[5:], ["age"])
    table.loc[:2, "value"] = np.nan
    table.loc[3:4, "age"] = np.nan
    found = ancova(table, ["age"])
    assert figures(found) == figures(whole)
    assert "5 of 30 rows left out" in found.notes[0]
    assert found.n_treatment + found.n_control == 25


def test_baseline_imbalance_is_adjusted_for():
    table = trial(200, effect=0.0)
    table["baseline"] += 20 * table["treated"]
    table["value"] = -0.5 * table["baseline"] + np.random.default_rng(3).normal(0, 1, 200)
    crude = table[table.treated]["value"].mean() - table[~table.treated]["value"].mean()
    assert crude < -8
    assert abs(ancova(table).effect) < 1


@pytest.mark.parametrize("change", [1.0, 1e-6, 1e9])
def test_units_of_value_and_baseline_do_not_matter(change):
    table = trial()
    scaled = table.assign(value=table["value"] * change, baseline=(table["baseline"] + 7) / change)
    assert ancova(scaled).effect == pytest.approx(ancova(table).effect * change, rel=1e-9)
    assert ancova(scaled).p_value == pytest.approx(ancova(table).p_value, rel=1e-8)


def test_text_covariate_gives_the_effect_within_its_levels():
    table = trial(60)
    table["centre"] = np.where(np.arange(60) < 30, "north", "south")
    table["value"] += 1000.0 * (table["centre"] == "north")
    assert abs(ancova(table, ["centre"]).effect + 8) < 4


def test_covariate_of_one_level_is_left_out_with_a_note():
    table = trial().assign(sex="female", height=170.0)
    found = ancova(table, ["sex", "height"])
    assert figures(found) == figures(ancova(table))
    assert found.notes == (
        "covariate sex left out: one value only",
        "covariate height left out: one value only",
    )


def test_constant_baseline_is_said():
    found = ancova(trial().assign(baseline=12.0))
    assert found.p_value is not None
    assert "baseline is the same in all subjects" in found.notes[0]


def test_covariate_that_determines_the_arm_gives_no_figures():
    table = trial()
    table["centre"] = np.where(table["treated"], "a", "b")
    found = ancova(table, ["centre"])
    assert figures(found) == (None, None, None, None)
    assert "singular" in found.notes[-1]
    assert (found.n_treatment, found.n_control) == (20, 10)


@pytest.mark.parametrize("arm", [True, False])
def test_arm_without_subjects_gives_no_figures(arm):
    table = trial()
    table.loc[table["treated"] == arm, "value"] = np.nan
    found = ancova(table)
    assert figures(found) == (None, None, None, None)
    assert "an arm has no subject" in found.notes[-1]


def test_no_rows_at_all_give_no_figures():
    found = ancova(trial()[:0])
    assert figures(found) == (None, None, None, None)
    assert found.n_treatment == found.n_control == 0


def test_as_many_coefficients_as_subjects_give_no_figures():
    found = ancova(trial(3))
    assert figures(found) == (None, None, None, None)
    assert "too few" in found.notes[-1]


def test_constant_arm_is_compared():
    table = trial()
    table.loc[table["treated"], "value"] = -100.0
    assert all(figure is not None for figure in figures(ancova(table)))


@pytest.mark.parametrize("level", [0.0, 37.5, -1e8])
def test_constant_arms_have_an_effect_but_no_p_value(level):
    table = trial()
    table["value"] = level - 8.0 * table["treated"]
    found = ancova(table)
    assert found.effect == pytest.approx(-8.0, rel=1e-6)
    assert figures(found)[1:] == (None, None, None)
    assert "without any spread" in found.notes[-1]


def test_missing_column_is_named():
    with pytest.raises(InputError, match="age"):
        ancova(trial(), ["age"])


def test_text_for_numbers_is_refused():
    with pytest.raises(InputError, match="value is not numeric"):
        ancova(trial().assign(value="12,5"))


def test_infinite_value_is_refused():
    table = trial()
    table.loc[4, "value"] = np.inf
    with pytest.raises(InputError, match="infinite"):
        ancova(table)


def test_arm_in_words_is_refused():
    with pytest.raises(InputError, match="treated"):
        ancova(trial().assign(treated="placebo"))


@pytest.mark.parametrize("options", [{"alpha": 0.0}, {"alpha": 1.5}, {"alternative": "smaller"}])
def test_impossible_option_is_refused(options):
    with pytest.raises(ConfigurationError):
        ancova(trial(), **options)


# --- log ratio ------------------------------------------------------------------------------------------


def ratios(n=40):
    table = trial(n)
    random = np.random.default_rng(9)
    factor = np.where(table["treated"], 0.4, 0.8) * np.exp(random.normal(0, 0.1, n))
    return table.assign(follow_up=table["baseline"] * factor)[["follow_up", "baseline", "treated"]]


def test_halved_ratio_is_minus_fifty_per_cent():
    found = ancova_log_ratio(ratios(400))
    assert found.low < -50 < found.high
    assert abs(found.effect + 50) < 2


def test_baseline_of_zero_is_left_out_with_a_note():
    table = ratios()
    table.loc[3, "baseline"] = 0.0
    found = ancova_log_ratio(table)
    assert figures(found) == figures(ancova_log_ratio(table.drop(index=3)))
    assert "1 subjects left out: a baseline of 0" in found.notes[0]


def test_follow_up_of_zero_counts_as_half_of_the_smallest():
    table = ratios()
    table.loc[[4, 7], "follow_up"] = 0.0
    half = table["follow_up"][table["follow_up"] > 0].min() / 2
    found = ancova_log_ratio(table)
    assert figures(found) == figures(ancova_log_ratio(table.replace({"follow_up": {0.0: half}})))
    assert "2 follow-up values of 0 counted as" in found.notes[0]


def test_follow_up_of_zero_counts_as_the_figure_given_in_whole_numbers_too():
    table = ratios().round().astype({"follow_up": int, "baseline": int})
    table.loc[4, "follow_up"] = 0
    found = ancova_log_ratio(table, zero_stands_for=0.25)
    assert "counted as 0.25" in found.notes[0]
    assert found.p_value is not None


def test_follow_up_of_zero_everywhere_gives_no_figures():
    found = ancova_log_ratio(ratios().assign(follow_up=0.0))
    assert figures(found) == (None, None, None, None)
    assert "every follow-up is 0" in found.notes[0]


def test_negative_values_have_no_log_ratio():
    table = ratios()
    table.loc[0, "follow_up"] = -1.0
    found = ancova_log_ratio(table)
    assert figures(found) == (None, None, None, None)
    assert "negative" in found.notes[-1]


def test_stand_in_for_zero_must_be_above_zero():
    with pytest.raises(ConfigurationError):
        ancova_log_ratio(ratios(), zero_stands_for=0.0)
