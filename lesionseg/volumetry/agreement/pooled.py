"""Agreement over all cases: means and medians, limits of agreement, intraclass correlation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lesionseg.volumetry.agreement.bland_altman import bland_altman
from lesionseg.volumetry.agreement.bootstrap import RESAMPLES, SEED, bootstrap_interval
from lesionseg.volumetry.agreement.estimates import TOO_FEW_CASES, Estimate
from lesionseg.volumetry.agreement.reliability import concordance, icc_agreement
from lesionseg.volumetry.agreement.results import BOTH_EMPTY, RegionAgreement

NO_CASES = "no-cases"
MEAN, MEDIAN, MEAN_NON_EMPTY, MEDIAN_ABSOLUTE = "mean", "median", "mean_non_empty", "median_absolute"
BIAS, LOWER_LIMIT, UPPER_LIMIT = "bias", "lower_limit", "upper_limit"
ICC, CCC = "icc_agreement", "concordance"
Statistic = Callable[[npt.NDArray[Any]], float]


@dataclass(frozen=True)
class Resampling:
    """Seed and number of resamples of the bootstrap."""

    seed: int = SEED
    resamples: int = RESAMPLES


@dataclass(frozen=True)
class PooledFigure:
    """One figure over all cases.

    Attributes
    ----------
    region : str
    measure : str
        A column of `RegionAgreement.as_row`; or ``volume_ml`` or ``proportion_pct``, prediction against
        reference.
    statistic : str
        What was made of it.
    estimate : Estimate
    cases : int
        How many entered.
    """

    region: str
    measure: str
    statistic: str
    estimate: Estimate
    cases: int

    def as_row(self) -> dict[str, float | int | str | None]:
        """Return one flat row."""
        return {
            "region": self.region,
            "measure": self.measure,
            "statistic": self.statistic,
            "value": self.estimate.value,
            "low": self.estimate.low,
            "high": self.estimate.high,
            "cases": self.cases,
            "missing": self.estimate.reason,
        }


def pool(
    cases: Sequence[Sequence[RegionAgreement]], resampling: Resampling | None = None
) -> tuple[PooledFigure, ...]:
    """Pool what was found in every case, region by region.

    Cases without a value do not enter a figure; `PooledFigure.cases` says how many did. A figure over fewer
    cases than it needs is missing with a reason; NaN does not occur.

    Parameters
    ----------
    cases : sequence of sequences of RegionAgreement
        Per case, its regions.
    resampling : Resampling, optional
        Of the intervals of means and medians; limits of agreement and ICC have intervals by formula.
    """
    by_region: dict[str, list[RegionAgreement]] = {}
    for case in cases:
        for found in case:
            by_region.setdefault(found.region, []).append(found)
    chosen = resampling or Resampling()
    return tuple(figure for found in by_region.values() for figure in _pool_region(found, chosen))


def _pool_region(found: list[RegionAgreement], resampling: Resampling) -> Iterator[PooledFigure]:
    region = found[0].region
    for name in ("dice", "surface_dice"):
        values = [getattr(each, name) for each in found]
        filled = [getattr(each, name) for each in found if each.empty != BOTH_EMPTY]
        for statistic, entering in ((MEAN, values), (MEDIAN, values), (MEAN_NON_EMPTY, filled)):
            yield _figure(region, name, statistic, entering, resampling)
    for name in ("error_ml", "error_pct", "proportion_error_points"):
        errors = [error for each in found if (error := getattr(each, name)) is not None]
        for statistic in (MEAN, MEDIAN, MEDIAN_ABSOLUTE):
            yield _figure(region, name, statistic, errors, resampling)
    for name, pairs in _paired_figures(found).items():
        for statistic, estimate in _agreement(pairs).items():
            yield PooledFigure(region, name, statistic, estimate, len(pairs))


def _paired_figures(found: list[RegionAgreement]) -> Mapping[str, list[tuple[float, float]]]:
    return {
        "volume_ml": [(each.prediction_ml, each.reference_ml) for each in found],
        "proportion_pct": [
            (each.prediction_proportion_pct, each.reference_proportion_pct)
            for each in found
            if each.prediction_proportion_pct is not None and each.reference_proportion_pct is not None
        ],
    }


def _agreement(pairs: list[tuple[float, float]]) -> dict[str, Estimate]:
    if len(pairs) < 2:
        reason = TOO_FEW_CASES if pairs else NO_CASES
        return dict.fromkeys((BIAS, LOWER_LIMIT, UPPER_LIMIT, ICC, CCC), Estimate(reason=reason))
    prediction, reference = zip(*pairs, strict=True)
    limits = bland_altman(prediction, reference)
    return {
        BIAS: limits.bias,
        LOWER_LIMIT: limits.lower,
        UPPER_LIMIT: limits.upper,
        ICC: icc_agreement(prediction, reference),
        CCC: concordance(prediction, reference),
    }


def _figure(
    region: str, measure: str, statistic: str, values: list[float], resampling: Resampling
) -> PooledFigure:
    return PooledFigure(region, measure, statistic, _estimate(values, statistic, resampling), len(values))


def _estimate(values: list[float], statistic: str, resampling: Resampling) -> Estimate:
    function = _STATISTICS[statistic]
    if not values:
        return Estimate(reason=NO_CASES)
    if len(values) == 1:
        return Estimate(function(np.array(values)), reason=TOO_FEW_CASES)
    return bootstrap_interval(values, function, seed=resampling.seed, resamples=resampling.resamples)


def _mean(values: npt.NDArray[Any]) -> float:
    return float(values.mean())


def _median(values: npt.NDArray[Any]) -> float:
    return float(np.median(values))


def _median_absolute(values: npt.NDArray[Any]) -> float:
    return float(np.median(np.abs(values)))


_STATISTICS: Mapping[str, Statistic] = {
    MEAN: _mean,
    MEDIAN: _median,
    MEAN_NON_EMPTY: _mean,
    MEDIAN_ABSOLUTE: _median_absolute,
}
