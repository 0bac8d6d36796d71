"""The sliding window: fixed-shape windows, averaged where they overlap, in bounded memory.

Windows run slice block by slice block. Only the block under work is held in float32; what no later window
reaches is divided by its weights and stored as float16, whose error (under 0.1 % of a logit) is far below the
differences that decide a label.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from math import ceil

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import SegmentationError
from lesionseg.segmentation.metadata import WindowSpec
from lesionseg.segmentation.protocol import Progress
from lesionseg.segmentation.resampling import FloatArray

GAUSSIAN_SIGMA = 0.125
"""Width of the weights in window lengths, as in nnU-Net (Isensee et al. 2021) and MONAI."""
SMALLEST_WEIGHT = 1e-3
"""Floor of a window's weight on each axis, so that no voxel is left without one."""

Predict = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class WindowPlan:
    """Where the windows lie on a volume.

    Attributes
    ----------
    shape : (int, int, int)
        Of every window.
    padded : (int, int, int)
        Shape of the volume once it is filled up to hold the windows.
    starts : three tuples of int
        First voxel of the windows along each axis; every combination is one window.
    """

    shape: tuple[int, int, int]
    padded: tuple[int, int, int]
    starts: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]

    @property
    def count(self) -> int:
        """Number of windows."""
        return len(self.starts[0]) * len(self.starts[1]) * len(self.starts[2])


def plan_windows(volume_shape: tuple[int, int, int], spec: WindowSpec) -> WindowPlan:
    """Lay out as few windows as `spec` allows, and then make them as small as they can be.

    An axis that fits into one window gets one of just its length, rounded up to the divisor; a longer one
    gets evenly spread windows that overlap by at least ``spec.overlap``.
    """
    axes = [
        _plan_axis(length, largest, divisor, spec.overlap)
        for length, largest, divisor in zip(volume_shape, spec.shape, spec.divisor, strict=True)
    ]
    (depth, height, width), padded, starts = zip(*axes, strict=True)
    return WindowPlan((depth, height, width), (padded[0], padded[1], padded[2]), tuple(starts))


def sliding_logits(
    intensity: FloatArray,
    spec: WindowSpec,
    predict: Predict,
    *,
    labels: int,
    padding: float,
    progress: Progress | None = None,
) -> npt.NDArray[np.float16]:
    """Run `predict` over a volume and average the windows.

    Parameters
    ----------
    intensity : ndarray, shape (slices, rows, columns), float32
        Prepared volume or a box of it.
    spec : WindowSpec
    predict : callable
        Logits ``(labels, *window)`` of one window.
    labels : int
        Number of channels `predict` returns.
    padding : float
        Value beyond the volume's end, where a window needs it.
    progress : callable, optional
        Called after every window.

    Returns
    -------
    ndarray, shape (labels, slices, rows, columns), float16

    Raises
    ------
    SegmentationError
        If `predict` returns another shape, or values that are not finite.
    """
    plan = plan_windows((intensity.shape[0], intensity.shape[1], intensity.shape[2]), spec)
    room = [(0, new - old) for old, new in zip(intensity.shape, plan.padded, strict=True)]
    padded = np.pad(intensity, room, constant_values=padding) if any(end for _, end in room) else intensity
    profiles = [_profile(length, spec.weighting) for length in plan.shape]
    totals = [
        _total(profile, starts, length)
        for profile, starts, length in zip(profiles, plan.starts, plan.padded, strict=True)
    ]
    weights = _outer(profiles)
    result = np.empty((labels, *plan.padded), dtype=np.float16)
    block = np.zeros((labels, plan.shape[0], *plan.padded[1:]), dtype=np.float32)
    done = 0
    _report(progress, done, plan.count)
    for index, start in enumerate(plan.starts[0]):
        for row, column in product(*plan.starts[1:]):
            area = np.s_[row : row + plan.shape[1], column : column + plan.shape[2]]
            window = np.ascontiguousarray(padded[start : start + plan.shape[0], *area])
            block[:, :, *area] += _checked(predict(window), (labels, *plan.shape)) * weights
            done += 1
            _report(progress, done, plan.count)
        end = plan.starts[0][index + 1] if index + 1 < len(plan.starts[0]) else plan.padded[0]
        final = end - start
        result[:, start:end] = block[:, :final] / _outer([totals[0][start:end], *totals[1:]])
        block[:, :-final] = block[:, final:].copy() if final < plan.shape[0] else 0.0
        block[:, -final:] = 0.0
    depth, height, width = intensity.shape
    return result[:, :depth, :height, :width]


def _plan_axis(length: int, largest: int, divisor: int, overlap: float) -> tuple[int, int, tuple[int, ...]]:
    if length <= largest:
        window = ceil(length / divisor) * divisor
        return window, window, (0,)
    count = ceil((length - largest * overlap) / (largest * (1 - overlap)))
    window = ceil(length / (count - (count - 1) * overlap) / divisor) * divisor
    last = length - window
    return window, length, tuple(round(last * index / (count - 1)) for index in range(count))


def _profile(length: int, weighting: str) -> FloatArray:
    if weighting == "uniform":
        return np.ones(length, dtype=np.float32)
    offset = (np.arange(length) - (length - 1) / 2) / (length * GAUSSIAN_SIGMA)
    return np.maximum(np.exp(-(offset**2) / 2), SMALLEST_WEIGHT).astype(np.float32)


def _total(profile: FloatArray, starts: tuple[int, ...], length: int) -> FloatArray:
    total = np.zeros(length, dtype=np.float32)
    for start in starts:
        total[start : start + len(profile)] += profile
    return total


def _outer(profiles: list[FloatArray]) -> FloatArray:
    depth, height, width = profiles
    return np.asarray(depth[:, None, None] * height[:, None] * width)


def _checked(logits: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    if logits.shape != shape:
        raise SegmentationError(
            "the network returned another shape than its window",
            expected=str(shape),
            found=str(logits.shape),
            remedy="The bundle's labels, window or divisor do not fit its network",
        )
    if not np.isfinite(logits).all():
        raise SegmentationError(
            "the network returned values that are not numbers",
            remedy="Try --runtime torch --device cpu, and verify the bundle with: lesionseg doctor",
        )
    return logits


def _report(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)
