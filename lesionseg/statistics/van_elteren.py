"""The stratified rank-sum test of van Elteren with its shift and interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lesionseg.statistics.estimate import Alternative, Estimate


def van_elteren(
    values: Sequence[float] | NDArray[np.floating],
    treated: Sequence[bool] | NDArray[np.bool_],
    strata: Sequence[object],
    *,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> Estimate:
    """Compare two arms within strata."""
    raise NotImplementedError
