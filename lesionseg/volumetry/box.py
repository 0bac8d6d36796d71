"""The part of a scan that holds labels, in standard axial order: all that measuring needs to look at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from lesionseg.core.labels import LabelScheme
from lesionseg.volume.ct_volume import CTVolume, HUArray
from lesionseg.volume.geometry import VolumeGeometry
from lesionseg.volume.label_map import LabelMap, voxels_of
from lesionseg.volume.orientation import standard_axis_order

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class LungBox:
    """Labels and HU inside the smallest box around all labels, as views where they can be.

    Attributes
    ----------
    labels, hu : ndarray, shape (slices, rows, columns)
        Slices run from foot to head, rows from front to back, columns from right to left.
    geometry : VolumeGeometry
        Of the box.
    scan : VolumeGeometry
        Of the whole scan in the same axis order.
    start : tuple of int
        Index in the scan of the box's first voxel.
    scheme : LabelScheme
        Meaning of the labels.
    """

    labels: npt.NDArray[np.uint8]
    hu: HUArray
    geometry: VolumeGeometry
    scan: VolumeGeometry
    start: tuple[int, int, int]
    scheme: LabelScheme

    @cached_property
    def lung(self) -> Mask:
        """Both lungs, lesions included."""
        return voxels_of(self.labels, self.scheme.lung)

    @cached_property
    def lesion(self) -> Mask:
        """Whole lesion."""
        return voxels_of(self.labels, self.scheme.lesion)


def lung_box(volume: CTVolume, label_map: LabelMap) -> LungBox | None:
    """Cut the labelled box out of a scan; None where nothing is labelled. Both must share one grid."""
    order = standard_axis_order(label_map.geometry)
    labels, hu = order.apply(label_map.labels), cast("HUArray", order.apply(volume.hu))
    scan = order.apply_to_geometry(label_map.geometry)
    box = bounding_box(labels)
    if box is None:
        return None
    start = (box[0].start, box[1].start, box[2].start)
    return LungBox(labels[box], hu[box], cropped(scan, box), scan, start, label_map.scheme)


def bounding_box(array: Mask | npt.NDArray[np.uint8]) -> tuple[slice, slice, slice] | None:
    """Smallest box of slices around the non-zero voxels; None where there are none."""
    filled: npt.NDArray[Any] = array
    slices = np.flatnonzero(filled.any(axis=(1, 2)))
    if slices.size == 0:
        return None
    first, last = int(slices[0]), int(slices[-1]) + 1
    plane: npt.NDArray[Any] = np.asarray(filled[first:last].any(axis=0))
    rows, columns = np.flatnonzero(plane.any(axis=1)), np.flatnonzero(plane.any(axis=0))
    return (
        slice(first, last),
        slice(int(rows[0]), int(rows[-1]) + 1),
        slice(int(columns[0]), int(columns[-1]) + 1),
    )


def cropped(geometry: VolumeGeometry, box: tuple[slice, slice, slice]) -> VolumeGeometry:
    """Geometry of the part of a grid inside a box."""
    affine = np.array(geometry.affine)
    affine[:3, 3] = geometry.index_to_lps([part.start for part in box])
    slices, rows, columns = (part.stop - part.start for part in box)
    return VolumeGeometry((slices, rows, columns), affine, geometry.frame_of_reference_uid)
