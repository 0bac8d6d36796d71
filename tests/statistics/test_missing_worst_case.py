import numpy as np
import pandas as pd
import pytest

from lesionseg.core.errors import ConfigurationError, InputError
from lesionseg.statistics.missing.worst_case import worst_case
from lesionseg.statistics.rank.rank_sum import rank_sum
from tests.statistics.missing_trial import figures, missing_trial

TABLE = pd.DataFrame(
    {
        "value": [-80.0, -60.0, np.nan, -50.0, -20.0, np.nan, 5.0, -10.0],
        "treated": [True, True, True, True, False, False, False, False],
    }
)


def test_missing_treatment_is_worst_and_missing_control_best():
    found = worst_case(TABLE)
    assert figures(found) == figures(rank_sum([-80.0, -60.0, 5.0, -50.0], [-20.0, -80.0, 5.0, -10.0]))
    assert (found.n_treatment, found.n_control) == (4, 4)
    assert found.notes[0] == "filled: 1 treatment and 1 control values"


def test_where_higher_is_better_the_lowest_is_worst():
    found = worst_case(TABLE, better="higher")
    assert figures(found) == figures(rank_sum([-80.0, -60.0, -80.0, -50.0], [-20.0, 5.0, 5.0, -10.0]))


def test_values_given_stand_for_missing():
    found = worst_case(TABLE, worst=100.0, best=-100.0)
    assert figures(found) == figures(rank_sum([-80.0, -60.0, 100.0, -50.0], [-20.0, -100.0, 5.0, -10.0]))
    assert "100" in found.method


def test_nothing_missing_is_the_rank_sum_test():
    whole = TABLE.dropna()
    arms = whole["value"][whole["treated"]].to_numpy(), whole["value"][~whole["treated"]].to_numpy()
    assert figures(worst_case(whole)) == figures(rank_sum(*arms))


def test_worst_case_never_favours_treatment_more_than_the_complete_cases():
    for seed in range(5):
        table = missing_trial(seed=seed)
        seen = table.dropna(subset=["value"])
        arms = (seen["value"][seen["treated"]].to_numpy(), seen["value"][~seen["treated"]].to_numpy())
        assert worst_case(table).effect >= rank_sum(*arms).effect


def test_arm_without_subjects_gives_no_figures():
    found = worst_case(TABLE[TABLE["treated"]])
    assert figures(found) == (None, None, None, None)
    assert found.notes


def test_no_observed_value_gives_no_figures():
    found = worst_case(TABLE.assign(value=np.nan))
    assert figures(found) == (None, None, None, None)
    assert "no value was observed" in found.notes


def test_options_and_columns_are_checked():
    with pytest.raises(ConfigurationError):
        worst_case(TABLE, better="smaller")
    with pytest.raises(InputError):
        worst_case(TABLE[["value"]])
