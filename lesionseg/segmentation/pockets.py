"""Aerated lung that the network left out, inside or at the rim of the lung it found."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lesionseg.core.labels import Label
from lesionseg.segmentation.resampling import FloatArray
from lesionseg.segmentation.winners import box_around, winning_labels
from lesionseg.volume.components import label_components, surface_share

POCKET_THRESHOLD_HU = -650.0
"""Aerated lung lies near -830 HU, ground glass near -650: only clear lung is ever added."""
SMALLEST_LUNG_SHARE = 0.5
"""Of a pocket's surface that touches lung. Bowel gas, airways and air outside the body border on soft tissue
or on air, not on lung."""
POCKET_LEAD = 1.0
"""By how much label 1 then leads the other logits in a pocket."""
_MARGIN = 4

BoolArray = npt.NDArray[np.bool_]


def fill_air_pockets(logits: npt.NDArray[np.float16], hu: FloatArray, airways: BoolArray) -> None:
    """Label pockets of aerated lung as lung without lesion, in place.

    A pocket is a connected piece of background below `POCKET_THRESHOLD_HU`, outside the airways, at least
    `SMALLEST_LUNG_SHARE` of whose surface touches lung.

    Parameters
    ----------
    logits : ndarray, shape (labels, slices, rows, columns), float16
        On the same grid as `hu`; changed in place.
    hu : ndarray, float32
    airways : ndarray of bool
        Trachea and main bronchi; never added.
    """
    lung = winning_labels(logits) > Label.BACKGROUND
    box = box_around(lung, _MARGIN)
    if box is None:
        return
    inside = lung[box]
    air = (hu[box] < POCKET_THRESHOLD_HU) & ~inside & ~airways[box]
    pieces = label_components(air, 6)
    pockets = surface_share(pieces, inside) >= SMALLEST_LUNG_SHARE
    pockets[0] = False
    view = logits[:, *box]
    chosen = np.asarray(pockets[pieces])
    view[Label.LUNG][chosen] = view[:, chosen].max(axis=0) + np.float16(POCKET_LEAD)
