"""What every model asks of its table: columns, no gaps, numbers for text, no column twice in other words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lesionseg.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Matrix: TypeAlias = NDArray[np.float64]

DEPENDENT = 1e-8  # a column whose part outside the span of those before is smaller than this part of it
NO_SPREAD = 1e-12  # residuals smaller than this part of the values are rounding, not spread


@dataclass(frozen=True)
class Covariates:
    """Covariates as numbers, one row per row of the table, and what a reader must know about them."""

    columns: Matrix
    notes: tuple[str, ...] = ()


def check_columns(table: pd.DataFrame, numeric: Sequence[str], others: Sequence[str]) -> None:
    """Refuse (InputError) a table without these columns, text for numbers, and an arm not True or False."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    missing = [name for name in (*numeric, *others, "treated") if name not in table.columns]
    if missing:
        raise InputError(
            "A column is missing from the table", expected=", ".join(missing), found=", ".join(table.columns)
        )
    for name in numeric:
        if not is_numeric_dtype(table[name]):
            raise InputError(f"Column {name} is not numeric", found=f"{table[name].dtype}")
        if np.isinf(table[name].to_numpy(dtype=np.float64)).any():
            raise InputError(f"Column {name} holds an infinite value", remedy="Leave the cell empty")
    if not is_bool_dtype(table["treated"]) or table["treated"].isna().any():
        raise InputError(
            "Column treated does not say True or False everywhere", found=f"{table['treated'].dtype}"
        )


def complete_rows(table: pd.DataFrame, columns: Sequence[str]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the rows without a gap in these columns, and a note of how many were left out."""
    whole = table[list(columns)].notna().all(axis=1)
    left_out = int((~whole).sum())
    note = (f"{left_out} of {len(table)} rows left out: a missing value, baseline or covariate",)
    return table[whole], note if left_out else ()


def covariate_columns(table: pd.DataFrame, names: Sequence[str]) -> Covariates:
    """Return numeric covariates as they are and text ones as a 0/1 column for each level but the first.

    A covariate with one value only says nothing and is left out with a note; no cell is missing. Numeric
    columns are brought to mean 0 and largest size 1, which changes no other coefficient but the intercept.
    """
    from pandas.api.types import is_numeric_dtype

    columns: list[Matrix] = []
    notes: list[str] = []
    for name in names:
        if table[name].nunique() < 2:
            notes.append(f"covariate {name} left out: one value only")
        elif is_numeric_dtype(table[name]):
            columns.append(centred(table[name].to_numpy(dtype=np.float64)))
        else:
            text = table[name].astype(str).to_numpy()
            columns += [(text == level).astype(np.float64) for level in np.unique(text)[1:]]
    stacked = np.column_stack(columns) if columns else np.empty((len(table), 0))
    return Covariates(stacked, tuple(notes))


def centred(values: Matrix) -> Matrix:
    """Return values with mean 0 and largest size 1; constant ones become 0."""
    moved = values - values.mean() if values.size else values
    size = float(np.abs(moved).max(initial=0.0))
    return moved / size if size > 0 else moved


def independent_columns(matrix: Matrix) -> list[int]:
    """Return the columns, from left to right, that are not a combination of those before them."""
    basis = np.empty((matrix.shape[0], 0))
    kept: list[int] = []
    for index, column in enumerate(matrix.T):
        rest = column - basis @ (basis.T @ column)
        rest -= basis @ (basis.T @ rest)  # a second time: rounding leaves some of it behind
        length = float(np.linalg.norm(rest))
        if length > DEPENDENT * float(np.linalg.norm(column)) and length > 0:
            basis = np.column_stack([basis, rest / length])
            kept.append(index)
    return kept
