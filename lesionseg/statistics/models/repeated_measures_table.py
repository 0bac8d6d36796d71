"""From a long table to what the likelihood of a mixed model needs: sums of products per pattern of visits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lesionseg.core.errors import InputError
from lesionseg.statistics.models.model_table import (
    NO_SPREAD,
    Matrix,
    centred,
    complete_rows,
    covariate_columns,
    independent_columns,
)

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Pattern:
    """The subjects seen at the same visits.

    Attributes
    ----------
    visits : int64 array, shape (k,)
        Their visits.
    subjects : int
    products : float64 array, shape (k, k, q, q)
        ``products[i, j]`` sums z_i z_j' over the subjects, z_i the row of design and value at visit i.
    """

    visits: NDArray[np.int64]
    subjects: int
    products: Matrix


@dataclass(frozen=True)
class RepeatedDesign:
    """A mixed model's fixed part, ready to fit.

    Attributes
    ----------
    patterns : tuple of Pattern
    visits, coefficients, rows : int
        Numbers of visits, of fixed effects and of values.
    contrast : int or None
        Which coefficient is the arm's effect at the visit asked for; None where it cannot be estimated.
    variances : float64 array, shape (visits,)
        Of the residuals by least squares: where the fit starts.
    without_spread : bool
        Whether at some visit these are nothing but rounding.
    n_treatment, n_control, at_visit : int
        Subjects, and how many of them have a value at the visit asked for.
    notes : tuple of str
    """

    patterns: tuple[Pattern, ...]
    visits: int
    coefficients: int
    rows: int
    contrast: int | None
    variances: Matrix
    without_spread: bool
    n_treatment: int
    n_control: int
    at_visit: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Wide:
    """One row per subject: values of shape (subject, visit), NaN where not seen; arm; a row of the table."""

    values: Matrix
    treated: NDArray[np.bool_]
    subject_rows: pd.DataFrame
    names: tuple[str, ...]


def repeated_design(
    table: pd.DataFrame, covariates: Sequence[str], visit: str, *, baseline_by_visit: bool
) -> RepeatedDesign:
    """Return the design of visit, arm, arm by visit, baseline (by visit, if asked for) and covariates.

    Visits without values in both arms say nothing about the arms and are left out, with a note.

    Raises
    ------
    InputError
        A subject has two rows for one visit, or two arms, baselines or values of a covariate.
    """
    whole, notes = complete_rows(table, ("subject", "visit", "value", "baseline", *covariates))
    whole, more = _visits_in_both_arms(whole)
    wide = _widen(whole, covariates)
    asked = wide.names.index(visit) if visit in wide.names else None
    prepared = covariate_columns(wide.subject_rows, covariates)
    baseline = centred(wide.subject_rows["baseline"].to_numpy(dtype=np.float64))
    subject_columns = np.column_stack([baseline, prepared.columns])
    design = _design(wide, subject_columns, baseline_by_visit=baseline_by_visit)
    kept = independent_columns(design[np.isfinite(wide.values)])
    arms = range(design.shape[2] - len(wide.names), design.shape[2])  # the arm's columns, one for each visit
    told_apart = asked is not None and set(arms) <= set(kept)
    contrast = kept.index(arms[asked]) if told_apart and asked is not None else None
    return _assemble(wide, design[:, :, kept], asked, contrast, (*notes, *more, *prepared.notes))


def _visits_in_both_arms(table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    arms = table.groupby("visit")["treated"].nunique()
    alone = [str(name) for name in arms.index[arms < 2]]
    note = (f"left out, with values in one arm only: {', '.join(alone)}",) if alone else ()
    return table[~table["visit"].isin(alone)], note


def _widen(table: pd.DataFrame, covariates: Sequence[str]) -> _Wide:
    repeated = table[table.duplicated(["subject", "visit"])]
    if len(repeated):
        first = repeated.iloc[0]
        raise InputError(
            f"Subject {first['subject']} has more than one row for visit {first['visit']}", expected="one"
        )
    for name in ("treated", "baseline", *covariates):
        differing = table.groupby("subject")[name].nunique() > 1
        if differing.any():
            raise InputError(f"Subject {differing.idxmax()} has more than one {name}", expected="one")
    names = tuple(dict.fromkeys(table["visit"]))
    values = table.pivot(index="subject", columns="visit", values="value")[list(names)]
    subject_rows = table.drop_duplicates("subject").set_index("subject").loc[values.index]
    treated = subject_rows["treated"].to_numpy(dtype=np.bool_)
    level = float(table["value"].mean()) if len(table) else 0.0  # the visits' columns take it up
    return _Wide(values.to_numpy(dtype=np.float64) - level, treated, subject_rows, names)


def _design(wide: _Wide, subject_columns: Matrix, *, baseline_by_visit: bool) -> Matrix:
    """Return shape (subject, visit, column): visits, what belongs to subjects, the arm at each visit."""
    subjects, visits = wide.values.shape
    indicator = np.broadcast_to(np.eye(visits), (subjects, visits, visits))
    once = np.broadcast_to(subject_columns[:, None], (subjects, visits, subject_columns.shape[1]))
    parts = [indicator, once]
    if baseline_by_visit:
        parts.append(indicator * subject_columns[:, None, :1])
    parts.append(indicator * wide.treated[:, None, None])
    return np.concatenate(parts, axis=2, dtype=np.float64)


def _assemble(
    wide: _Wide, design: Matrix, asked: int | None, contrast: int | None, notes: tuple[str, ...]
) -> RepeatedDesign:
    seen = np.isfinite(wide.values)
    treated = int(wide.treated.sum())
    variances = _residual_variances(design, wide.values)
    size = float(np.abs(wide.values[seen]).max(initial=0.0))
    return RepeatedDesign(
        patterns=tuple(_patterns(seen, np.concatenate([design, wide.values[:, :, None]], axis=2))),
        visits=wide.values.shape[1],
        coefficients=design.shape[2],
        rows=int(seen.sum()),
        contrast=contrast,
        variances=variances,
        without_spread=bool((variances <= (NO_SPREAD * size) ** 2).any()),
        n_treatment=treated,
        n_control=len(wide.treated) - treated,
        at_visit=0 if asked is None else int(seen[:, asked].sum()),
        notes=notes,
    )


def _patterns(seen: NDArray[np.bool_], rows: Matrix) -> list[Pattern]:
    found, which = np.unique(seen, axis=0, return_inverse=True)
    patterns = []
    for index, mask in enumerate(found):
        visits = np.flatnonzero(mask)
        chosen = rows[which.ravel() == index][:, visits]
        flat = chosen.reshape(len(chosen), -1)
        size = (len(visits), rows.shape[2])
        products = (flat.T @ flat).reshape(*size, *size).transpose(0, 2, 1, 3)
        patterns.append(Pattern(visits, len(chosen), np.ascontiguousarray(products)))
    return patterns


def _residual_variances(design: Matrix, values: Matrix) -> Matrix:
    seen = np.isfinite(values)
    if not seen.any():
        return np.zeros(values.shape[1])
    basis, _ = np.linalg.qr(design[seen])
    rest = np.full(values.shape, np.nan)
    rest[seen] = values[seen] - basis @ (basis.T @ values[seen])
    return np.asarray(np.nanmean(rest**2, axis=0), dtype=np.float64)
