"""Where in the scan the lungs can be, so that the network need not look at the rest.

Deliberately generous: the box must never cut into a lung, consolidated or collapsed ones included, which
look like soft tissue. In plane it is therefore the whole body, not the air inside it; between slices it
reaches well beyond the last air. Whenever the finding is doubtful the box is the whole volume.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lesionseg.segmentation.preprocessing import Box
from lesionseg.segmentation.resampling import FloatArray, resample
from lesionseg.volume.components import label_components

COARSE_SPACING_MM = 6.0
"""Grid for this search: noise averages out and it takes milliseconds."""
BODY_THRESHOLD_HU = -500.0
"""Halfway between air (-1000 HU) and soft tissue (0 HU)."""
IN_PLANE_MARGIN_MM = 12.0
"""Two coarse voxels around the body's bounding box."""
SLICE_MARGIN_MM = 50.0
"""Beyond the last slice with air inside the body: a fully consolidated lung base holds none."""
SMALLEST_BODY_ML = 1000.0
"""Less soft tissue than this is not a chest, and nothing is cropped."""
SMALLEST_AIR_MM2 = 150.0
"""Air inside the body on one slice that counts: four coarse voxels."""


def lung_search_box(hu: FloatArray, spacing_mm: tuple[float, float, float]) -> Box:
    """Find the box of a standard axial volume that holds all that could be lung.

    Parameters
    ----------
    hu : ndarray, shape (slices, rows, columns), float32
        Hounsfield units in standard axial order.
    spacing_mm : (float, float, float)

    Returns
    -------
    Box
        The whole volume if no body, or no air inside it, is found.
    """
    whole = Box.whole((hu.shape[0], hu.shape[1], hu.shape[2]))
    coarse = [max(1, round(n * s / COARSE_SPACING_MM)) for n, s in zip(hu.shape, spacing_mm, strict=True)]
    small = resample(hu, (coarse[0], coarse[1], coarse[2]))
    step = np.asarray(hu.shape) / np.asarray(coarse)
    step_mm = step * np.asarray(spacing_mm)
    body = _largest_component(small > BODY_THRESHOLD_HU)
    if np.count_nonzero(body) * np.prod(step_mm) / 1000.0 < SMALLEST_BODY_ML:
        return whole
    air_mm2 = np.count_nonzero(enclosed_in_plane(body) & ~body, axis=(1, 2)) * step_mm[1] * step_mm[2]
    ranges = [
        _range(np.asarray(air_mm2 >= SMALLEST_AIR_MM2)),
        _range(np.asarray(body.any(axis=(0, 2)))),
        _range(np.asarray(body.any(axis=(0, 1)))),
    ]
    if ranges[0] is None:
        return whole
    margins = np.array([SLICE_MARGIN_MM, IN_PLANE_MARGIN_MM, IN_PLANE_MARGIN_MM]) / np.asarray(spacing_mm)
    start, stop = [], []
    for axis, found in enumerate(ranges):
        first, last = found or (0, coarse[axis])
        start.append(max(0, int(first * step[axis] - margins[axis])))
        stop.append(min(hu.shape[axis], int(np.ceil(last * step[axis] + margins[axis]))))
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def enclosed_in_plane(body: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Voxels that see the body on at least three of the four sides in their slice.

    Three, so that a lung which the edge of the image cuts open still counts as inside.
    """
    sides = np.zeros(body.shape, dtype=np.uint8)
    for axis in (1, 2):
        sides += np.maximum.accumulate(body, axis=axis)
        sides += np.flip(np.maximum.accumulate(np.flip(body, axis), axis=axis), axis)
    return np.asarray(sides >= 3)


def _largest_component(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    if not mask.any():
        return mask
    components = label_components(mask, 6)
    sizes = np.bincount(components.ravel())
    return np.asarray(components == sizes[1:].argmax() + 1)


def _range(present: npt.NDArray[np.bool_]) -> tuple[int, int] | None:
    indices = np.flatnonzero(present)
    return (int(indices[0]), int(indices[-1]) + 1) if indices.size else None
