"""Power and sample size of the rank-sum test by simulation: trials drawn from a pilot's own patients."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from lesionseg.core.errors import AnalysisError, ConfigurationError
from lesionseg.statistics.estimate import Alternative
from lesionseg.statistics.planning.pilot import Effect, Pilot
from lesionseg.statistics.planning.repeated_tests import rank_sum_p_values
from lesionseg.statistics.proportions import wilson_interval
from lesionseg.statistics.rank.hodges_lehmann import hodges_lehmann
from lesionseg.statistics.wald import check_test

HELD_VALUES = 2_000_000
"""Simulated at a time; some 100 MB with ranks and order."""
LARGEST_TRIAL = 3000
"""Patients; the search for a sample size ends here."""
NORMAL_975 = float(ndtri(0.975))


@dataclass(frozen=True)
class PowerSettings:
    """How trials are simulated.

    Attributes
    ----------
    allocation : tuple of int
        Patients to treatment and to control, as a ratio.
    dropout : float
        Share of randomised patients without the value, the same in both arms and by pure chance.
    alpha : float
    alternative : str
        Of treatment - control.
    runs : int
        Simulated trials.
    seed : int
    """

    allocation: tuple[int, int] = (1, 1)
    dropout: float = 0.0
    alpha: float = 0.05
    alternative: Alternative = "two-sided"
    runs: int = 10_000
    seed: int = 20201

    def __post_init__(self) -> None:
        check_test(self.alpha, self.alternative)
        if min(self.allocation) < 1:
            raise _out_of_range("allocation", "two whole numbers above 0", self.allocation)
        if not 0 <= self.dropout < 1:
            raise _out_of_range("dropout", "a share from 0 to below 1", self.dropout)
        if self.runs < 100:
            raise _out_of_range("number of runs", "at least 100", self.runs)

    def arms(self, n: int) -> tuple[int, int]:
        """Divide `n` patients; the ratio is met as nearly as whole patients allow."""
        treated, control = self.allocation
        n_treatment = min(max(round(n * treated / (treated + control)), 1), n - 1)
        return n_treatment, n - n_treatment


@dataclass(frozen=True)
class Power:
    """Power at one size of the trial.

    Attributes
    ----------
    n_treatment, n_control : int
        Patients randomised.
    power : float
        Share of simulated trials with P at or below alpha.
    low, high : float
        95 % interval of it for the number of runs (Wilson); the pilot's own uncertainty is not in it.
    runs : int
    shift : float
        The Hodges-Lehmann shift that a very large trial would find.
    """

    n_treatment: int
    n_control: int
    power: float
    low: float
    high: float
    runs: int
    shift: float

    @property
    def n(self) -> int:
        """Patients of both arms."""
        return self.n_treatment + self.n_control


@dataclass(frozen=True)
class SampleSize:
    """The smallest trial of the search that reaches the power asked for, and every size that was tried."""

    found: Power
    tried: tuple[Power, ...]


def simulate_power(pilot: Pilot, effect: Effect, n: int, settings: PowerSettings | None = None) -> Power:
    """Return the power of a trial with `n` patients.

    Patients of both arms are drawn from the pilot with replacement; those of the treatment arm are changed by
    the effect; some drop out; the complete cases are compared by the rank-sum test.

    Raises
    ------
    ConfigurationError
        Fewer than two patients.
    """
    rules = settings or PowerSettings()
    if n < 2:
        raise _out_of_range("number of patients", "at least 2", n)
    m, k = rules.arms(n)
    rng = np.random.default_rng([rules.seed, m, k])
    treated, control = pilot.treated(effect), pilot.changes
    rejected, left = 0, rules.runs
    while left:
        rows = min(left, max(1, HELD_VALUES // n))
        p_values = rank_sum_p_values(
            _drawn(treated, (rows, m), rules.dropout, rng),
            _drawn(control, (rows, k), rules.dropout, rng),
            alternative=rules.alternative,
        )
        rejected += int((p_values <= rules.alpha).sum())
        left -= rows
    low, high = wilson_interval(rejected, rules.runs, NORMAL_975)
    shift = hodges_lehmann(treated, control) or 0.0
    return Power(m, k, rejected / rules.runs, low, high, rules.runs, shift)


def sample_size(
    pilot: Pilot, effect: Effect, power: float = 0.8, settings: PowerSettings | None = None
) -> SampleSize:
    """Find by doubling and halving the smallest trial with at least `power`.

    Sizes are those that meet the allocation exactly. Every size has runs of its
    own: near the power asked for, chance decides between neighbours.

    Raises
    ------
    ConfigurationError
        A power outside 0.05 to 0.99.
    AnalysisError
        If `LARGEST_TRIAL` patients are not enough.
    """
    rules = settings or PowerSettings()
    if not 0.05 <= power <= 0.99:
        raise _out_of_range("power", "from 0.05 to 0.99", power)
    block = sum(rules.allocation) // gcd(*rules.allocation)
    tried: dict[int, Power] = {}

    def enough(blocks: int) -> bool:
        tried[blocks] = simulate_power(pilot, effect, blocks * block, rules)
        return tried[blocks].power >= power

    high = 1
    while not enough(high):
        if high * block >= LARGEST_TRIAL:
            raise _never_enough(tried[high], power)
        high = min(2 * high, -(-LARGEST_TRIAL // block))
    low = max((blocks for blocks in tried if blocks < high), default=0)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return SampleSize(tried[high], tuple(tried[blocks] for blocks in sorted(tried)))


def _drawn(
    values: NDArray[np.float64], shape: tuple[int, int], dropout: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    drawn = values[rng.integers(values.size, size=shape)]
    if dropout:
        drawn[rng.random(shape) < dropout] = np.nan
    return drawn


def _never_enough(last: Power, power: float) -> AnalysisError:
    return AnalysisError(
        "no trial of a practicable size has that power",
        expected=f"power {power:g}",
        found=f"{last.power:.3f} with {last.n} patients; shift {last.shift:g}",
        remedy="Ask for a larger effect, or less power",
    )


def _out_of_range(what: str, expected: str, found: object) -> ConfigurationError:
    return ConfigurationError(f"the {what} is out of range", expected=expected, found=str(found))
