"""Scan and labels made small enough to travel within a page: cropped to the lungs, coarser, 8-bit.

For looking only; every figure is measured on the scan's own grid.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lesionseg.core.labels import Label
from lesionseg.reports.cuts import lung_box
from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry, standard_axis_order
from lesionseg.volume.nifti import LABEL_INTENT, nifti_header_bytes

MOST_PIXELS = 256
"""Rows and columns at most."""
MOST_SLICES = 160
"""With `MOST_PIXELS` at most 10.5 million voxels: about 7 MB compressed, 9 MB as text in the page."""
LOWEST_HU, STEP_HU = -1350, 7
"""An 8-bit value v stands for 7 v - 1350 HU: up to 435, which holds the lung and the soft-tissue window."""
HIGHEST_HU = LOWEST_HU + 255 * STEP_HU
OUTLINE = 4
"""Label of the lung's outermost voxels, for NiiVue paints a label or leaves it out; lung must be seen."""
_GZIP_LEVEL = 6


@dataclass(frozen=True)
class ViewerImages:
    """Scan and label map on one coarse grid in standard axial order.

    Attributes
    ----------
    ct : ndarray of uint8, shape (slices, rows, columns)
        Value v stands for `STEP_HU` v + `LOWEST_HU`.
    labels : ndarray of uint8, same shape
        The outermost lung without lesion of each slice is `OUTLINE`.
    geometry : VolumeGeometry
        Of both.
    """

    ct: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    geometry: VolumeGeometry

    def ct_nifti(self) -> bytes:
        """Return the scan as ``.nii.gz``; the same input gives the same bytes."""
        header = nifti_header_bytes(self.geometry, np.uint8, slope=STEP_HU, intercept=LOWEST_HU)
        return gzip.compress(header + self.ct.tobytes(), _GZIP_LEVEL, mtime=0)

    def label_nifti(self) -> bytes:
        """Return the label map as ``.nii.gz``; the same input gives the same bytes."""
        header = nifti_header_bytes(self.geometry, np.uint8, LABEL_INTENT)
        return gzip.compress(header + self.labels.tobytes(), _GZIP_LEVEL, mtime=0)


def viewer_images(volume: CTVolume, label_map: LabelMap) -> ViewerImages:
    """Make a scan and its label map small enough for a page.

    Both are brought into standard axial order and cropped to the labels with a margin. The scan is averaged
    over blocks of whole voxels; of the labels each block keeps the one nearest its centre, the lower of two
    equally near. An empty label map leaves the whole scan.

    Parameters
    ----------
    volume : CTVolume
    label_map : LabelMap
        On the same grid.
    """
    order = standard_axis_order(volume.geometry)
    scan = order.apply_to_geometry(volume.geometry)
    labels = order.apply(label_map.labels)
    box = lung_box(labels > 0, scan.spacing_mm)
    hu, labels = order.apply(volume.hu)[box], labels[box]
    factors = block_size(labels.shape)
    geometry = _coarse_geometry(scan, box, factors, labels.shape)
    small_labels = outlined(_nearest(labels, factors, geometry.shape))
    return ViewerImages(_averaged(hu, factors, geometry.shape), small_labels, geometry)


def block_size(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Voxels along (slice, row, column) that make one of the page's; pixels stay as square as they are."""
    slices, rows, columns = shape
    in_plane = -(-max(rows, columns) // MOST_PIXELS)
    return -(-slices // MOST_SLICES), in_plane, in_plane


def outlined(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Turn lung without lesion beside unlabelled voxels of its slice into `OUTLINE`, in a new array."""
    inside = np.pad(labels > 0, ((0, 0), (1, 1), (1, 1)))
    enclosed = inside[:, :-2, 1:-1] & inside[:, 2:, 1:-1] & inside[:, 1:-1, :-2] & inside[:, 1:-1, 2:]
    return np.where((labels == Label.LUNG) & ~enclosed, np.uint8(OUTLINE), labels)


def _coarse_geometry(
    scan: VolumeGeometry,
    box: tuple[slice, slice, slice],
    factors: tuple[int, int, int],
    shape: tuple[int, ...],
) -> VolumeGeometry:
    """Grid whose voxel centres are the centres of the blocks."""
    affine = np.array(scan.affine)
    centre = [part.start + (factor - 1) / 2 for part, factor in zip(box, factors, strict=True)]
    affine[:3, 3] = scan.index_to_lps(centre)
    affine[:3, :3] *= factors
    slices, rows, columns = (-(-length // factor) for length, factor in zip(shape, factors, strict=True))
    return VolumeGeometry((slices, rows, columns), affine)


def _averaged(
    hu: npt.NDArray[np.generic], factors: tuple[int, int, int], shape: tuple[int, int, int]
) -> npt.NDArray[np.uint8]:
    """Mean of each block in 8-bit steps; blocks that reach beyond the array repeat its edge."""
    thick, rows, columns = factors
    small = np.empty(shape, np.uint8)
    for index in range(shape[0]):
        slab = hu[index * thick : (index + 1) * thick].astype(np.float32).mean(axis=0)
        beyond = [(0, factor * length - have) for factor, length, have in
                  zip((rows, columns), shape[1:], slab.shape, strict=True)]  # fmt: skip
        blocks = np.pad(slab, beyond, mode="edge").reshape(shape[1], rows, shape[2], columns)
        steps = (blocks.mean(axis=(1, 3)) - LOWEST_HU) / STEP_HU
        small[index] = np.clip(np.rint(steps), 0, 255)
    return small


def _nearest(
    labels: npt.NDArray[np.uint8], factors: tuple[int, int, int], shape: tuple[int, int, int]
) -> npt.NDArray[np.uint8]:
    picked = [
        np.minimum(np.arange(length) * factor + (factor - 1) // 2, have - 1)
        for length, factor, have in zip(shape, factors, labels.shape, strict=True)
    ]
    return np.ascontiguousarray(labels[np.ix_(*picked)])
