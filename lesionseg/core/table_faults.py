"""Faults of a table: collected, then told all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lesionseg.core.errors import TableError

_SHOWN_FAULTS = 50


@dataclass(frozen=True)
class TableFault:
    """One thing wrong in a table.

    Attributes
    ----------
    problem, remedy : str
        Without a closing full stop.
    row : int, optional
        As a spreadsheet counts: the header is row 1.
    column : str
        Name in the header; empty where the fault is not one column's.
    """

    problem: str
    remedy: str
    row: int | None = None
    column: str = ""

    def __str__(self) -> str:
        parts = [f"row {self.row}" if self.row else "", f"column {self.column}" if self.column else ""]
        place = ", ".join(part for part in parts if part)
        return f"{place}: {self.problem}. {self.remedy}" if place else f"{self.problem}. {self.remedy}"


def refuse_faults(path: Path | str, faults: Sequence[TableFault]) -> None:
    """Raise a `TableError` that lists the faults in the order of the rows; return if there are none."""
    if not faults:
        return
    lines = tuple(str(fault) for fault in sorted(faults, key=lambda fault: fault.row or 0))
    more = len(lines) - _SHOWN_FAULTS
    shown = [*lines[:_SHOWN_FAULTS], *([f"and {more} more"] if more > 0 else [])]
    heading = [] if len(lines) == 1 else [f"{len(lines)} faults in this table"]
    problem = "\n".join([*heading, *(line.removesuffix(".") for line in shown)])
    raise TableError(problem, case=str(path), faults=lines)
