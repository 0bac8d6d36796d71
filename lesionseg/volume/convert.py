"""The border between our arrays and other libraries': axis order and world frame, one function each way.

Here arrays are ``(slice, row, column)`` and the world is LPS mm. SimpleITK counts ``(x, y, z)`` =
``(column, row, slice)`` and is LPS as well; NIfTI counts ``(i, j, k)`` = ``(column, row, slice)`` and is RAS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lesionseg.volume.geometry import Affine, VolumeGeometry

if TYPE_CHECKING:
    import SimpleITK

_RAS_SIGNS = np.array([-1.0, -1.0, 1.0])  # LPS to RAS turns x and y around, and back again


def lps_affine_from_ras_ijk(ras_ijk: npt.ArrayLike) -> Affine:
    """Turn an affine of ``(i, j, k)`` to RAS mm into one of ``(slice, row, column)`` to LPS mm."""
    affine = np.array(ras_ijk, dtype=np.float64)
    affine[:3] *= _RAS_SIGNS[:, None]
    affine[:, :3] = affine[:, 2::-1]
    return affine


def ras_ijk_from_lps_affine(affine: npt.ArrayLike) -> Affine:
    """Turn an affine of ``(slice, row, column)`` to LPS mm into one of ``(i, j, k)`` to RAS mm."""
    ras_ijk = np.array(affine, dtype=np.float64)
    ras_ijk[:3] *= _RAS_SIGNS[:, None]
    ras_ijk[:, :3] = ras_ijk[:, 2::-1]
    return ras_ijk


def geometry_from_simpleitk(image: SimpleITK.Image) -> VolumeGeometry:
    """Geometry of a three-dimensional SimpleITK image.

    Raises
    ------
    GeometryError
        If the image's axes are not at right angles.
    """
    columns, rows, slices = image.GetSize()
    affine = np.eye(4)
    direction = np.array(image.GetDirection(), dtype=np.float64).reshape(3, 3)
    affine[:3, :3] = (direction * np.array(image.GetSpacing()))[:, ::-1]
    affine[:3, 3] = image.GetOrigin()
    return VolumeGeometry((slices, rows, columns), affine)


def image_to_simpleitk(array: npt.NDArray[np.generic], geometry: VolumeGeometry) -> SimpleITK.Image:
    """Copy an array on `geometry` into a SimpleITK image with the same place in the patient."""
    import SimpleITK

    image = SimpleITK.GetImageFromArray(array)
    image.SetSpacing(geometry.spacing_mm[::-1])
    image.SetOrigin(geometry.origin_lps_mm)
    image.SetDirection(geometry.direction[:, ::-1].ravel().tolist())
    return image
