"""What a broken or odd series is: how it is made of the good one, and what a reader should make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lesionseg.core.errors import LesionSegError
from tests.support.compare import Truth
from tests.support.ct_series import Series

Maker = Callable[[Series, Path], tuple[Truth, ...]]
"""Writes the files below the folder; returns every reading that would be right."""


@dataclass(frozen=True)
class SeriesCase:
    """One broken or odd input.

    Attributes
    ----------
    name, how : str
        Name, and how it was made from the good series.
    make : callable
        Writes it.
    errors : tuple of error classes
        Those a user would expect; empty where the series is intact and must be read right.
    positions_mm : tuple of float
        The message must name at least one of these.
    may_load : bool
        Refusing is expected, but reading the truth exactly is right as well.
    listed : bool
        One of the 25 of the readers' comparison.
    """

    name: str
    how: str
    make: Maker
    errors: tuple[type[LesionSegError], ...] = ()
    positions_mm: tuple[float, ...] = ()
    may_load: bool = False
    listed: bool = False

    @property
    def intact(self) -> bool:
        return not self.errors


def truth_of(series: Series) -> Truth:
    """The right reading of the good series."""
    return Truth(series.volume.hu, np.array(series.volume.geometry.affine))
