"""The median of all pairwise treatment - control differences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def hodges_lehmann(
    treatment: Sequence[float] | NDArray[np.floating], control: Sequence[float] | NDArray[np.floating]
) -> float | None:
    """Return the median of all pairwise treatment - control differences; None where an arm is empty."""
    raise NotImplementedError
