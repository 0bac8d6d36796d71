"""From a CT volume to the network's input and back: `prepare` and its inverse `restore`.

The **working grid** is a standard axial grid over exactly the extent of the scan, described by its own
`VolumeGeometry`; nothing is cropped, so a voxel's place in the patient is never in doubt. `restore` takes the
network's output on that grid, or on a box of it, back to the scan's own grid and axis order.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import SegmentationError
from lesionseg.segmentation.metadata import PreprocessingSpec
from lesionseg.segmentation.resampling import (
    FloatArray,
    axis_weights,
    resample,
    resample_plane,
    sparse_weights,
)
from lesionseg.segmentation.winners import LogitArray, largest, lung_leads
from lesionseg.volume import AxisOrder, CTVolume, LabelMap, VolumeGeometry, standard_axis_order

CT_RANGE_HU = (-1024.0, 3071.0)
"""What 12-bit CT stores; beyond it lie padding and metal, which must not bleed into neighbours."""
SPACING_TOLERANCE = 0.01
"""A slice spacing within 1 % of the allowed range counts as inside it."""


@dataclass(frozen=True)
class Box:
    """A box of a grid: half-open index ranges along (slice, row, column)."""

    start: tuple[int, int, int]
    stop: tuple[int, int, int]

    @classmethod
    def whole(cls, shape: tuple[int, int, int]) -> Box:
        """Return the box that covers a whole grid of `shape`."""
        return cls((0, 0, 0), shape)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along each axis."""
        depth, height, width = (stop - start for start, stop in zip(self.start, self.stop, strict=True))
        return depth, height, width

    def inside(self, outer: Box) -> Box:
        """Return this box counted from the corner of `outer`."""
        start, stop = (
            [edge - origin for edge, origin in zip(edges, outer.start, strict=True)]
            for edges in (self.start, self.stop)
        )
        return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """Index that cuts the box out of an array of the grid."""
        depth, height, width = (slice(a, b) for a, b in zip(self.start, self.stop, strict=True))
        return depth, height, width


@dataclass(frozen=True)
class PreparedVolume:
    """The network's input and how it relates to the scan.

    Attributes
    ----------
    intensity : ndarray, shape (slices, rows, columns), float32
        HU clipped to the window and scaled, on the working grid.
    geometry : VolumeGeometry
        The working grid.
    order : AxisOrder
        From the scan's axes to standard axial order.
    source : VolumeGeometry
        The scan's own grid.
    """

    intensity: FloatArray
    geometry: VolumeGeometry
    order: AxisOrder
    source: VolumeGeometry


def working_geometry(standard: VolumeGeometry, spec: PreprocessingSpec) -> VolumeGeometry:
    """Grid the network works on, for a scan whose axes are already in standard order.

    It has the same outer faces as `standard`. In plane the spacing is the nearest to
    ``spec.in_plane_spacing_mm`` that divides the extent; between slices it is the scan's own where the
    bundle allows it, else the nearest allowed one.
    """
    shape = (
        _working_slices(standard.shape[0], standard.spacing_mm[0], spec),
        _nearest_length(standard.shape[1], standard.spacing_mm[1], spec.in_plane_spacing_mm),
        _nearest_length(standard.shape[2], standard.spacing_mm[2], spec.in_plane_spacing_mm),
    )
    scale = np.asarray(standard.shape) / np.asarray(shape)
    affine = np.array(standard.affine)
    affine[:3, 3] += affine[:3, :3] @ ((scale - 1.0) / 2.0)
    affine[:3, :3] *= scale
    return VolumeGeometry(shape, affine, standard.frame_of_reference_uid)


def prepare(volume: CTVolume, spec: PreprocessingSpec) -> PreparedVolume:
    """Turn Hounsfield units into the network's input.

    Axes to standard axial order, resampled to the working grid without aliasing, clipped to
    ``spec.window_hu`` and scaled to ``spec.scaled_to``. Memory beyond the result stays within a few slices.

    Parameters
    ----------
    volume : CTVolume
        Any spacing, orientation and axis order.
    spec : PreprocessingSpec
        From the bundle.
    """
    order = standard_axis_order(volume.geometry)
    standard = order.apply_to_geometry(volume.geometry)
    geometry = working_geometry(standard, spec)
    intensity = resample(order.apply(volume.hu), geometry.shape, limits=CT_RANGE_HU)
    _scale_in_place(intensity, spec)
    return PreparedVolume(intensity, geometry, order, volume.geometry)


def working_hu(prepared: PreparedVolume, spec: PreprocessingSpec) -> FloatArray:
    """HU on the working grid, as far as the window kept them: clipped to ``spec.window_hu``."""
    (low_hu, high_hu), (low, high) = spec.window_hu, spec.scaled_to
    return (prepared.intensity - np.float32(low)) * np.float32(
        (high_hu - low_hu) / (high - low)
    ) + np.float32(low_hu)


def prepare_labels(label_map: LabelMap, spec: PreprocessingSpec) -> npt.NDArray[np.uint8]:
    """Bring reference labels to the working grid: the label that fills most of each voxel.

    Returns
    -------
    ndarray, uint8
        Same shape as ``prepare(volume, spec).intensity`` for a volume on the same grid.
    """
    order = standard_axis_order(label_map.geometry)
    shape = working_geometry(order.apply_to_geometry(label_map.geometry), spec).shape
    labels = order.apply(label_map.labels)
    if labels.shape == shape:
        return np.ascontiguousarray(labels)
    best = np.full(shape, -1.0, dtype=np.float32)
    result = np.zeros(shape, dtype=np.uint8)
    for value in range(label_map.scheme.maximum + 1):
        share = resample(labels == value, shape)
        result[share > best] = value
        np.maximum(best, share, out=best)
    return result


def restore(logits: LogitArray, prepared: PreparedVolume, box: Box | None = None) -> npt.NDArray[np.uint8]:
    """Bring the network's output back to the scan's own grid: linear interpolation, then the largest wins.

    Parameters
    ----------
    logits : ndarray, shape (labels, slices, rows, columns), float32 or float16
        On `box` of the working grid.
    prepared : PreparedVolume
        What `prepare` returned for this scan.
    box : Box, optional
        Where `logits` lie on the working grid; the whole grid if left out.

    Returns
    -------
    ndarray, uint8
        Labels on the grid ``prepared.source``; 0 outside the box.

    Raises
    ------
    SegmentationError
        If the logits do not cover the box.
    """
    box = box or Box.whole(prepared.geometry.shape)
    if logits.ndim != 4 or logits.shape[1:] != box.shape:
        raise SegmentationError(
            "the network's output does not cover its box", expected=str(box.shape), found=str(logits.shape)
        )
    standard_shape = prepared.order.apply_to_geometry(prepared.source).shape
    labels = np.zeros(standard_shape, dtype=np.uint8)
    needed = _foreground_box(logits, prepared, box)
    if needed is None:
        return np.ascontiguousarray(prepared.order.undo(labels))
    logits = logits[:, *needed.inside(box).slices]
    target, weights = _box_weights(standard_shape, prepared.geometry.shape, needed)
    view = labels[target.slices]
    in_plane = sparse_weights(weights[1]), sparse_weights(weights[2])
    for index, slice_weights in enumerate(weights[0]):
        mixed = _mix_slices(logits, slice_weights)
        view[index] = largest([resample_plane(plane, *in_plane) for plane in mixed])
    return np.ascontiguousarray(prepared.order.undo(labels))


def _foreground_box(logits: LogitArray, prepared: PreparedVolume, box: Box) -> Box | None:
    """Smallest part of `box` that decides labels: where any but background wins, and its neighbours.

    Restoring that part alone gives the same labels, for interpolation cannot make a label win where
    background leads all around. None if background wins everywhere.
    """
    foreground = lung_leads(logits)
    native = prepared.order.apply_to_geometry(prepared.source).shape
    start, stop = [], []
    for axis in range(3):
        present = np.flatnonzero(foreground.any(axis=tuple(other for other in range(3) if other != axis)))
        if not present.size:
            return None
        reach = ceil(max(1.0, prepared.geometry.shape[axis] / native[axis])) + 1
        start.append(max(box.start[axis], box.start[axis] + int(present[0]) - reach))
        stop.append(min(box.stop[axis], box.start[axis] + int(present[-1]) + 1 + reach))
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def _working_slices(count: int, spacing_mm: float, spec: PreprocessingSpec) -> int:
    thinnest_mm, thickest_mm = spec.slice_spacing_mm
    if spacing_mm < thinnest_mm * (1 - SPACING_TOLERANCE):
        return max(1, int(count * spacing_mm / thinnest_mm))
    if spacing_mm > thickest_mm * (1 + SPACING_TOLERANCE):
        return _nearest_length(count, spacing_mm, thickest_mm)
    return count


def _nearest_length(count: int, spacing_mm: float, wanted_mm: float) -> int:
    return max(1, round(count * spacing_mm / wanted_mm))


def _scale_in_place(intensity: FloatArray, spec: PreprocessingSpec) -> None:
    (low_hu, high_hu), (low, high) = spec.window_hu, spec.scaled_to
    np.clip(intensity, low_hu, high_hu, out=intensity)
    intensity -= low_hu
    intensity *= (high - low) / (high_hu - low_hu)
    intensity += low


def _box_weights(
    native: tuple[int, int, int], working: tuple[int, int, int], box: Box
) -> tuple[Box, list[FloatArray]]:
    """Native voxels whose centre lies in the box, and per axis their weights on the box's voxels."""
    starts, stops, weights = [], [], []
    for axis in range(3):
        scale = native[axis] / working[axis]
        centres = np.arange(native[axis]) + 0.5
        inside = (centres >= box.start[axis] * scale) & (centres < box.stop[axis] * scale)
        chosen = np.flatnonzero(inside)
        rows = axis_weights(working[axis], native[axis])[chosen, box.start[axis] : box.stop[axis]]
        weights.append(rows / np.maximum(rows.sum(axis=1, keepdims=True), np.float32(1e-6)))
        starts.append(int(chosen[0]) if chosen.size else 0)
        stops.append(int(chosen[-1]) + 1 if chosen.size else 0)
    return Box((starts[0], starts[1], starts[2]), (stops[0], stops[1], stops[2])), weights


def _mix_slices(logits: LogitArray, slice_weights: FloatArray) -> FloatArray:
    used = np.flatnonzero(slice_weights)
    mixed = logits[:, used[0]].astype(np.float32) * slice_weights[used[0]]
    for index in used[1:]:
        mixed += logits[:, index] * slice_weights[index]
    return np.asarray(mixed)
