"""Missing values drawn from their distribution given what was seen in the same arm: chained equations.

Each variable with gaps is drawn in turn from the Bayesian linear regression on all the others, coefficients
and residual variance drawn too, until the draws have forgotten where they began. A draw is either what the
regression predicts with a normal error, or the value of somebody seen for whom it predicts about the same.

Sources: van Buuren S. Flexible imputation of missing data, 2nd ed. 2018, algorithms 3.1, 3.3, 4.3. Sullivan
TR et al. Should multiple imputation be the method of choice for handling missing data in randomized trials?
Stat Methods Med Res 2018;27:2610-2626 (why within arm).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from lesionseg.core.errors import ConfigurationError
from lesionseg.statistics.models.model_table import (
    Matrix,
    check_columns,
    covariate_columns,
    independent_columns,
)

if TYPE_CHECKING:
    import pandas as pd

ImputationMethod = Literal["regression", "matching"]
Draw = Callable[[Matrix, Matrix, Matrix, np.random.Generator], Matrix]
"""Of design and values of the rows seen, and the design of those ahead."""

CYCLES = 10
"""Rounds of the chain before a draw is kept; van Buuren 2018, section 4.5.2: 5 to 20."""
SPARE_DEGREES = 5
"""Predictors are left out until the residual variance has this many degrees of freedom, or none is left."""
DONORS = 5
"""van Buuren 2018, section 3.4.3."""
FEWEST_SEEN = 2
"""Fewer values than this have no spread to draw from."""


@dataclass(frozen=True)
class ImputationPlan:
    """How missing values are drawn.

    Attributes
    ----------
    other_visits : tuple of str
        Columns with the same parameter's change at other visits; may be missing too.
    covariates : tuple of str
        Columns, numeric (may be missing too) or text (a missing one leaves the column out).
    imputations : int
        At least 2.
    seed : int
        0 or more. Same table, same seed: same draws.
    lowest : float or None
        Values drawn below are set to it: -100 for a relative change.
    method : str
        ``regression``: normal errors; ``matching``: values of others (predictive mean matching), which keeps
        the shape of what was seen but cannot go beyond it.

    Raises
    ------
    ConfigurationError
        Fewer than 2 imputations, a negative seed, or an unknown method.
    """

    other_visits: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()
    imputations: int = 50
    seed: int = 0
    lowest: float | None = None
    method: ImputationMethod = "regression"

    def __post_init__(self) -> None:
        if self.imputations < 2:
            raise ConfigurationError(
                "Too few imputations", expected="at least 2", found=f"{self.imputations}"
            )
        if self.method not in DRAWS:
            raise ConfigurationError(
                "The imputation method is unknown", expected=" or ".join(DRAWS), found=f"{self.method}"
            )
        if self.seed < 0:
            raise ConfigurationError("The seed is negative", expected="0 or more", found=f"{self.seed}")


@dataclass(frozen=True)
class Imputed:
    """Tables without gaps in `value`, baseline and numeric covariates; which values were drawn; notes."""

    tables: tuple[pd.DataFrame, ...]
    drawn: NDArray[np.bool_]
    notes: tuple[str, ...] = ()


def impute(table: pd.DataFrame, plan: ImputationPlan) -> Imputed:
    """Return the table with its gaps filled, `plan.imputations` times; no table where it cannot be done.

    Raises
    ------
    InputError
        A column is missing, not numeric, or infinite.
    """
    check_columns(table, ("value", "baseline", *plan.other_visits), plan.covariates)
    drawn = table["value"].isna().to_numpy()
    numeric, dummies, notes = _predictors(table, plan)
    names = list(numeric.columns)
    filled = np.repeat(numeric.to_numpy(dtype=np.float64)[None], plan.imputations, axis=0)
    seeds = np.random.SeedSequence(plan.seed).spawn(2)
    for treated, seed in zip((True, False), seeds, strict=True):
        rows = np.flatnonzero(table["treated"].to_numpy(dtype=np.bool_) == treated)
        arm = "treatment" if treated else "control"
        chain, more = _chain(numeric.iloc[rows], dummies[rows], arm)
        notes += more
        if chain is None:
            return Imputed((), drawn, tuple(notes))
        generator = np.random.default_rng(seed)
        for one in filled:
            one[np.ix_(rows, np.asarray(chain.positions))] = chain.draw(DRAWS[plan.method], generator)
    if plan.lowest is not None:
        value = names.index("value")
        filled[:, drawn, value] = np.maximum(filled[:, drawn, value], plan.lowest)
    tables = tuple(table.assign(**dict(zip(names, one.T, strict=True))) for one in filled)
    return Imputed(tables, drawn, tuple(notes))


def _predictors(table: pd.DataFrame, plan: ImputationPlan) -> tuple[pd.DataFrame, Matrix, list[str]]:
    """Return numeric columns (the value first, then by importance), text ones as 0/1, and notes."""
    from pandas.api.types import is_numeric_dtype

    numeric = [name for name in plan.covariates if is_numeric_dtype(table[name])]
    text = [name for name in plan.covariates if name not in numeric]
    gaps = [name for name in text if table[name].isna().any()]
    notes = [f"covariate {name} not used to impute: missing in some subjects" for name in gaps]
    dummies = covariate_columns(table, [name for name in text if name not in gaps])
    columns = table[["value", "baseline", *plan.other_visits, *numeric]]
    return columns.astype(np.float64), dummies.columns, notes


@dataclass(frozen=True)
class _Chain:
    """One arm: columns with gaps, each with the columns that predict it.

    Attributes
    ----------
    positions : tuple of int
        Columns of the whole table that take part.
    values : float64 array, shape (subjects, columns + dummies)
        NaN in the gaps; dummies, which have none, stand last.
    predictors : tuple of (int, tuple of int)
        Columns with gaps, those with fewest first, and what predicts them.
    """

    positions: tuple[int, ...]
    values: Matrix
    predictors: tuple[tuple[int, tuple[int, ...]], ...]

    def draw(self, method: Draw, generator: np.random.Generator) -> Matrix:
        """Return the columns of `positions` with the gaps filled once."""
        gaps = np.isnan(self.values)
        filled = self.values.copy()
        for column, _ in self.predictors:
            seen = self.values[~gaps[:, column], column]
            filled[gaps[:, column], column] = generator.choice(seen, int(gaps[:, column].sum()))
        for _ in range(CYCLES if len(self.predictors) > 1 else 1):
            for column, predictors in self.predictors:
                design = np.column_stack([np.ones(len(filled)), filled[:, predictors]])
                missing = gaps[:, column]
                filled[missing, column] = method(
                    design[~missing], filled[~missing, column], design[missing], generator
                )
        return filled[:, : len(self.positions)]


def _chain(columns: pd.DataFrame, dummies: Matrix, arm: str) -> tuple[_Chain | None, list[str]]:
    seen = columns.notna().sum().to_numpy()
    gaps = len(columns) - seen
    if gaps[0] and seen[0] < FEWEST_SEEN:
        return None, [f"{arm}: {seen[0]} values observed, too few to impute from"]
    usable = [int(index) for index in np.flatnonzero((gaps == 0) | (seen >= FEWEST_SEEN))]
    notes = [
        f"{arm}: {columns.columns[index]} not used to impute: hardly ever observed"
        for index in range(len(seen))
        if index not in usable
    ]
    values = np.column_stack([columns.to_numpy(dtype=np.float64)[:, usable], dummies])
    predictors = []
    for column in sorted((c for c, index in enumerate(usable) if gaps[index]), key=lambda c: gaps[usable[c]]):
        others = [other for other in range(values.shape[1]) if other != column]
        room = max(0, int(seen[usable[column]]) - 1 - SPARE_DEGREES)
        if column == 0 and room < len(others):
            notes.append(f"{arm}: {room} of {len(others)} predictors used to impute: few values observed")
        predictors.append((column, tuple(others[:room])))
    return _Chain(tuple(usable), values, tuple(predictors)), notes


def _draw_regression(design: Matrix, values: Matrix, ahead: Matrix, generator: np.random.Generator) -> Matrix:
    """Return new values at the rows `ahead`; van Buuren 2018, algorithm 3.1, with a flat prior."""
    _, predicted, deviation = _draw_prediction(design, values, ahead, generator)
    return predicted + deviation * generator.standard_normal(len(ahead))


def _draw_matching(design: Matrix, values: Matrix, ahead: Matrix, generator: np.random.Generator) -> Matrix:
    """Return for each of the rows `ahead` the value of one of `DONORS`; van Buuren 2018, algorithm 3.3.

    Donors are the rows seen whose fitted values are nearest to what drawn coefficients predict.
    """
    fitted, predicted, deviation = _draw_prediction(design, values, ahead, generator)
    shuffled = generator.permutation(len(values))  # rows with one fitted value take turns
    distances = np.abs(fitted[shuffled] - predicted[:, None])
    tied = np.round(distances / max(deviation, np.finfo(np.float64).tiny), 9)
    nearest = np.argsort(tied, axis=1, kind="stable")[:, :DONORS]
    chosen = generator.integers(nearest.shape[1], size=len(ahead))
    return values[shuffled[nearest[np.arange(len(ahead)), chosen]]]


def _draw_prediction(
    design: Matrix, values: Matrix, ahead: Matrix, generator: np.random.Generator
) -> tuple[Matrix, Matrix, float]:
    """Return fitted values, predictions ahead by drawn coefficients, and the drawn residual deviation."""
    scale = np.abs(design).max(axis=0).clip(min=np.finfo(np.float64).tiny)
    kept = independent_columns(design / scale)
    basis, triangle = np.linalg.qr((design / scale)[:, kept])
    projected = basis.T @ values
    fitted = np.asarray(basis @ projected, dtype=np.float64)
    rest = values - fitted
    degrees = max(1, len(values) - len(kept))
    deviation = float(np.sqrt(rest @ rest / generator.chisquare(degrees)))
    drawn = np.linalg.solve(triangle, projected + deviation * generator.standard_normal(len(kept)))
    return fitted, np.asarray((ahead / scale)[:, kept] @ drawn, dtype=np.float64), deviation


DRAWS: Mapping[ImputationMethod, Draw] = MappingProxyType(
    {"regression": _draw_regression, "matching": _draw_matching}
)


def imputed_note(imputed: Imputed, treated: Sequence[bool] | NDArray[np.bool_]) -> str:
    """Return how many values of each arm were drawn, in words."""
    arms = np.asarray(treated, dtype=np.bool_)
    return (
        f"imputed: {int((imputed.drawn & arms).sum())} of {int(arms.sum())} treatment and "
        f"{int((imputed.drawn & ~arms).sum())} of {int((~arms).sum())} control values, "
        f"{len(imputed.tables)} times"
    )
