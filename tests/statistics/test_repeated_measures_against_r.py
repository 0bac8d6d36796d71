from functools import cache

import numpy as np
import pandas as pd
import pytest

from lesionseg.statistics.models.repeated_measures import fit_repeated_measures
from lesionseg.statistics.models.repeated_measures_table import repeated_design
from tests.statistics.model_goldens import golden, relative

TABLES = golden("repeated_measures")
NLME = 2e-5  # where nlme's optimiser stops: see the log likelihoods
RANDOM_INTERCEPT = [
    index
    for index, case in enumerate(TABLES)
    if case["compound_symmetry"]["correlation"] > 0
    and not case["random_intercept"]["kenward_roger"]["singular"]
]
AT_THE_EDGE = [14]  # nlme's correlation between the visits is -1 there: no unstructured covariance exists
UNSTRUCTURED = [index for index in range(len(TABLES)) if index not in AT_THE_EDGE]


@cache
def fitted(index, covariance):
    case = TABLES[index]
    design = repeated_design(
        pd.DataFrame(case["table"]),
        case["covariates"],
        case["visit"],
        baseline_by_visit=case["baseline_by_visit"],
    )
    fit, notes = fit_repeated_measures(design, covariance)
    return fit, design.contrast, notes


def assert_agrees(index, covariance, expected, tolerance):
    fit, contrast, _ = fitted(index, covariance)
    assert fit.covariance == covariance
    plain_error = float(np.sqrt(fit.point.variance[contrast, contrast]))
    assert abs(fit.effect.effect - expected["effect"]) < tolerance * plain_error
    assert relative(plain_error, expected["standard_error"]) < tolerance


def assert_kenward_roger_agrees(index, covariance, expected, tolerance):
    fit, _, _ = fitted(index, covariance)
    assert relative(fit.effect.standard_error, expected["standard_error"]) < tolerance
    assert relative(fit.effect.degrees_of_freedom, expected["df"]) < tolerance


def test_the_goldens_cover_what_trials_have():
    frames = [pd.DataFrame(case["table"]) for case in TABLES]
    assert len(UNSTRUCTURED) >= 20
    assert len(RANDOM_INTERCEPT) >= 20
    assert {frame["visit"].nunique() for frame in frames} == {2, 3, 4}
    assert sum(len(frame) < frame["subject"].nunique() * frame["visit"].nunique() for frame in frames) > 15
    assert any("severity" in case["covariates"] for case in TABLES)


@pytest.mark.parametrize("index", UNSTRUCTURED)
def test_unstructured_model_is_that_of_gls(index):
    assert_agrees(index, "unstructured", TABLES[index]["unstructured"], NLME)


@pytest.mark.parametrize("index", range(len(TABLES)))
def test_compound_symmetry_is_that_of_gls(index):
    assert_agrees(index, "compound-symmetry", TABLES[index]["compound_symmetry"], NLME)


@pytest.mark.parametrize("index", RANDOM_INTERCEPT)
def test_compound_symmetry_is_the_random_intercept_of_lme(index):
    assert_agrees(index, "compound-symmetry", TABLES[index]["random_intercept"], NLME)


@pytest.mark.parametrize("index", UNSTRUCTURED)
def test_likelihood_gained_by_the_unstructured_covariance_is_that_of_gls(index):
    """Only differences compare: the likelihood's constant depends on how the design is coded."""
    ours = [fitted(index, name)[0].point.log_likelihood for name in ("unstructured", "compound-symmetry")]
    theirs = [TABLES[index][name]["log_likelihood"] for name in ("unstructured", "compound_symmetry")]
    assert ours[0] - ours[1] == pytest.approx(theirs[0] - theirs[1], abs=1e-7)


@pytest.mark.parametrize("index", RANDOM_INTERCEPT)
def test_small_sample_figures_of_a_random_intercept_are_those_of_pbkrtest(index):
    expected = TABLES[index]["random_intercept"]["kenward_roger"]
    assert_kenward_roger_agrees(index, "compound-symmetry", expected, 1e-6)


@pytest.mark.parametrize("index", UNSTRUCTURED)
def test_small_sample_figures_of_the_unstructured_model_are_those_of_the_formula_in_r(index):
    expected = TABLES[index]["unstructured"]["kenward_roger"]
    assert_kenward_roger_agrees(index, "unstructured", expected, NLME)


@pytest.mark.parametrize("index", AT_THE_EDGE)
def test_perfectly_correlated_visits_fall_back_to_compound_symmetry(index):
    fit, _, notes = fitted(index, "unstructured")
    assert fit.covariance == "compound-symmetry"
    assert any("could not be estimated" in note for note in notes)
