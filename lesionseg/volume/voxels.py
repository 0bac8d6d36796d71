"""Voxel values from a file, brought to the two types a volume may have: int16 and float32."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import IntensityError, MeasurementError
from lesionseg.volume.ct_volume import HUArray

_INT16 = np.iinfo(np.int16)
_STORED_AS_INT16 = tuple(np.dtype(name) for name in ("i1", "u1", "i2"))


def allocate_hounsfield(
    shape: tuple[int, int, int], stored: npt.DTypeLike, slope: float = 1.0, intercept: float = 0.0
) -> HUArray:
    """Empty array that can take stored · slope + intercept: int16 where that is sure, else float32."""
    plain = slope == 1 and intercept == 0
    if plain and np.dtype(stored).newbyteorder("=") in _STORED_AS_INT16:
        return np.empty(shape, np.int16)
    return np.empty(shape, np.float32)


def compact_hounsfield(values: HUArray, case: str) -> HUArray:
    """Return int16 where every value is a whole number in range, else float32.

    Works slice by slice, so that no second copy is held until it is known to be needed.

    Raises
    ------
    IntensityError
        If a value is NaN or infinite.
    """
    if values.dtype == np.int16:
        return values
    whole = True
    for index, plane in enumerate(values):
        finite = np.isfinite(plane)
        if not finite.all():
            raise IntensityError(
                "the volume holds values that are not numbers",
                case=case,
                expected="Hounsfield units in every voxel",
                found=f"{int(np.count_nonzero(~finite))} NaN or infinite voxels in slice {index}",
                remedy="Set the background to -1024 where the file was made, and save it again",
            )
        if whole:
            whole = bool(
                (plane == np.rint(plane)).all() and plane.min() >= _INT16.min and plane.max() <= _INT16.max
            )
    return values.astype(np.int16) if whole else values


def as_labels(values: npt.NDArray[np.generic], case: str) -> npt.NDArray[np.uint8]:
    """Return labels as uint8.

    Raises
    ------
    MeasurementError
        If a value is not a whole number from 0 to 255.
    """
    if values.dtype == np.uint8:
        return np.asarray(values, dtype=np.uint8)
    with np.errstate(invalid="ignore"):
        labels = values.astype(np.uint8)
        same = bool((labels == values).all())
    if not same:
        raise MeasurementError(
            "the file is not a label map",
            case=case,
            expected="whole numbers, 0 for background",
            found="fractions, negative or large values: perhaps the scan itself",
        )
    return labels
