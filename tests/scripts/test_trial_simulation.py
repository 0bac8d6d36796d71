"""Simulated trials: what is drawn, what is lost, and that quick decisions are those of the package."""

import numpy as np
import pytest

from scripts.evaluation import trial_simulation
from scripts.evaluation.trial_scenarios import (
    BOUNDED,
    EFFECT,
    FLOOR,
    MECHANISMS,
    N_CONTROL,
    N_TREATMENT,
    SHIFTED,
    missing,
    simulate,
    true_shift,
)
from scripts.evaluation.trial_simulation import Condition, decide_at_once, filled_worst, run


def rng(seed=1):
    return np.random.default_rng(seed)


def test_shift_is_exact_and_nothing_falls_below_the_floor():
    with_effect, without = (simulate(SHIFTED, effect, 20, rng()).day_28 for effect in (EFFECT, 0.0))
    assert (with_effect[:, :N_TREATMENT] - without[:, :N_TREATMENT] == EFFECT).all()
    assert (with_effect[:, N_TREATMENT:] == without[:, N_TREATMENT:]).all()
    assert with_effect.min() >= FLOOR
    assert (with_effect == np.round(with_effect)).all()


def test_bounded_changes_have_heaps_and_a_smaller_shift():
    changes = simulate(BOUNDED, EFFECT, 200, rng()).day_28
    assert changes.min() == FLOOR
    assert 0.05 < (changes == 0).mean() < 0.12
    assert (changes[:, :N_TREATMENT] == FLOOR).mean() > 0.05
    assert EFFECT < true_shift(BOUNDED, EFFECT, 2000) < 0.5 * EFFECT
    assert true_shift(BOUNDED, 0.0) == 0
    assert true_shift(SHIFTED, EFFECT) == EFFECT


def test_true_shift_is_the_median_difference_of_many_patients():
    changes = simulate(BOUNDED, EFFECT, 4000, rng(5)).day_28
    differences = changes[:, :N_CONTROL] - changes[:, N_TREATMENT:]
    assert np.median(differences) == pytest.approx(true_shift(BOUNDED, EFFECT, 2000), abs=6.0)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_fair_share_is_missing_and_by_the_mechanism(mechanism):
    trials = simulate(SHIFTED, 0.0, 300, rng())
    lost = missing(mechanism, trials, rng(2))
    assert 0.1 < lost.mean() < 0.22
    treated, control = (lost[:, part] for part in (trials.treated, ~trials.treated))
    correlations = [
        np.corrcoef(trials.day_28[:, part].ravel(), away.ravel())[0, 1]
        for part, away in ((trials.treated, treated), (~trials.treated, control))
    ]
    signs = {"MCAR": (0, 0), "MAR alike": (1, 1)}.get(mechanism, (-1, 1))
    for found, sign in zip(correlations, signs, strict=True):
        assert found * sign > 0.1 if sign else abs(found) < 0.05


def test_worst_case_fills_against_the_treatment():
    seen = np.concatenate([np.full(N_TREATMENT, -200.0), np.full(N_CONTROL, -300.0)])[None]
    seen[0, [0, N_TREATMENT]] = np.nan
    filled = filled_worst(seen)[0]
    assert (filled[0], filled[N_TREATMENT]) == (-200.0, -300.0)
    assert not np.isnan(filled).any()


@pytest.mark.parametrize("rule", ["complete-case", "worst-case"])
def test_decisions_of_all_runs_are_checked_against_the_package(rule, monkeypatch):
    monkeypatch.setattr(trial_simulation, "CHECKED_RUNS", 12)
    trials = simulate(BOUNDED, EFFECT, 12, rng(3))
    seen = np.where(missing("MAR by arm", trials, rng(4)), np.nan, trials.day_28)
    found = decide_at_once(rule, seen, true_shift(BOUNDED, EFFECT, 2000))
    assert found.rejected.shape == (12,)
    monkeypatch.setattr(trial_simulation, "rank_sum_p_values", lambda *_, **__: np.zeros(12))
    with pytest.raises(RuntimeError, match="decides otherwise"):
        decide_at_once(rule, seen, 0.0)


def test_imputation_uses_what_was_seen_at_day_10(monkeypatch):
    monkeypatch.setattr(trial_simulation, "IMPUTATIONS", 3)
    outcome = run(Condition("shift", 0.0, "MAR by arm", "multiple-imputation", 4, 1))
    complete = run(Condition("shift", 0.0, "MAR by arm", "complete-case", 4, 1))
    assert outcome.unusable == 0
    assert outcome.bias < complete.bias  # complete cases look worse under treatment than they are


def test_results_grow_and_are_not_run_again(tmp_path, monkeypatch, capsys):
    words = ["--out", str(tmp_path), "--runs", "30", "--scenarios", "shift", "--rules", "complete data"]
    parsed = trial_simulation.parse_arguments(words)
    monkeypatch.setattr(trial_simulation, "parse_arguments", lambda: parsed)
    assert trial_simulation.main() == 0
    assert capsys.readouterr().err.count("complete data") == 2
    table = (tmp_path / "simulation.md").read_text()
    assert "| shift | none | complete data | 30 |" in table
    monkeypatch.setattr(trial_simulation, "run", lambda _: pytest.fail("run again"))
    assert trial_simulation.main() == 0
    assert (tmp_path / "simulation.md").read_text() == table
