from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from lesionseg.core.errors import AnalysisError, ConfigurationError
from lesionseg.statistics.planning.pilot import Effect, Pilot
from lesionseg.statistics.planning.power import PowerSettings, sample_size, simulate_power
from lesionseg.statistics.planning.repeated_tests import rank_sum_p_values
from lesionseg.statistics.rank.rank_sum import rank_sum


def normal_pilot(subjects=400, seed=1, scale=20.0):
    """Absolute changes close to normal; many, so that the pilot's own error is small."""
    baselines = np.full(subjects, 100.0)
    changes = np.random.default_rng(seed).normal(0.0, scale, subjects)
    return Pilot(baselines, baselines + changes, "absolute")


# --- P values of many trials ----------------------------------------------------------------------------


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
@pytest.mark.parametrize(("m", "n"), [(1, 1), (3, 4), (12, 7), (60, 30)])
@pytest.mark.parametrize("digits", [None, 1, 0])
def test_p_values_of_many_trials_are_those_of_each(alternative, m, n, digits) -> None:
    rng = np.random.default_rng([m, n, digits or 9])
    treatment, control = rng.normal(0.4, 1.0, (8, m)), rng.normal(0.0, 1.0, (8, n))
    if digits is not None:
        treatment, control = treatment.round(digits), control.round(digits)
    treatment[rng.random(treatment.shape) < 0.2] = np.nan
    found = rank_sum_p_values(treatment, control, alternative=alternative)
    for row, p_value in enumerate(found):
        one = rank_sum(treatment[row], control[row], alternative=alternative).p_value
        assert p_value == pytest.approx(1.0 if one is None else one, abs=1e-12)


def test_constant_values_and_empty_arms_show_nothing() -> None:
    constant = rank_sum_p_values(np.ones((1, 60)), np.ones((1, 60)))
    empty = rank_sum_p_values(np.full((1, 5), np.nan), np.arange(5.0)[None])
    assert (constant[0], empty[0]) == (1.0, 1.0)


# --- power ----------------------------------------------------------------------------------------------


def test_power_is_that_of_the_textbook_for_normal_changes() -> None:
    pilot = normal_pilot()
    spread = float(pilot.changes.std())
    found = simulate_power(pilot, Effect(shift=0.5 * spread), 128, PowerSettings(runs=4000))
    # Student's t has 0.80 at 64 per arm; the rank-sum test needs pi / 3 as many patients (Lehmann 1975).
    expected = ndtr(0.5 * np.sqrt(32 * 3 / np.pi) - 1.959964)
    assert found.power == pytest.approx(expected, abs=0.03)
    assert found.low < found.power < found.high
    assert found.shift == pytest.approx(0.5 * spread, abs=1e-9)


def test_without_effect_power_is_alpha() -> None:
    found = simulate_power(normal_pilot(), Effect(), 90, PowerSettings((2, 1), runs=4000))
    assert found.power == pytest.approx(0.05, abs=0.015)
    assert (found.n_treatment, found.n_control) == (60, 30)


def test_dropout_costs_power_and_a_one_sided_test_has_its_direction() -> None:
    pilot, effect = normal_pilot(), Effect(shift=-10.0)
    whole = simulate_power(pilot, effect, 120, PowerSettings(runs=1500))
    thinned = simulate_power(pilot, effect, 120, PowerSettings(dropout=0.4, runs=1500))
    one_sided = {"runs": 1500, "alpha": 0.025}
    right = simulate_power(pilot, effect, 120, PowerSettings(alternative="less", **one_sided))
    wrong = simulate_power(pilot, effect, 120, PowerSettings(alternative="greater", **one_sided))
    assert thinned.power < whole.power - 0.1
    assert right.power == pytest.approx(whole.power, abs=0.03)
    assert wrong.power < 0.005


def test_the_same_seed_gives_the_same_power_and_another_one_another() -> None:
    pilot, effect = normal_pilot(), Effect(shift=8.0)
    first, again = (simulate_power(pilot, effect, 60, PowerSettings(runs=500)) for _ in range(2))
    other = simulate_power(pilot, effect, 60, PowerSettings(runs=500, seed=1))
    assert first == again
    assert first.power != other.power


def test_sample_size_reaches_the_power_in_blocks_of_the_allocation() -> None:
    pilot = normal_pilot()
    search = sample_size(pilot, Effect(shift=10.0), 0.8, PowerSettings((2, 1), runs=1500))
    better = float(np.greater.outer(pilot.changes + 10.0, pilot.changes).mean())
    noether = (1.959964 + 0.841621) ** 2 / (12 * (2 / 9) * (better - 0.5) ** 2)  # JASA 1987;82:645-647
    assert search.found.power >= 0.8
    assert search.found.n_treatment == 2 * search.found.n_control
    assert search.found.n == pytest.approx(noether, rel=0.12)
    assert search.found in search.tried
    assert all(size.power < 0.8 for size in search.tried if size.n < search.found.n)


def test_a_ratio_that_can_be_shortened_is() -> None:
    rules = PowerSettings((66, 33), runs=200)
    assert sample_size(normal_pilot(), Effect(shift=20.0), 0.6, rules).found.n < 99


def test_an_effect_of_nothing_has_no_sample_size() -> None:
    with pytest.raises(AnalysisError, match="no trial of a practicable size"):
        sample_size(normal_pilot(), Effect(), 0.8, PowerSettings(runs=100))


@pytest.mark.parametrize(
    "bad", [{"allocation": (0, 1)}, {"dropout": 1.0}, {"runs": 5}, {"alpha": 0.0}, {"alternative": "both"}]
)
def test_settings_out_of_range_are_refused(bad) -> None:
    with pytest.raises(ConfigurationError):
        PowerSettings(**bad)
    with pytest.raises(ConfigurationError):
        simulate_power(normal_pilot(), Effect(), 1)
    with pytest.raises(ConfigurationError):
        sample_size(normal_pilot(), Effect(shift=1.0), 1.0)
