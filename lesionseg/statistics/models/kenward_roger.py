"""Small samples: the standard error and degrees of freedom of Kenward and Roger.

Source: Kenward MG, Roger JH. Small sample inference for fixed effects from restricted maximum likelihood.
Biometrics 1997;53:983-997. The covariance is linear in its parameters, so that their R_ij are 0; for one
contrast their scaling factor is 1 and their denominator degrees of freedom reduce to Satterthwaite's.
"""

from __future__ import annotations

import numpy as np

from lesionseg.statistics.models.reml import RemlPoint
from lesionseg.statistics.wald import WaldEffect

LEAST_DEGREES = 0.5
"""Fewer degrees of freedom mean that the data say nothing of the standard error."""


def kenward_roger(point: RemlPoint, contrast: int) -> WaldEffect | None:
    """Return a coefficient with its adjusted standard error and degrees of freedom.

    With every subject seen at every visit and baseline by visit in the model, both are those of the ANCOVA at
    that visit. None where a handful of subjects leaves the adjusted variance below 0 or without degrees of
    freedom.
    """
    variance = point.variance
    uncertainty = np.linalg.inv(point.expected)  # of the covariance parameters
    between = np.einsum("rab,bc,scd->rsad", point.first, variance, point.first)
    excess = np.einsum("rs,rsab->ab", uncertainty, point.second - between)
    adjusted = variance + 2 * variance @ excess @ variance
    gradient = np.einsum("a,rab,b->r", variance[contrast], point.first, variance[contrast])
    degrees = 2 * variance[contrast, contrast] ** 2 / (gradient @ uncertainty @ gradient)
    if not adjusted[contrast, contrast] > 0 or not LEAST_DEGREES <= degrees < np.inf:
        return None
    return WaldEffect(
        effect=float(point.coefficients[contrast]),
        standard_error=float(np.sqrt(adjusted[contrast, contrast])),
        degrees_of_freedom=float(degrees),
    )
