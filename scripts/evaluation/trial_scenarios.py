"""Simulated trials for scripts/evaluation/trial_simulation.py: who has which change, and who is not seen.

All changes are whole numbers of tenths of a per cent, kept as floats: ties are exact, and so is a shift.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import expit, gammaincinv, ndtr, ndtri

from lesionseg.statistics.rank.hodges_lehmann import hodges_lehmann

N_TREATMENT, N_CONTROL = 65, 35
EFFECT = -150.0
"""Tenths of a per cent: 15 points of relative change, the size published for such a trial."""
FLOOR = -1000.0
"""A lesion cannot shrink by more than all of it."""
MECHANISMS = ("MCAR", "MAR alike", "MAR by arm", "MNAR by arm")
LATENT = np.array([[1.0, 0.6, -0.2], [0.6, 1.0, -0.2], [-0.2, -0.2, 1.0]])
"""Correlations, on the normal scale, of the changes at day 28 and day 10 and of log baseline."""


@dataclass(frozen=True)
class Scenario:
    """A distribution of relative changes, in tenths of a per cent.

    A gamma variable above a floor; skewed to the right like published changes of lesion proportions.

    Attributes
    ----------
    start, shape, scale
        Change of a control patient at day 28: start + scale * gamma(shape).
    clipped : bool
        Changes below -100 % are set to it: patients whose lesions are gone are tied.
    unchanged : float
        Share of patients, in either arm, whose change is exactly 0 whatever the treatment.
    """

    name: str
    start: float
    shape: float
    scale: float
    clipped: bool = False
    unchanged: float = 0.0


SHIFTED = Scenario("shift", -800.0, 2.0, 250.0)
"""Treatment adds exactly `EFFECT` to everyone: what the Hodges-Lehmann interval is made for."""
BOUNDED = Scenario("bounded", -1100.0, 2.5, 280.0, clipped=True, unchanged=0.08)
"""The shift stops at -100 %, and 8 % do not respond: heaps at -100 % and at 0, no pure shift."""
SCENARIOS = (SHIFTED, BOUNDED)


@dataclass(frozen=True)
class Trials:
    """Many trials with everything seen; arrays of shape (trials, patients), the treated patients first.

    `day_28` and `day_10` are changes in tenths of a per cent, `log_baseline` is standardised.
    """

    day_28: np.ndarray
    day_10: np.ndarray
    log_baseline: np.ndarray

    @property
    def treated(self) -> np.ndarray:
        return np.arange(self.day_28.shape[1]) < N_TREATMENT


def simulate(scenario: Scenario, effect: float, runs: int, rng: np.random.Generator) -> Trials:
    """Draw whole trials; `effect` is what the treatment adds at day 28, half of it at day 10."""
    patients = N_TREATMENT + N_CONTROL
    latent = rng.standard_normal((runs, patients, 3)) @ np.linalg.cholesky(LATENT).T
    treated = np.arange(patients) < N_TREATMENT
    day_28 = _changes(scenario, latent[..., 0], 1.0) + effect * treated
    day_10 = _changes(scenario, latent[..., 1], 0.5) + effect / 2 * treated
    if scenario.clipped:
        day_28, day_10 = np.maximum(day_28, FLOOR), np.maximum(day_10, FLOOR)
    day_28[rng.random(day_28.shape) < scenario.unchanged] = 0.0
    return Trials(np.round(day_28), np.round(day_10), latent[..., 2])


def _changes(scenario: Scenario, latent: np.ndarray, part: float) -> np.ndarray:
    quantile = np.clip(ndtr(latent), 1e-12, 1 - 1e-12)
    return np.round(part * (scenario.start + scenario.scale * gammaincinv(scenario.shape, quantile)))


@cache
def true_shift(scenario: Scenario, effect: float, points: int = 10_000) -> float:
    """The median difference of a treated and a control patient, which the analysis estimates; in tenths.

    From so many evenly spaced quantiles of both distributions.
    """
    if effect == 0 or not (scenario.clipped or scenario.unchanged):
        return effect
    latent = ndtri((np.arange(points) + 0.5) / points)
    control = _changes(scenario, latent, 1.0)
    arms = [np.maximum(control + added, FLOOR if scenario.clipped else -np.inf) for added in (effect, 0.0)]
    unchanged = np.zeros(round(points * scenario.unchanged / (1 - scenario.unchanged)))
    shift = hodges_lehmann(*(np.concatenate([arm, unchanged]) for arm in arms))
    return effect if shift is None else shift


def missing(mechanism: str, trials: Trials, rng: np.random.Generator) -> np.ndarray:
    """Who is not seen at day 28: bool, about 15 to 20 % of all patients.

    MCAR: pure chance. MAR alike: the worse day 10 and the higher the baseline, the likelier, in both arms.
    MAR by arm: that in the control arm, and in the treatment arm the reverse, those who are better stay away.
    MNAR by arm: the same with day 28 itself, which nobody sees, in place of day 10.
    """
    worse = _standard(trials.day_28 if mechanism.startswith("MNAR") else trials.day_10)
    if mechanism == "MCAR":
        probability = np.full(worse.shape, 0.15)
    elif mechanism == "MAR alike":
        probability = expit(-1.9 + 0.9 * worse + 0.4 * trials.log_baseline)
    else:
        probability = expit(-1.9 + np.where(trials.treated, -0.9, 0.9) * worse)
    return np.asarray(rng.random(worse.shape) < probability)


def _standard(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / values.std()
