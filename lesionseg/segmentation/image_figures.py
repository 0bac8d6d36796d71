"""Cheap figures of the image itself: noise, Hounsfield scale, shape of the lungs, motion between slices.

All of them are taken from the working grid, which is what the network sees, so that they compare between
scanners.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lesionseg.core.labels import Label
from lesionseg.segmentation.body import BODY_THRESHOLD_HU
from lesionseg.segmentation.resampling import FloatArray, resample

COARSE_MM = 6.0
"""In plane: vessels and noise vanish, borders of lung and body stay."""
TISSUE_SEARCH_HU = (-20.0, 200.0)
"""Where muscle and blood (40 to 60 HU) are looked for, far enough above fat (-100 HU)."""
HISTOGRAM_STEP_HU = 5.0
NOISE_TISSUE_HU = (-150.0, 200.0)
NOISE_SLICES = 24
"""Slices on which noise is estimated, evenly spread."""
SMALLEST_NOISE_HU = 0.1
"""Given to an image without noise, since noise is compared on a logarithmic scale."""
_LAPLACE_GAIN = 6.0  # Immerkaer's mask turns white noise of 1 HU into 6 HU
_MAD_TO_SD = 1.4826

BoolArray = npt.NDArray[np.bool_]


def noise_hu(hu: FloatArray) -> float:
    """Estimate the standard deviation of fine noise in soft tissue, HU.

    Median size of the difference of two Laplacians (Immerkaer 1996, "Fast noise variance estimation") over
    soft tissue; the median leaves borders out of account. Noise coarser than a voxel is seen only in part.

    Parameters
    ----------
    hu : ndarray, shape (slices, rows, columns), float32
    """
    if min(hu.shape[1:]) < 3:
        return SMALLEST_NOISE_HU
    chosen = np.unique(np.linspace(0, hu.shape[0] - 1, NOISE_SLICES).round().astype(int))
    sizes = [_fine_residual(hu[index]) for index in chosen]
    found = np.concatenate(sizes)
    if not found.size:
        return SMALLEST_NOISE_HU
    return max(SMALLEST_NOISE_HU, _MAD_TO_SD * float(np.median(found)) / _LAPLACE_GAIN)


def lung_hu(hu: FloatArray, labels: npt.NDArray[np.uint8]) -> float | None:
    """Median HU of the lung without lesion; None where there is none."""
    values = hu[labels == Label.LUNG]
    return float(np.median(values)) if values.size else None


def coarse_in_plane(hu: FloatArray, spacing_mm: tuple[float, float, float]) -> FloatArray:
    """Every slice averaged to about `COARSE_MM` in plane."""
    rows, columns = (
        max(1, round(count * step / COARSE_MM))
        for count, step in zip(hu.shape[1:], spacing_mm[1:], strict=True)
    )
    return resample(hu, (hu.shape[0], rows, columns))


def tissue_hu(coarse_hu: FloatArray) -> float | None:
    """Most frequent value of soft tissue above fat, HU; None where there is none."""
    low, high = TISSUE_SEARCH_HU
    values = coarse_hu[(coarse_hu >= low) & (coarse_hu < high)]
    if not values.size:
        return None
    counts, edges = np.histogram(values, bins=round((high - low) / HISTOGRAM_STEP_HU), range=(low, high))
    smooth = np.convolve(counts, [1, 2, 3, 2, 1], mode="same")
    return float(edges[int(smooth.argmax())] + HISTOGRAM_STEP_HU / 2)


def slice_jumps_pct(coarse_hu: FloatArray) -> float | None:
    """How much of what changes from slice to slice changes straight back, in %.

    Body and lungs change steadily from slice to slice; where the patient moved or breathed between slices,
    their borders jump to and fro. Counted on air against tissue; None with fewer than three slices or where
    nothing changes.
    """
    air = coarse_hu < BODY_THRESHOLD_HU
    changes = air[1:] != air[:-1]
    total = int(np.count_nonzero(changes))
    if len(changes) < 2 or not total:
        return None
    return 100.0 * 2 * int(np.count_nonzero(changes[1:] & changes[:-1])) / total


def slice_step_ratio(coarse_hu: FloatArray) -> float | None:
    """Largest change from one slice to the next, against what is usual in this scan.

    Where a patient breathed between two halves of a scan, the diaphragm jumps once. Counted as
    `slice_jumps_pct` is: the largest change against the median; None with few slices.
    """
    air = coarse_hu < BODY_THRESHOLD_HU
    changes = np.count_nonzero(air[1:] != air[:-1], axis=(1, 2))
    if len(changes) < 10:
        return None
    return float(changes.max() / max(1.0, float(np.median(changes))))


def surface_mm2(inside: BoolArray, outside: BoolArray, spacing_mm: tuple[float, float, float]) -> float:
    """Area of the voxel faces between two masks of one shape (about 1.5 times that of a smooth surface)."""
    total = 0.0
    for axis in range(3):
        face_mm2 = float(np.prod(spacing_mm)) / spacing_mm[axis]
        low = tuple(slice(None, -1) if other == axis else slice(None) for other in range(3))
        high = tuple(slice(1, None) if other == axis else slice(None) for other in range(3))
        faces = np.count_nonzero(inside[low] & outside[high]) + np.count_nonzero(outside[low] & inside[high])
        total += faces * face_mm2
    return total


def _fine_residual(plane_hu: FloatArray) -> npt.NDArray[np.float32]:
    """Size of the fine residual where the plane and its neighbours show soft tissue."""
    across = plane_hu[:, :-2] - 2 * plane_hu[:, 1:-1] + plane_hu[:, 2:]
    residual = across[:-2] - 2 * across[1:-1] + across[2:]
    low, high = NOISE_TISSUE_HU
    rows = plane_hu[:-2] + plane_hu[1:-1] + plane_hu[2:]
    mean = (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9
    return np.asarray(np.abs(residual[(mean > low) & (mean < high)]), np.float32)
