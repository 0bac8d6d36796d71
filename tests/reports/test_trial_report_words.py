"""The answer in words: direction, units, and honesty where little or nothing is known."""

from __future__ import annotations

from typing import Any

import pytest

from lesionseg.reports.trial.headline import Arms, Rules, headline, smallest_p
from lesionseg.reports.trial.words import amount, digits_for, interval, p_cell, p_text, signed_fixed

MINUS = "\N{MINUS SIGN}"
ARMS = Arms("cells", "placebo")
TWO_SIDED = Rules(0.05, "two-sided")


def estimate(**changed: Any) -> dict[str, Any]:
    return {
        "endpoint": "lesion", "parameter": "LESPCT", "parameter_name": "Whole lesion, % of both lungs",
        "visit": "day 28", "change": "relative", "unit": "%", "role": "primary", "population": "ITT",
        "analysis": "primary", "method": "", "effect": -15.5, "low": -30.82, "high": -0.39, "p_value": 0.043,
        "p_adjusted": 0.043, "significant": True, "n_treatment": 65, "n_control": 35,
        "median_treatment": -57.7, "median_control": -44.4, "exact": False, "notes": [], **changed,
    }  # fmt: skip


def sentence(rules: Rules = TWO_SIDED, **changed: Any) -> str:
    return headline(estimate(**changed), ARMS, rules).sentence


def test_a_larger_fall_is_told_with_size_unit_interval_and_p() -> None:
    assert sentence() == (
        "Lesion proportion fell by 15.5 percentage points more under cells than under placebo from baseline "
        f"to day 28 (Hodges-Lehmann difference {MINUS}15.5 percentage points, 95 % CI {MINUS}30.8 to "
        f"{MINUS}0.4, P = 0.043)."
    )


@pytest.mark.parametrize(
    ("effect", "medians", "words"),
    [
        (-5.0, (-40.0, -30.0), "fell by 5.00 percentage points more under cells"),
        (5.0, (-30.0, -40.0), "fell by 5.00 percentage points less under cells"),
        (5.0, (40.0, 30.0), "rose by 5.00 percentage points more under cells"),
        (-5.0, (30.0, 40.0), "rose by 5.00 percentage points less under cells"),
        (-5.0, (-2.0, 4.0), "The change of lesion proportion was 5.00 percentage points lower under cells"),
        (5.0, (4.0, -2.0), "The change of lesion proportion was 5.00 percentage points higher under cells"),
        (-5.0, (0.0, 0.0), "was 5.00 percentage points lower under cells"),
        (-5.0, (-3.0, 0.0), "fell by 5.00 percentage points more"),
        (-5.0, (None, None), "was 5.00 percentage points lower under cells"),
        (0.0, (-3.0, -3.0), "changed alike under cells and under placebo"),
    ],
)
def test_direction_follows_what_both_arms_did(
    effect: float, medians: tuple[float | None, float | None], words: str
) -> None:
    low, high = effect - 3.0, effect + 3.0
    told = sentence(effect=effect, low=low, high=high, median_treatment=medians[0], median_control=medians[1])
    assert words in told


def test_other_units_are_kept_and_an_absolute_change_of_per_cent_is_in_points() -> None:
    walk = {"parameter": "SIXMWT", "parameter_name": "6-minute walk", "change": "absolute"}
    told = sentence(
        **walk, unit="m", effect=20.0, low=3.0, high=37.0, median_treatment=25.0, median_control=5.0
    )
    assert told.startswith("6-minute walk rose by 20.0 m more under cells")
    assert "+20.0 m, 95 % CI +3.0 to +37.0" in told
    assert "percentage points" not in told
    assert "15.4 percentage points" in sentence(change="absolute", unit="percentage points").replace(
        "5.5", "5.4"
    )


def test_without_significance_nothing_is_claimed_and_the_interval_says_what_is_possible() -> None:
    found = headline(estimate(low=-29.14, high=2.13, p_value=0.08, significant=False), ARMS, TWO_SIDED)
    assert "not statistically significant" in found.certainty
    assert "no proof that cells and placebo act alike" in found.certainty
    assert f"any difference from {MINUS}29.1 to +2.1 percentage points" in found.certainty
    assert "P = 0.080" in found.sentence
    assert "is statistically significant" not in found.certainty


def test_significance_is_the_adjusted_one_and_an_untested_endpoint_claims_none() -> None:
    assert "is statistically significant" in headline(estimate(), ARMS, TWO_SIDED).certainty
    later = headline(estimate(significant=False, p_value=0.01, p_adjusted=0.3), ARMS, TWO_SIDED)
    assert "not statistically significant" in later.certainty
    assert "does not test" in headline(estimate(significant=None), ARMS, TWO_SIDED).certainty


def test_three_patients_are_called_too_few_and_the_least_p_is_told() -> None:
    found = headline(estimate(n_treatment=3, n_control=3, p_value=0.1, significant=False), ARMS, TWO_SIDED)
    assert "Only 3 patients and 3 patients" in found.remarks[0]
    assert "cannot become significant" in found.remarks[1]
    assert "0.1" in found.remarks[1]
    assert headline(estimate(), ARMS, TWO_SIDED).remarks == ()


def test_an_estimate_that_is_missing_says_so_and_why() -> None:
    nothing = dict.fromkeys(("effect", "low", "high", "p_value", "significant"))
    found = headline(
        estimate(**nothing, n_control=0, notes=["nobody in the arm placebo has a value"]), ARMS, TWO_SIDED
    )
    assert "could not be estimated" in found.sentence
    assert "65 under cells, 0 under placebo" in found.certainty
    assert found.remarks == ("Nobody in the arm placebo has a value.",)


def test_a_one_sided_interval_is_open_and_p_is_called_one_sided() -> None:
    told = sentence(Rules(0.025, "less"), low=None)
    assert f"97.5 % CI up to {MINUS}0.4" in told
    assert "one-sided P = 0.043" in told


def test_least_p_counts_the_ways_to_share_out_the_ranks() -> None:
    assert smallest_p(3, 3, "two-sided") == pytest.approx(2 / 20)
    assert smallest_p(3, 3, "less") == pytest.approx(1 / 20)
    assert smallest_p(0, 3, "less") is None
    assert smallest_p(65, 35, "two-sided") is None


@pytest.mark.parametrize(
    ("p", "words"),
    [(None, "\N{EN DASH}"), (0.0001, "< 0.001"), (0.043, "= 0.043"), (0.0499, "= 0.0499"),
     (0.05, "= 0.050"), (0.0501, "= 0.050"), (0.12345, "= 0.12"), (0.0997, "= 0.10"), (0.999, "> 0.99")],
)  # fmt: skip
def test_p_is_never_rounded_across_the_level(p: float | None, words: str) -> None:
    assert p_text(p) == words
    assert p_cell(p) == words.removeprefix("= ")


def test_p_just_below_an_unusual_level_keeps_its_digits() -> None:
    assert p_text(0.02497, 0.025) == "= 0.02497"


def test_figures_that_stand_together_share_their_decimals_and_none_becomes_zero() -> None:
    assert digits_for([-15.45, -30.82, -0.39]) == 1
    assert digits_for([-15.45, -30.82, -0.02]) == 2
    assert digits_for([0.0]) == 2
    assert digits_for([None]) == 2
    assert interval(-30.82, -0.02, 2) == f"{MINUS}30.82 to {MINUS}0.02"
    assert interval(None, None, 1) == "\N{EN DASH}"
    assert (signed_fixed(-0.001, 2), signed_fixed(0.001, 2), amount(1234.0)) == ("0.00", "0.00", "1,234")
