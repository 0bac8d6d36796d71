"""Tables of the trial report: heads, rows and cells as the template writes them."""

from __future__ import annotations

from dataclasses import dataclass

_SHORT = 9
"""Rows; longer tables may part between pages, with their heads repeated."""


@dataclass(frozen=True)
class Cell:
    """What a cell says, and in smaller letters beneath what qualifies it."""

    text: str
    detail: str = ""


@dataclass(frozen=True)
class Head:
    """Name of a column; `left` for words, otherwise figures stand at the right; `code` for hashes."""

    name: str
    left: bool = False
    code: bool = False


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes
    ----------
    heads : tuple of Head
    rows : tuple of tuple of Cell
        Each as long as `heads`; the first cell names its row.
    caption, note : str
        Above and below; may be empty.
    """

    heads: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    note: str = ""

    @property
    def short(self) -> bool:
        """Whether a printed page should hold it as a whole."""
        return len(self.rows) <= _SHORT


@dataclass(frozen=True)
class Figure:
    """A picture as SVG text, its number on the page, and the words beneath it."""

    svg: str
    caption: str
