"""Where a volume lies in the patient: shape and one affine from array indices to LPS millimetres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import GeometryError

Affine = npt.NDArray[np.float64]

ORTHONORMALITY_TOLERANCE = 1e-3
"""Largest departure of the direction cosines' Gram matrix from the identity."""
POSITION_TOLERANCE_MM = 1e-2
"""Two geometries agree when no corner of the grid differs by more than this."""
MM3_PER_ML = 1000.0


@dataclass(frozen=True, eq=False)
class VolumeGeometry:
    """Shape and place of a regular grid.

    Attributes
    ----------
    shape : tuple of int
        ``(slices, rows, columns)``, each at least 1.
    affine : ndarray, shape (4, 4), float64
        Maps homogeneous array indices ``(slice, row, column, 1)`` to LPS mm (x grows to the patient's
        left, y to the back, z to the head). Read-only. Axes are orthogonal.
    frame_of_reference_uid : str
        DICOM Frame of Reference UID, empty where the source has none.

    Raises
    ------
    GeometryError
        If the shape is empty or the affine is not finite, not affine, singular or sheared.
    """

    shape: tuple[int, int, int]
    affine: Affine
    frame_of_reference_uid: str = ""

    def __post_init__(self) -> None:
        affine = np.array(self.affine, dtype=np.float64)
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise GeometryError("a volume needs three axes of at least one voxel", found=str(self.shape))
        if affine.shape != (4, 4) or not np.isfinite(affine).all():
            raise GeometryError("the affine is not a finite 4 x 4 matrix", found=str(affine.tolist()))
        if not np.array_equal(affine[3], (0.0, 0.0, 0.0, 1.0)):
            raise GeometryError("the affine's last row is not 0 0 0 1", found=str(affine[3].tolist()))
        spacing = np.linalg.norm(affine[:3, :3], axis=0)
        if (spacing <= 0).any():
            raise GeometryError("the affine has an axis without length", found=str(affine.tolist()))
        cosines = affine[:3, :3] / spacing
        if np.abs(cosines.T @ cosines - np.eye(3)).max() > ORTHONORMALITY_TOLERANCE:
            raise GeometryError(
                "the axes of the volume are not at right angles",
                found=str(np.round(cosines, 4).tolist()),
                remedy="Resample the volume onto an orthogonal grid first",
            )
        affine.setflags(write=False)
        object.__setattr__(self, "affine", affine)
        object.__setattr__(self, "shape", tuple(int(length) for length in self.shape))

    @classmethod
    def from_axes(
        cls,
        shape: tuple[int, int, int],
        spacing_mm: tuple[float, float, float],
        origin_lps_mm: tuple[float, float, float] = (0.0, 0.0, 0.0),
        direction: npt.ArrayLike | None = None,
        frame_of_reference_uid: str = "",
    ) -> Self:
        """Build from spacing in array order and unit vectors as columns of `direction`.

        Without `direction` the grid is a standard axial one: slices towards the head, rows towards the
        back, columns towards the patient's left.
        """
        axial = [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
        affine = np.eye(4)
        affine[:3, :3] = np.asarray(axial if direction is None else direction) * np.asarray(spacing_mm)
        affine[:3, 3] = origin_lps_mm
        return cls(shape, affine, frame_of_reference_uid)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between neighbouring voxel centres along (slice, row, column)."""
        slice_mm, row_mm, column_mm = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(slice_mm), float(row_mm), float(column_mm)

    @property
    def direction(self) -> npt.NDArray[np.float64]:
        """Unit vectors in LPS of the (slice, row, column) axes, as columns of a 3 x 3 matrix."""
        return np.asarray(self.affine[:3, :3] / np.asarray(self.spacing_mm))

    @property
    def origin_lps_mm(self) -> tuple[float, float, float]:
        """LPS position of the centre of voxel (0, 0, 0)."""
        x_mm, y_mm, z_mm = self.affine[:3, 3]
        return float(x_mm), float(y_mm), float(z_mm)

    @property
    def voxel_volume_ml(self) -> float:
        """Volume of one voxel in ml."""
        return float(abs(np.linalg.det(self.affine[:3, :3])) / MM3_PER_ML)

    def index_to_lps(self, index: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """LPS mm of array indices ``(..., 3)``; fractions allowed."""
        return np.asarray(np.asarray(index, np.float64) @ self.affine[:3, :3].T + self.affine[:3, 3])

    def lps_to_index(self, point_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Fractional array indices of LPS points ``(..., 3)``."""
        inverse = np.linalg.inv(self.affine)
        return np.asarray(np.asarray(point_mm, np.float64) @ inverse[:3, :3].T + inverse[:3, 3])

    def corners_lps_mm(self) -> npt.NDArray[np.float64]:
        """LPS positions of the eight corner voxels' centres, shape (8, 3)."""
        last = np.asarray(self.shape) - 1
        return self.index_to_lps(np.array(list(np.ndindex(2, 2, 2))) * last)

    def matches(self, other: VolumeGeometry, tolerance_mm: float = POSITION_TOLERANCE_MM) -> bool:
        """Whether both grids have one shape and every corner agrees within `tolerance_mm`."""
        if self.shape != other.shape:
            return False
        distance_mm = np.abs(self.corners_lps_mm() - other.corners_lps_mm()).max()
        return bool(distance_mm <= tolerance_mm)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, VolumeGeometry):
            return NotImplemented
        return (
            self.shape == other.shape
            and np.array_equal(self.affine, other.affine)
            and self.frame_of_reference_uid == other.frame_of_reference_uid
        )

    def __hash__(self) -> int:
        return hash((self.shape, self.affine.tobytes(), self.frame_of_reference_uid))
