"""The Wilcoxon rank-sum test with its shift and interval, as R's ``wilcox.test(conf.int = TRUE)`` gives them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lesionseg.statistics.estimate import Alternative, Estimate


def rank_sum(
    treatment: Sequence[float] | NDArray[np.floating],
    control: Sequence[float] | NDArray[np.floating],
    *,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> Estimate:
    """Compare two arms by the Wilcoxon rank-sum test."""
    raise NotImplementedError
