"""Lesion that a reader erased: an editor leaves background there, but mostly it is lung."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from lesionseg.core.labels import Label
from lesionseg.dicom.settings import Note
from lesionseg.readings.masks.reader_mask import ReferenceScan
from lesionseg.volume.components import label_components, surface_share

LUNG_AROUND: Final = 0.25
"""Least share of the surface of a lesion erased within the lung; one at the pleura has about half."""


def give_back_lung(labels: npt.NDArray[np.uint8], scan: ReferenceScan) -> tuple[Note, ...]:
    """Make lung of the model's lesion that the reader erased inside the lung; change `labels` in place.

    A removed piece is lung where at least `LUNG_AROUND` of its surface touches what the reader kept; what was
    cut off together with the lung around it is not.
    """
    model = scan.model_labels
    if model is None:
        return ()
    pieces = label_components(model.lesion & (labels == Label.BACKGROUND), 26)
    if not pieces.any():
        return ()
    is_lung = surface_share(pieces, labels > Label.BACKGROUND) >= LUNG_AROUND
    is_lung[0] = False
    given = is_lung[pieces]
    labels[given] = Label.LUNG
    return tuple(_erased_notes(given, (pieces > 0) & ~given, scan.geometry.voxel_volume_ml))


def _erased_notes(
    given: npt.NDArray[np.bool_], left: npt.NDArray[np.bool_], voxel_ml: float
) -> Iterator[Note]:
    given_ml, left_ml = (np.count_nonzero(mask) * voxel_ml for mask in (given, left))
    if given_ml:
        text = f"{given_ml:.2f} ml of the model's lesion were erased within the lung: they count as lung"
        yield Note("lesion-erased", text)
    if left_ml:
        text = (
            f"{left_ml:.2f} ml of the model's lesion were cut off with the lung around them: no lung either"
        )
        yield Note("lesion-cut-off", text)
