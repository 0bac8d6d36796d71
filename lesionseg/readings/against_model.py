"""How a reader's label map differs from the model's: which ml went from what to what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lesionseg.core.errors import MeasurementError
from lesionseg.core.labels import DEFAULT_SCHEME
from lesionseg.volume import LabelMap
from lesionseg.volumetry.agreement import REGIONS, RegionLabels, dice

_NAMES = DEFAULT_SCHEME.names


@dataclass(frozen=True)
class LabelChanges:
    """What a reader changed.

    Attributes
    ----------
    moved_ml : dict of str to float
        Volume by ``from -> to``, such as ``lung -> solid``; pairs of labels between which nothing moved are
        left out.
    dice : dict of str to float
        By region: 1 where the two are the same, empty ones included.
    """

    moved_ml: dict[str, float]
    dice: dict[str, float]

    @property
    def changed_ml(self) -> float:
        """Volume whose label changed."""
        return sum(self.moved_ml.values())

    def as_dict(self) -> dict[str, Any]:
        """Return everything in JSON values."""
        return {"changed_ml": self.changed_ml, "moved_ml": self.moved_ml, "dice": self.dice}


def label_changes(model: LabelMap, reader: LabelMap) -> LabelChanges:
    """Count where the reader's label differs from the model's.

    Raises
    ------
    MeasurementError
        If the two do not lie on one grid.
    """
    if not model.geometry.matches(reader.geometry):
        raise MeasurementError(
            "the labels of model and reader do not lie on one grid",
            expected=str(model.geometry.shape),
            found=str(reader.geometry.shape),
        )
    count = len(_NAMES)
    pairs = np.bincount((model.labels * np.uint8(count) + reader.labels).ravel(), minlength=count**2)
    voxel_ml = reader.geometry.voxel_volume_ml
    moved = {
        f"{_NAMES[pair // count]} -> {_NAMES[pair % count]}": int(voxels) * voxel_ml
        for pair, voxels in enumerate(pairs)
        if voxels and pair // count != pair % count
    }
    told = RegionLabels()
    overlap = {
        name: dice(told.region(model.labels, name), told.region(reader.labels, name)) for name in REGIONS
    }
    return LabelChanges(moved, overlap)
