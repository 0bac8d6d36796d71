"""The tipping point: how much worse imputed treatment values must be before the conclusion changes.

Source: Ratitch B, O'Kelly M, Tosiello R. Missing data in clinical trials: from clinical assumptions to
statistical analysis using pattern mixture models. Pharm Stat 2013;12:337-347.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtri

from lesionseg.statistics.estimate import Alternative, Estimate
from lesionseg.statistics.missing.draws import ImputationPlan, Imputed, impute
from lesionseg.statistics.missing.imputation import Analysis, ImputedAnalysis, pooled_estimate

if TYPE_CHECKING:
    import pandas as pd

PRECISION = 2e-3  # of the tipping point, as a part of the range of all values
SMALLEST_P = 1e-300


@dataclass(frozen=True)
class TippingPoint:
    """Where P crosses alpha.

    Attributes
    ----------
    shift : float or None
        Added to every imputed treatment value, in the value's units; the shift nearest to 0 at which the
        conclusion is another one. None where no shift changes it, or where nothing was imputed for treatment.
    curve : tuple of (float, Estimate)
        Shifts tried, in increasing order, each with the pooled estimate.
    notes : tuple of str
    """

    shift: float | None
    curve: tuple[tuple[float, Estimate], ...]
    notes: tuple[str, ...] = ()


def tipping_point(
    table: pd.DataFrame,
    plan: ImputationPlan,
    *,
    analysis: Analysis = "rank-sum",
    adjust_for: Sequence[str] = (),
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> TippingPoint:
    """Shift the imputed treatment values until P crosses alpha.

    Where the pooled P is below alpha without a shift, the shift goes against the effect until it no longer
    is; otherwise along the effect (or the alternative) until it is. The same draws serve every shift. Whether
    a shift of that size can be believed is for the reader to judge.

    Parameters
    ----------
    table, plan, analysis, adjust_for
        As for `multiple_imputation`. `plan.lowest` bounds the shifted values too.

    Raises
    ------
    InputError, ConfigurationError
        As `multiple_imputation`.
    """
    each = ImputedAnalysis(analysis, tuple(adjust_for), alpha, alternative)
    imputed = impute(table, plan)
    shifted = imputed.drawn & table["treated"].to_numpy(dtype=np.bool_)
    if not shifted.any():
        return TippingPoint(None, (), ("no treatment value was imputed: there is nothing to shift",))
    curve = _Curve(imputed, shifted, each, plan.lowest)
    start = curve.at(0.0)
    if start.p_value is None or start.effect is None:
        return TippingPoint(None, ((0.0, start),), start.notes)
    return _search(curve, start.effect, start.p_value)


@dataclass(frozen=True)
class _Curve:
    """Pooled estimates by shift of the drawn treatment values (`shifted`); each is worked out once."""

    imputed: Imputed
    shifted: NDArray[np.bool_]
    each: ImputedAnalysis
    lowest: float | None
    points: dict[float, Estimate] = field(default_factory=dict)

    def at(self, shift: float) -> Estimate:
        if shift not in self.points:
            tables = tuple(self._moved(table, shift) for table in self.imputed.tables)
            self.points[shift] = pooled_estimate(replace(self.imputed, tables=tables), self.each)
        return self.points[shift]

    def _moved(self, table: pd.DataFrame, shift: float) -> pd.DataFrame:
        values = table["value"].to_numpy(dtype=np.float64).copy()
        values[self.shifted] += shift
        if self.lowest is not None:
            values[self.shifted] = np.maximum(values[self.shifted], self.lowest)
        return table.assign(value=values)

    def value_range(self) -> float:
        """Return a shift by which every shifted value is beyond every other: ranks change no more."""
        return max(float(np.ptp(table["value"])) for table in self.imputed.tables)

    def sorted_points(self) -> tuple[tuple[float, Estimate], ...]:
        return tuple(sorted(self.points.items()))


def _search(curve: _Curve, effect: float, p_value: float) -> TippingPoint:
    each = curve.each
    towards = {"less": -1.0, "greater": 1.0}.get(each.alternative, np.sign(effect) or -1.0)
    tail = each.alpha / 2 if each.alternative == "two-sided" else each.alpha
    significant = p_value < each.alpha

    def excess(shift: float) -> float:
        """Return how far, in standard normal units, the test is beyond its critical value."""
        return float(ndtri(tail) - ndtri(_tail_probability(curve.at(shift), each.alternative, towards)))

    furthest = curve.value_range() * float(-towards if significant else towards)
    if furthest == 0 or (excess(furthest) > 0) == significant:
        word = "is significant without a shift and stays so" if significant else "does not become significant"
        note = f"the comparison {word} up to a shift of {furthest:.4g}"
        return TippingPoint(None, curve.sorted_points(), (note,))
    brentq(excess, 0.0, furthest, xtol=PRECISION * abs(furthest))
    changed = [shift for shift in curve.points if (excess(shift) > 0) != significant]
    shift = min(changed, key=abs)
    word = "no longer significant" if significant else "significant"
    return TippingPoint(shift, curve.sorted_points(), (f"{word} from a shift of {shift:.4g} on",))


def _tail_probability(estimate: Estimate, alternative: Alternative, towards: float) -> float:
    """Return the P value of the side the effect is on; falls steadily as the values move that way."""
    if estimate.p_value is None or estimate.effect is None:
        return 1.0 - 1e-16
    p_value = estimate.p_value
    if alternative == "two-sided":
        p_value = p_value / 2 if estimate.effect * towards > 0 else 1 - p_value / 2
    return min(max(p_value, SMALLEST_P), 1 - 1e-16)
