"""P values adjusted for several endpoints; compare each with alpha."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from lesionseg.core.errors import ConfigurationError


def holm(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Return Holm's step-down adjusted P values, in the order given.

    An endpoint that could not be tested (None) stays None, but keeps its place in the family: the others are
    adjusted as if its P were 1. R's `p.adjust` would drop it, and the failure of one endpoint would then make
    another one significant.

    Source: Holm S. A simple sequentially rejective multiple test procedure. Scand J Stat 1979;6:65-70.
    """
    order = sorted(range(len(p_values)), key=lambda index: _as_one(p_values[index]))
    stepped = (min(1.0, (len(order) - rank) * _as_one(p_values[index])) for rank, index in enumerate(order))
    adjusted = dict(zip(order, accumulate(stepped, max), strict=True))
    return tuple(None if p is None else adjusted[index] for index, p in enumerate(p_values))


def fixed_sequence(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Return P values adjusted for testing in the order given, each only if all before it were significant.

    The adjusted P is the largest so far, so that comparing it with alpha is the whole procedure, whatever
    alpha. An endpoint that could not be tested (None) stays None and closes the gate: those after it get 1.

    Source: Maurer W, Hothorn LA, Lehmacher W. Multiple comparisons in drug clinical trials and preclinical
    assays: a-priori ordered hypotheses. In: Biometrie in der chemisch-pharmazeutischen Industrie 6, 1995.
    """
    largest = accumulate((_as_one(p) for p in p_values), max)
    return tuple(None if p is None else top for p, top in zip(p_values, largest, strict=True))


def _as_one(p_value: float | None) -> float:
    if p_value is None:
        return 1.0
    if not 0 <= p_value <= 1:
        raise ConfigurationError("A P value is out of range", expected="0 to 1", found=f"{p_value}")
    return float(p_value)
