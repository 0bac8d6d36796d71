import pandas as pd
import pytest

from lesionseg.statistics.models.ancova import ancova, ancova_log_ratio, fit_ancova
from lesionseg.statistics.models.model_table import complete_rows
from tests.statistics.model_goldens import golden, relative

TABLES = golden("ancova")
CLOSE = 1e-9


def test_the_goldens_cover_what_trials_have():
    frames = [pd.DataFrame(case["table"]) for case in TABLES]
    assert len(TABLES) >= 20
    assert any(frame["value"].isna().any() for frame in frames)
    assert any("severity" in case["covariates"] for case in TABLES)
    assert any("age_months" in case["covariates"] for case in TABLES)
    assert any(frame["treated"].mean() > 0.7 for frame in frames)


@pytest.mark.parametrize("case", TABLES)
def test_effect_interval_and_p_value_are_those_of_lm(case):
    table = pd.DataFrame(case["table"])
    found = ancova(table, case["covariates"], alpha=case["alpha"])
    expected = case["plain"]
    ours = (found.effect, found.low, found.high)
    for one, other in zip(ours, (expected["effect"], *expected["interval"]), strict=True):
        assert abs(one - other) < CLOSE * expected["standard_error"]
    assert relative(found.p_value, expected["p"]) < CLOSE


@pytest.mark.parametrize("case", TABLES)
def test_standard_error_and_degrees_of_freedom_are_those_of_lm(case):
    columns = ("value", "baseline", *case["covariates"])
    whole, _ = complete_rows(pd.DataFrame(case["table"]), columns)
    found, _ = fit_ancova(whole, case["covariates"])
    assert relative(found.standard_error, case["plain"]["standard_error"]) < CLOSE
    assert found.degrees_of_freedom == case["plain"]["df"]


@pytest.mark.parametrize("case", TABLES[:10])
def test_one_sided_p_values_and_interval_are_those_of_lm(case):
    table = pd.DataFrame(case["table"])
    less = ancova(table, case["covariates"], alpha=case["alpha"], alternative="less")
    greater = ancova(table, case["covariates"], alpha=case["alpha"], alternative="greater")
    assert relative(less.p_value, case["plain"]["p_less"]) < CLOSE
    assert relative(greater.p_value, case["plain"]["p_greater"]) < CLOSE
    assert less.low is None
    assert greater.high is None
    assert less.high == pytest.approx(case["plain"]["end_less"], rel=1e-9)


@pytest.mark.parametrize("case", TABLES)
def test_log_ratio_is_lm_of_the_logarithm(case):
    found = ancova_log_ratio(pd.DataFrame(case["table"]), case["covariates"], alpha=case["alpha"])
    expected = case["log_ratio"]
    assert found.p_value == pytest.approx(expected["p"], rel=1e-8)
    ends = (found.effect, found.low, found.high)
    for one, other in zip(ends, (expected["effect"], *expected["interval"]), strict=True):
        assert one == pytest.approx(100 * pd.Series([other]).apply("expm1")[0], rel=1e-8, abs=1e-8)
