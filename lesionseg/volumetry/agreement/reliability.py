"""Intraclass and concordance correlation: agreement relative to the spread between patients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import MeasurementError
from lesionseg.volumetry.agreement.estimates import LEVEL, NO_VARIANCE, Estimate, Figures, checked, paired

_RELATIVE_ZERO = 1e-24
"""A mean square below this part of the squared figures is rounding: the figures are the same."""


def icc_agreement(x: npt.ArrayLike, y: npt.ArrayLike) -> Estimate:
    """Intraclass correlation for absolute agreement of two single measurements, ICC(2,1).

    ICC(2,1) of Shrout and Fleiss 1979 (Psychol Bull 86:420-428), which McGraw and Wong 1996 (Psychol Methods
    1:30-46) call ICC(A,1): two-way random effects. A constant offset between x and y lowers it.

    Parameters
    ----------
    x, y : array-like of float, shape (cases,)
        At least two cases.

    Returns
    -------
    Estimate
        With McGraw and Wong's 95 % interval, which can reach below -1 where cases are few. Missing, reason
        ``no-variance``, where nothing varies between cases, as when every figure is the same.

    Raises
    ------
    MeasurementError
        If the lists differ in length, hold fewer than two cases, or a value is not finite.
    """
    return icc_of_ratings(np.stack(paired(x, y), axis=1))


def icc_of_ratings(ratings: npt.ArrayLike) -> Estimate:
    """ICC(2,1) of any number of raters: `ratings` has the shape (cases, raters), at least two of each."""
    figures = checked(ratings)
    if figures.ndim != 2 or figures.shape[1] < 2:
        raise MeasurementError(
            "ratings must be a table", expected="(cases, raters), two or more", found=str(figures.shape)
        )
    squares = _mean_squares(figures)
    cases, raters = figures.shape
    spread = squares.cases + (raters - 1) * squares.rest + raters * (squares.raters - squares.rest) / cases
    if spread <= 0:
        return Estimate(reason=NO_VARIANCE)
    value = (squares.cases - squares.rest) / spread
    low, high = _interval(value, squares, cases, raters)
    return Estimate(value, low, high)


def concordance(x: npt.ArrayLike, y: npt.ArrayLike) -> Estimate:
    """Lin's concordance correlation coefficient (Lin 1989, Biometrics 45:255-268), without an interval.

    Parameters
    ----------
    x, y : array-like of float, shape (cases,)
        At least two cases.

    Returns
    -------
    Estimate
        -1 to 1; missing, reason ``no-variance``, where every figure is the same.

    Raises
    ------
    MeasurementError
        As `icc_agreement` does.
    """
    first, second = paired(x, y)
    together = float(((first - first.mean()) * (second - second.mean())).mean())
    spread = float(first.var() + second.var() + (first.mean() - second.mean()) ** 2)
    if spread <= _RELATIVE_ZERO * _size(np.stack((first, second))):
        return Estimate(reason=NO_VARIANCE)
    return Estimate(2 * together / spread)


@dataclass(frozen=True)
class _MeanSquares:
    """Two-way analysis of variance without replication: between cases, between raters, the rest."""

    cases: float
    raters: float
    rest: float


def _mean_squares(ratings: Figures) -> _MeanSquares:
    cases, raters = ratings.shape
    mean, of_case, of_rater = ratings.mean(), ratings.mean(axis=1), ratings.mean(axis=0)
    residual = ratings - of_case[:, None] - of_rater[None, :] + mean
    squares = (
        raters * np.square(of_case - mean).sum() / (cases - 1),
        cases * np.square(of_rater - mean).sum() / (raters - 1),
        np.square(residual).sum() / ((cases - 1) * (raters - 1)),
    )
    zero = _RELATIVE_ZERO * _size(ratings)
    return _MeanSquares(*(float(square) if square > zero else 0.0 for square in squares))


def _size(figures: Figures) -> float:
    return float(np.square(figures).mean())


def _interval(value: float, squares: _MeanSquares, cases: int, raters: int) -> tuple[float, float]:
    """95 % interval of ICC(A,1): McGraw and Wong 1996, table 7, by Satterthwaite's degrees of freedom.

    Their a and b are both multiplied by (1 - value), which cancels in v and leaves nothing to divide by.
    """
    from scipy.special import fdtri

    if squares.raters == squares.rest == 0:  # the raters agree in every case
        return value, value
    n, k = cases, raters
    a, b = k * value / n, (1 - value) + k * value * (n - 1) / n
    part_raters, part_rest = a * squares.raters, b * squares.rest
    below = part_raters**2 / (k - 1) + part_rest**2 / ((n - 1) * (k - 1))
    # with a value below 0 the parts can cancel; v is then kept at the fewest degrees of freedom of a part
    v = max((part_raters + part_rest) ** 2 / below, k - 1) if below > 0 else k - 1
    f_low = float(fdtri(n - 1, v, (1 + LEVEL) / 2))
    f_high = float(fdtri(v, n - 1, (1 + LEVEL) / 2))
    noise = k * squares.raters + (k * n - k - n) * squares.rest
    low = n * (squares.cases - f_low * squares.rest) / (f_low * noise + n * squares.cases)
    high = n * (f_high * squares.cases - squares.rest) / (noise + n * f_high * squares.cases)
    return low, high
