"""A figure: what was measured, by which method, on which kind of evidence; and how figures are pooled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lesionseg.volumetry.agreement import bootstrap_interval

SYNTHETIC, REAL, COST = "synthetic", "real", "cost"
Statistic = Callable[[np.ndarray], float]
LEAST_FOR_INTERVAL = 10
"""Percentile intervals of fewer cases are far too narrow, and none is given."""


@dataclass(frozen=True)
class Figure:
    """One result.

    Attributes
    ----------
    row : int
        Row of the evaluation that it belongs to.
    evidence : str
        ``synthetic``, ``real`` or ``cost``; never pooled with each other.
    method : str
        Who labelled.
    data : str
        What was labelled: a scan, or a group of cases.
    measure : str
        With its unit.
    value : float
    low, high : float or None
        95 % bootstrap interval over the cases, where there are several.
    case : str
        The one case of the group; empty for a figure of the whole group.
    count : int
        Cases behind it.
    note : str
    source : str
        Bundle that labelled, or lent the lung mask: name, version and start of its hash.
    """

    row: int
    evidence: str
    method: str
    data: str
    measure: str
    value: float
    low: float | None = None
    high: float | None = None
    case: str = ""
    count: int = 1
    note: str = ""
    source: str = ""


def mean(values: np.ndarray) -> float:
    return float(np.mean(values))


def median_magnitude(values: np.ndarray) -> float:
    return float(np.median(np.abs(values)))


def p95_magnitude(values: np.ndarray) -> float:
    """95th percentile of the magnitudes, interpolated linearly."""
    return float(np.percentile(np.abs(values), 95))


def pooled(figures: Sequence[Figure], statistic: Statistic, measure: str) -> Figure:
    """Pool figures of one method and group of cases, with a bootstrap interval where there are enough."""
    values = np.array([figure.value for figure in figures], dtype=np.float64)
    whole = replace(figures[0], case="", measure=measure, value=statistic(values), count=len(values))
    if len(values) < LEAST_FOR_INTERVAL:
        return whole
    estimate = bootstrap_interval(values, statistic)
    return replace(whole, low=estimate.low, high=estimate.high)


def groups(figures: Iterable[Figure]) -> Iterator[list[Figure]]:
    """Figures of one method, group of cases and measure together, in order of first appearance."""
    found: dict[tuple[str, str, str], list[Figure]] = {}
    for figure in figures:
        found.setdefault((figure.method, figure.data, figure.measure), []).append(figure)
    yield from found.values()
