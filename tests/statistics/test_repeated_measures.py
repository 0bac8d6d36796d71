import numpy as np
import pandas as pd
import pytest

from lesionseg.core.errors import ConfigurationError, InputError
from lesionseg.statistics.models.ancova import ancova
from lesionseg.statistics.models.repeated_measures import repeated_measures

VISITS = ("day 10", "day 28", "day 90")


def wide_trial(n=40, seed=2):
    random = np.random.default_rng(seed)
    baseline = random.gamma(2, 10, n)
    treated = np.arange(n) % 2 > 0
    own = random.normal(0, 6, n)
    columns = {
        visit: -0.3 * baseline - (3 + 2 * place) * treated + own + random.normal(0, 4 + place, n)
        for place, visit in enumerate(VISITS)
    }
    subjects = [f"s{index:03d}" for index in range(n)]
    return pd.DataFrame({"subject": subjects, "baseline": baseline, "treated": treated, **columns})


def long_trial(n=40, seed=2, missing=0.0):
    wide = wide_trial(n, seed)
    others = [name for name in wide.columns if name not in VISITS]
    table = wide.melt(others, list(VISITS), "visit", "value")
    return table[np.random.default_rng(seed + 1).random(len(table)) >= missing]


def figures(estimate):
    return estimate.effect, estimate.low, estimate.high, estimate.p_value


@pytest.mark.parametrize("visit", VISITS)
def test_complete_visits_and_baseline_by_visit_give_the_ancova_of_the_visit(visit):
    found = repeated_measures(long_trial(), visit=visit, baseline_by_visit=True)
    wide = wide_trial()
    assert figures(found) == pytest.approx(figures(ancova(wide.assign(value=wide[visit]))), rel=1e-9)


def test_single_visit_gives_the_ancova():
    table = long_trial()
    one = table[table["visit"] == "day 28"]
    assert figures(repeated_measures(one, visit="day 28")) == pytest.approx(figures(ancova(one)), rel=1e-9)


@pytest.mark.parametrize("covariance", ["unstructured", "compound-symmetry"])
def test_order_of_the_rows_does_not_matter(covariance):
    table = long_trial(missing=0.2)
    shuffled = table.sample(frac=1, random_state=5)
    found = repeated_measures(table, visit="day 28", covariance=covariance)
    other = repeated_measures(shuffled, visit="day 28", covariance=covariance)
    assert figures(found) == pytest.approx(figures(other), rel=1e-7)


def test_swapping_the_arms_turns_the_sign():
    table = long_trial(missing=0.2)
    found = repeated_measures(table, visit="day 28")
    other = repeated_measures(table.assign(treated=~table["treated"]), visit="day 28")
    assert (found.effect, found.p_value) == pytest.approx((-other.effect, other.p_value), rel=1e-7)


@pytest.mark.parametrize(("factor", "shift"), [(1e-5, 0.0), (1.0, 1e6), (1e4, -3.0)])
def test_units_do_not_matter(factor, shift):
    table = long_trial(missing=0.2)
    found = repeated_measures(table, visit="day 90")
    scaled = repeated_measures(table.assign(value=factor * table["value"] + shift), visit="day 90")
    assert scaled.effect == pytest.approx(factor * found.effect, rel=1e-6)
    assert scaled.p_value == pytest.approx(found.p_value, rel=1e-5)


def test_other_visits_correct_for_selective_dropout():
    """Who does badly under treatment leaves: complete cases flatter the treatment, the model does not."""
    wide = wide_trial(4000, seed=11)
    gone = wide["treated"] & (wide["day 10"] > wide["day 10"].median())
    truth = -5.0
    wide.loc[gone, ["day 28", "day 90"]] = np.nan
    others = ["subject", "baseline", "treated"]
    table = wide.melt(others, list(VISITS), "visit", "value").dropna()
    complete = ancova(wide.assign(value=wide["day 28"]))
    model = repeated_measures(table, visit="day 28")
    assert complete.high < truth
    assert model.low < truth < model.high


def test_subjects_without_the_visit_count_and_are_told():
    table = long_trial()
    table = table[(table["visit"] != "day 28") | (table["subject"] > "s009")]
    found = repeated_measures(table, visit="day 28")
    assert (found.n_treatment, found.n_control) == (20, 20)
    assert "10 subjects without a value at this visit" in found.notes[-1]


def test_gaps_are_left_out_and_counted():
    table = long_trial()
    gaps = table.assign(value=table["value"].mask(table["subject"] == "s001"))
    found = repeated_measures(gaps, visit="day 28")
    assert "3 of 120 rows left out" in found.notes[0]
    assert found.n_treatment == 19


def test_visit_in_one_arm_only_is_left_out_with_a_note():
    table = long_trial()
    alone = table[(table["visit"] != "day 90") | table["treated"]]
    found = repeated_measures(alone, visit="day 28")
    assert figures(found) == pytest.approx(
        figures(repeated_measures(table[table["visit"] != "day 90"], visit="day 28"))
    )
    assert "day 90" in found.notes[0]


@pytest.mark.parametrize("visit", ["day 90", "day 7"])
def test_asked_visit_without_both_arms_gives_no_figures(visit):
    table = long_trial()
    found = repeated_measures(table[(table["visit"] != "day 90") | table["treated"]], visit=visit)
    assert figures(found) == (None, None, None, None)
    assert found.notes


def test_no_rows_give_no_figures():
    found = repeated_measures(long_trial()[:0], visit="day 28")
    assert figures(found) == (None, None, None, None)
    assert found.n_treatment == found.n_control == 0


def test_few_subjects_fall_back_to_compound_symmetry_with_a_note():
    table = long_trial(4)
    found = repeated_measures(table, visit="day 28")
    assert "compound symmetry covariance" in found.method
    assert any("could not be estimated" in note for note in found.notes)
    expected = repeated_measures(table, visit="day 28", covariance="compound-symmetry")
    assert figures(found) == figures(expected)


def test_visits_never_seen_together_fall_back_to_compound_symmetry():
    table = long_trial()
    early = table["subject"] < "s020"
    apart = table[(early & (table["visit"] == "day 10")) | (~early & (table["visit"] == "day 28"))]
    found = repeated_measures(apart, visit="day 28")
    assert any("covariance" in note for note in found.notes)


def test_two_subjects_give_no_figures():
    found = repeated_measures(long_trial(2), visit="day 28")
    assert figures(found) == (None, None, None, None)
    assert found.notes


@pytest.mark.parametrize("level", [0.0, -100.0])
def test_constant_values_give_no_figures(level):
    found = repeated_measures(long_trial().assign(value=level), visit="day 28")
    assert figures(found) == (None, None, None, None)
    assert "without any spread" in found.notes[-1]


def test_constant_arm_at_the_visit_is_compared():
    table = long_trial()
    at = (table["visit"] == "day 28") & table["treated"]
    found = repeated_measures(table.assign(value=table["value"].mask(at, -100.0)), visit="day 28")
    assert all(figure is not None for figure in figures(found))


def test_covariates_numeric_and_text_and_of_one_level():
    table = long_trial(missing=0.1)
    number = table["subject"].str[1:].astype(int)
    table = table.assign(age=30 + number % 7, centre=np.where(number % 3 == 0, "a", "b"), sex="female")
    found = repeated_measures(table, ["age", "centre", "sex"], visit="day 28")
    assert found.p_value is not None
    assert "covariate sex left out" in " ".join(found.notes)
    centre_only = repeated_measures(table, ["centre"], visit="day 28")
    assert found.effect != centre_only.effect


@pytest.mark.parametrize("visit", VISITS)
def test_covariate_that_determines_the_arm_gives_no_figures(visit):
    table = long_trial()
    found = repeated_measures(table.assign(centre=table["treated"].astype(str)), ["centre"], visit=visit)
    assert figures(found) == (None, None, None, None)
    assert "cannot be told" in found.notes[-1]


def test_one_sided_interval_is_open():
    found = repeated_measures(long_trial(), visit="day 28", alternative="less")
    assert found.low is None
    assert found.high == pytest.approx(repeated_measures(long_trial(), visit="day 28", alpha=0.1).high)


def test_second_row_for_a_visit_is_refused_by_name():
    table = long_trial()
    with pytest.raises(InputError, match=r"s000 has more than one row for visit day 10"):
        repeated_measures(pd.concat([table, table[:1]]), visit="day 28")


@pytest.mark.parametrize("column", ["baseline", "treated", "age"])
def test_subject_with_two_arms_baselines_or_ages_is_refused(column):
    table = long_trial().assign(age=50.0).reset_index(drop=True)
    table.loc[0, column] = not table.loc[0, "treated"] if column == "treated" else 99.0
    with pytest.raises(InputError, match=f"s000 has more than one {column}"):
        repeated_measures(table, ["age"], visit="day 28")


def test_unknown_covariance_is_refused():
    with pytest.raises(ConfigurationError):
        repeated_measures(long_trial(), visit="day 28", covariance="banded")


@pytest.mark.parametrize("seed", [24, 180, 186])
def test_handful_of_subjects_gives_a_note_and_no_nan(seed):
    rng = np.random.default_rng(seed)
    rows = []
    arms = ((True, int(rng.integers(1, 4))), (False, int(rng.integers(1, 4))))
    for treated, subjects in arms:
        for number in range(subjects):
            baseline = rng.normal(20, 5)
            seen = VISITS[: int(rng.integers(1, 4))]
            rows += [(f"{treated}{number}", visit, rng.normal(), baseline, treated) for visit in seen]
    table = pd.DataFrame(rows, columns=["subject", "visit", "value", "baseline", "treated"])
    estimate = repeated_measures(table, visit="day 28")
    assert (estimate.effect, estimate.low, estimate.p_value) == (None, None, None)
    assert any("too few subjects" in note for note in estimate.notes)
