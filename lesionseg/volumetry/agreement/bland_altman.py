"""Bland and Altman's limits of agreement, with their intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy.typing as npt

from lesionseg.volumetry.agreement.estimates import LEVEL, Estimate, paired

NORMAL_975 = 1.959963984540054
"""97.5th percentile of the standard normal distribution; the papers round it to 1.96 or 2."""


@dataclass(frozen=True)
class BlandAltman:
    """Differences x - y over cases, in the unit of x and y.

    Attributes
    ----------
    cases : int
    bias : Estimate
        Mean difference, with its t interval.
    sd : float
        Standard deviation of the differences (n - 1).
    lower, upper : Estimate
        Limits of agreement, between which 95 % of differences lie if they are normal; with their intervals.
    """

    cases: int
    bias: Estimate
    sd: float
    lower: Estimate
    upper: Estimate


def bland_altman(x: npt.ArrayLike, y: npt.ArrayLike) -> BlandAltman:
    """Bias and limits of agreement of x against y (Bland and Altman 1986, Lancet 1:307-310).

    The limits are bias ± 1.96 SD. The variance of a limit is SD² (1/n + 1.96² / (2 (n - 1))) and its interval
    uses t with n - 1 degrees of freedom (Bland and Altman 1999, Stat Methods Med Res 8:135-160, section 2).

    Parameters
    ----------
    x, y : array-like of float, shape (cases,)
        Prediction and reference, at least two cases.

    Raises
    ------
    MeasurementError
        If the lists differ in length, hold fewer than two cases, or a value is not finite.
    """
    from scipy.special import stdtrit

    first, second = paired(x, y)
    differences = first - second
    cases = int(differences.size)
    bias, sd = float(differences.mean()), float(differences.std(ddof=1))
    t = float(stdtrit(cases - 1, (1 + LEVEL) / 2))
    bias_margin = t * sd / math.sqrt(cases)
    limit_margin = t * sd * math.sqrt(1 / cases + NORMAL_975**2 / (2 * (cases - 1)))
    return BlandAltman(
        cases=cases,
        bias=_with_margin(bias, bias_margin),
        sd=sd,
        lower=_with_margin(bias - NORMAL_975 * sd, limit_margin),
        upper=_with_margin(bias + NORMAL_975 * sd, limit_margin),
    )


def _with_margin(value: float, margin: float) -> Estimate:
    return Estimate(value, value - margin, value + margin)
