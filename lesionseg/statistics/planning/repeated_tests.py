"""P values of the rank-sum test for many simulated trials at once, the same as `rank_sum` gives."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from lesionseg.statistics.estimate import Alternative
from lesionseg.statistics.rank.exact import RankSumDistribution
from lesionseg.statistics.rank.rank_sum import EXACT_BELOW

Values = NDArray[np.float64]


def rank_sum_p_values(
    treatment: Values, control: Values, *, alternative: Alternative = "two-sided"
) -> Values:
    """Return one P value for every row: exact where `rank_sum` is exact, else its normal approximation.

    Parameters
    ----------
    treatment, control : ndarray of float, shape (trials, patients)
        As many rows each. NaN is a missing value.

    Returns
    -------
    ndarray of float, shape (trials,)
        1 where an arm is empty or all values are the same: nothing can be shown.
    """
    values = np.concatenate([treatment, control], axis=1)
    treated = np.zeros(values.shape, dtype=np.bool_)
    treated[:, : treatment.shape[1]] = True
    m, n = _present(treatment), _present(control)
    ranks, ties = _ranks(values)
    u = np.where(treated & ~np.isnan(values), ranks, 0.0).sum(axis=1) - m * (m + 1) / 2
    p_values = _approximate(u, m, n, ties, alternative)
    exact = (np.maximum(m, n) < EXACT_BELOW) & (ties == 0) & (np.minimum(m, n) > 0)
    for sizes in np.unique(np.stack([m[exact], n[exact]], axis=1), axis=0):
        rows = exact & (m == sizes[0]) & (n == sizes[1])
        p_values[rows] = _exact(u[rows], int(sizes[0]), int(sizes[1]), alternative)
    return p_values


def _present(values: Values) -> NDArray[np.int64]:
    return np.asarray((~np.isnan(values)).sum(axis=1), dtype=np.int64)


def _ranks(values: Values) -> tuple[Values, Values]:
    """Return mid-ranks within every row, NaN behind all others, and the sum of t³ - t over groups of ties."""
    order = np.argsort(values, axis=1)
    ordered = np.take_along_axis(values, order, axis=1)
    places = np.arange(values.shape[1])
    begins = np.ones(values.shape, dtype=np.bool_)
    begins[:, 1:] = ordered[:, 1:] != ordered[:, :-1]  # NaN differs from itself: never tied
    ends = np.ones(values.shape, dtype=np.bool_)
    ends[:, :-1] = begins[:, 1:]
    first = np.maximum.accumulate(np.where(begins, places, 0), axis=1)
    last = np.where(ends, places, values.shape[1])[:, ::-1]
    last = np.minimum.accumulate(last, axis=1)[:, ::-1]
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, (first + last) / 2 + 1, axis=1)
    size = (last - first + 1).astype(np.float64)
    return ranks, np.asarray((size**2 - 1).sum(axis=1))


def _approximate(
    u: Values, m: NDArray[np.int64], n: NDArray[np.int64], ties: Values, alternative: Alternative
) -> Values:
    """Approximate by the normal distribution, corrected as in `rank_sum_approximation`."""
    total = np.maximum(m + n, 2).astype(np.float64)
    deviation = np.sqrt(np.maximum(m * n / 12 * (total + 1 - ties / (total * (total - 1))), 0.0))
    excess = u - m * n / 2
    halves = {"greater": np.full(u.shape, 0.5), "less": np.full(u.shape, -0.5)}
    z = (excess - halves.get(alternative, 0.5 * np.sign(excess))) / np.where(deviation > 0, deviation, np.inf)
    below, above = ndtr(z), ndtr(-z)
    tails = {"less": below, "greater": above}
    found = tails.get(alternative, np.minimum(1.0, 2 * np.minimum(below, above)))
    return np.where(deviation > 0, found, 1.0)


def _exact(u: Values, m: int, n: int, alternative: Alternative) -> list[float]:
    distribution = RankSumDistribution(m, n)
    return [distribution.p_value(round(value), alternative) for value in u]
