"""The pilot that a power simulation draws its patients from, and what a treatment would do to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lesionseg.core.errors import AnalysisError, ConfigurationError
from lesionseg.core.plan import Change
from lesionseg.core.table_cells import Cell
from lesionseg.core.table_input import Column, InputTable, read_table

Values = NDArray[np.float64]

LEAST_SUBJECTS = 5
"""Fewer say nothing about a distribution; many more are wanted."""

PLAIN_COLUMNS = (
    Column("subject", filled=True),
    Column("parameter", filled=True),
    Column("visit", filled=True),
    Column("baseline", "number"),
    Column("value", "number"),
)
TRIAL_COLUMNS = (
    Column("USUBJID", filled=True),
    Column("PARAMCD", filled=True),
    Column("AVISIT", filled=True),
    Column("BASE", "number"),
    Column("AVAL", "number"),
)
ARM_COLUMNS = ("TRT01P", "arm")


@dataclass(frozen=True)
class PilotQuestion:
    """Which rows of a pilot table are meant.

    Attributes
    ----------
    parameter, visit : str
    change : str
        ``relative`` (% of baseline) or ``absolute``.
    arm : str
        Draw from this arm of the pilot alone; empty: from everybody.
    """

    parameter: str
    visit: str
    change: Change = "relative"
    arm: str = ""


@dataclass(frozen=True)
class Effect:
    """What the treatment does beyond what happens without it.

    Attributes
    ----------
    shift : float
        Added to every change: % for a relative change, the parameter's unit for an absolute one.
    shrink_pct : float
        Takes so many per cent off every follow-up value, before the shift.
    """

    shift: float = 0.0
    shrink_pct: float = 0.0

    def __post_init__(self) -> None:
        if not np.isfinite(self.shift) or not self.shrink_pct <= 100:
            raise ConfigurationError(
                "the effect is out of range",
                expected="a finite shift; at most 100 % taken off",
                found=f"{self.shift:g} and {self.shrink_pct:g} %",
            )


@dataclass(frozen=True, eq=False)
class Pilot:
    """Patients with a value at both visits.

    Attributes
    ----------
    baselines, follow_ups : ndarray of float, shape (subjects,)
    change : str
        ``relative`` or ``absolute``; baselines are above 0 for the former.
    left_out : int
        Subjects of the table that lack a value or, for a relative change, have a baseline of 0.
    """

    baselines: Values
    follow_ups: Values
    change: Change = "relative"
    left_out: int = 0

    def __post_init__(self) -> None:
        if self.baselines.size < LEAST_SUBJECTS:
            raise AnalysisError(
                "the pilot is too small to draw patients from",
                expected=f"at least {LEAST_SUBJECTS} subjects with a change",
                found=f"{self.baselines.size}, and {self.left_out} without",
                remedy="Check parameter, visit and change, or take a larger pilot",
            )

    @property
    def changes(self) -> Values:
        """The change of every subject as observed."""
        return self._change_to(self.follow_ups)

    @property
    def median(self) -> float:
        """Median of the changes as observed."""
        return float(np.median(self.changes))

    def treated(self, effect: Effect) -> Values:
        """Return every subject's change under treatment.

        No follow-up falls below 0 where the pilot has no negative value: a lesion cannot be less than gone.
        """
        changes = self._change_to(self.follow_ups * (1 - effect.shrink_pct / 100)) + effect.shift
        if min(self.baselines.min(), self.follow_ups.min()) < 0:
            return changes
        return np.maximum(changes, self._change_to(np.zeros_like(self.follow_ups)))

    def _change_to(self, follow_ups: Values) -> Values:
        difference = follow_ups - self.baselines
        return difference if self.change == "absolute" else 100 * difference / self.baselines


def read_pilot(path: Path, question: PilotQuestion) -> Pilot:
    """Read a pilot: ``adlesion.csv``, ``adtrial.csv``, or subject, parameter, visit, baseline, value.

    Raises
    ------
    InputNotFoundError
        If the file is not there.
    TableError
        With every fault of the table.
    AnalysisError
        If parameter, visit or arm do not occur, or too few subjects have a change.
    """
    optional = (*PLAIN_COLUMNS, *TRIAL_COLUMNS)
    header = read_table(path, [Column(c.name, "any", required=False) for c in optional], extra=True).columns
    columns = TRIAL_COLUMNS if "PARAMCD" in header else PLAIN_COLUMNS
    subject, parameter, visit, baseline, value = (column.name for column in columns)
    table = read_table(path, columns, key=(subject, parameter, visit), extra=True)
    rows = list(table.rows)
    if question.arm:
        rows = _only(table, rows, _arm_column(table), question.arm)
    rows = _only(table, rows, parameter, question.parameter)
    rows = _only(table, rows, visit, question.visit)
    pairs = [(row[baseline], row[value]) for row in rows]
    known = [(float(a), float(b)) for a, b in pairs if isinstance(a, float) and isinstance(b, float)]
    if question.change == "relative":
        known = [(before, after) for before, after in known if before > 0]
    before, after = (np.array(column) for column in zip(*known, strict=True)) if known else ((), ())
    return Pilot(
        np.asarray(before, np.float64), np.asarray(after, np.float64), question.change, len(rows) - len(known)
    )


def _arm_column(table: InputTable) -> str:
    for name in ARM_COLUMNS:
        if name in table.columns:
            return name
    raise AnalysisError(
        "the pilot has no arms to choose from",
        case=str(table.path),
        expected=f"a column {' or '.join(ARM_COLUMNS)}",
        found=", ".join(table.columns),
    )


def _only(
    table: InputTable, rows: Sequence[dict[str, Cell]], column: str, wanted: str
) -> list[dict[str, Cell]]:
    kept = [row for row in rows if str(row[column]) == wanted]
    if not kept:
        known = sorted({str(row[column]) for row in rows})
        raise AnalysisError(
            f"no row of the pilot has {wanted} in the column {column}",
            case=str(table.path),
            expected=wanted,
            found=", ".join(known[:12]) + (" …" if len(known) > 12 else ""),
        )
    return kept
