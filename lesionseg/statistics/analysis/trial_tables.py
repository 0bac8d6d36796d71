"""The tables a trial is analysed from, read and checked one by one; nothing is joined here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lesionseg.core.plan import TrialPlan
from lesionseg.core.provenance import sha256_of_file
from lesionseg.core.table_input import Column, InputTable, read_table
from lesionseg.statistics.analysis.arm_table import read_arm_table
from lesionseg.statistics.analysis.further_endpoints import read_further_endpoints

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class InputFile:
    """A table that was read: its role, path and the hash of its bytes."""

    role: str
    path: Path
    sha256: str


@dataclass(frozen=True)
class TrialTables:
    """Everything an analysis takes besides its plan.

    Attributes
    ----------
    lesions : DataFrame
        ``adlesion``: one row per subject, lesion parameter and visit; no arms.
    lesions_file : InputFile
    arms : InputTable
        One row per randomised subject.
    endpoints, adverse_events : InputTable, optional
    """

    lesions: pd.DataFrame
    lesions_file: InputFile
    arms: InputTable
    endpoints: InputTable | None = None
    adverse_events: InputTable | None = None

    @property
    def inputs(self) -> tuple[InputFile, ...]:
        """The files in the order in which they are read."""
        tables = (("arms", self.arms), ("endpoints", self.endpoints), ("adverse events", self.adverse_events))
        read = [InputFile(role, table.path, table.sha256) for role, table in tables if table is not None]
        return (self.lesions_file, *read)


def read_trial_tables(
    changes: Path,
    arms: Path,
    plan: TrialPlan,
    *,
    endpoints: Path | None = None,
    adverse_events: Path | None = None,
) -> TrialTables:
    """Read the tables; `changes` is the results folder of ``change``, or its ``adlesion`` file.

    Raises
    ------
    InputNotFoundError
        If a file is not there.
    TableError
        With every fault of the first table that has any.
    """
    from lesionseg.statistics.analysis.lesion_table import find_lesion_table, read_lesion_table

    arm_table = read_arm_table(arms, plan)
    further = read_further_endpoints(endpoints, plan) if endpoints else None
    events = _read_events(adverse_events) if adverse_events else None
    path = find_lesion_table(changes)
    lesions = read_lesion_table(path, plan)
    return TrialTables(lesions, InputFile("changes", path, sha256_of_file(path)), arm_table, further, events)


def _read_events(path: Path) -> InputTable:
    columns = (Column("subject", filled=True), Column("term", filled=True))
    return read_table(path, columns, extra=True, may_be_empty=True)
