"""A checked CT volume: Hounsfield units and where they lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import GeometryError, IntensityError
from lesionseg.volume.geometry import VolumeGeometry

HUArray = npt.NDArray[np.int16] | npt.NDArray[np.float32]


@dataclass(frozen=True)
class CTVolume:
    """Hounsfield units on a regular grid.

    Attributes
    ----------
    hu : ndarray, shape (slices, rows, columns), int16 or float32
        Hounsfield units, finite.
    geometry : VolumeGeometry
        Same shape as `hu`.
    name : str
        What messages call this scan: a series UID, a file name.
    acquisition : dict of str to str
        How it was scanned, as far as known (``kernel``, ``slice_thickness_mm``, ``manufacturer``,
        ``contrast`` …); for quality flags and the manifest, never for geometry.

    Raises
    ------
    GeometryError
        If array and geometry differ in shape.
    IntensityError
        If the dtype is neither int16 nor float32, or a value is not finite.
    """

    hu: HUArray
    geometry: VolumeGeometry
    name: str = "volume"
    acquisition: dict[str, str] | None = None

    def __post_init__(self) -> None:
        if self.hu.shape != self.geometry.shape:
            raise GeometryError(
                "the array and its geometry differ in shape",
                case=self.name,
                expected=str(self.geometry.shape),
                found=str(self.hu.shape),
            )
        if self.hu.dtype not in (np.dtype(np.int16), np.dtype(np.float32)):
            raise IntensityError(
                "Hounsfield units must be int16 or float32", case=self.name, found=str(self.hu.dtype)
            )
        if self.hu.dtype == np.float32 and not np.isfinite(self.hu).all():
            raise IntensityError(
                "the volume holds values that are not numbers",
                case=self.name,
                remedy="Replace NaN and infinite voxels in the source",
            )
