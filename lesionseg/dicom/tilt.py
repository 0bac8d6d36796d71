"""Straightening a stack that was scanned with tilted gantry.

The slices are parallel and evenly spaced along their normal, only shifted within their plane; so each slice
is shifted back by linear interpolation within its own plane, on a grid widened to hold all of them. Nothing
is interpolated across slices, and volumes are kept.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from lesionseg.dicom.settings import Note
from lesionseg.dicom.stack import Stack
from lesionseg.volume import VolumeGeometry
from lesionseg.volume.ct_volume import HUArray
from lesionseg.volume.hounsfield import AIR_HU

_MARGIN_VOXELS: Final = 1
_Plane = npt.NDArray[np.float32]


def straighten(hu: HUArray, stack: Stack, geometry: VolumeGeometry) -> tuple[HUArray, VolumeGeometry, Note]:
    """Resample a sheared stack onto a straight grid.

    Parameters
    ----------
    hu : ndarray, shape (slices, rows, columns)
    stack : Stack
        The slices the array was decoded from.
    geometry : VolumeGeometry
        As if the stack were straight.

    Returns
    -------
    hu : ndarray, shape (slices, rows + r, columns + c), dtype of `hu`
        Widened by the drift; new voxels are air.
    geometry : VolumeGeometry
        Orthogonal, with the origin moved to the new corner.
    note : Note
        What was done.
    """
    _, row_mm, column_mm = geometry.spacing_mm
    shifts = np.stack(
        [stack.sideways_mm @ stack.column / row_mm, stack.sideways_mm @ stack.row / column_mm], axis=1
    )
    low = np.floor(shifts.min(axis=0)).astype(int)
    extra = np.ceil(shifts.max(axis=0)).astype(int) - low + _MARGIN_VOXELS
    shape = (hu.shape[0], hu.shape[1] + int(extra[0]), hu.shape[2] + int(extra[1]))
    straight: HUArray = np.empty(shape, hu.dtype)
    for index, shift in enumerate(shifts - low):
        plane = _shifted(
            _shifted(hu[index].astype(np.float32), float(shift[0]), shape[1]).T, float(shift[1]), shape[2]
        ).T
        straight[index] = np.rint(plane) if hu.dtype == np.int16 else plane
    affine = np.array(geometry.affine)
    affine[:3, 3] += affine[:3, 1] * low[0] + affine[:3, 2] * low[1]
    note = Note(
        "repaired-tilt",
        f"a gantry tilt of {stack.tilt_deg:.1f} degrees was straightened by shifting slices by up to "
        f"{np.linalg.norm(stack.sideways_mm, axis=1).max():.1f} mm within their plane, as asked for",
    )
    return straight, VolumeGeometry(shape, affine, geometry.frame_of_reference_uid), note


def _shifted(plane: _Plane, shift: float, length: int) -> _Plane:
    """Shift along the first axis by a fraction of voxels onto an axis of `length`, linearly, air outside."""
    whole = int(np.floor(shift))
    part = np.float32(shift - whole)
    end = whole + plane.shape[0]
    result = np.full((length, plane.shape[1]), AIR_HU, np.float32)
    result[whole:end] = plane * (1 - part) + AIR_HU * part
    result[whole + 1 : end] += (plane[:-1] - AIR_HU) * part
    if part:
        result[end] = AIR_HU * (1 - part) + plane[-1] * part
    return result
