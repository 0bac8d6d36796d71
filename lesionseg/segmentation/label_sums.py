"""What the network's probabilities add up to: lesion and lung at stricter and laxer decisions, and doubt.

Everything is summed slice by slice on the working grid, in and right beside the lungs of the final label map,
so that what post-processing threw away (bowel gas, air beside the patient) does not count again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from lesionseg.core.labels import Label
from lesionseg.segmentation.resampling import FloatArray
from lesionseg.segmentation.winners import LogitArray

STRICT, LAX = 0.7, 0.3
"""Least probability at which a voxel is called lesion for the lower and the upper end of the interval; even
odds, 0.5, lie between the two."""
SURROUNDING_MM = 3.0
"""Tissue this near to the lung still counts: two working voxels of 1.5 mm, within which a border may err."""

BoolArray = npt.NDArray[np.bool_]


@dataclass
class Tally:
    """Voxels under one way to decide; fractions where probabilities are added up."""

    lung: float = 0.0
    lesion: float = 0.0
    solid: float = 0.0

    @property
    def lesion_pct(self) -> float:
        """Lesion in % of the lung; 0 without lung."""
        return 100 * self.lesion / self.lung if self.lung else 0.0

    @property
    def solid_pct(self) -> float:
        """Solid component in % of the lung; 0 without lung."""
        return 100 * self.solid / self.lung if self.lung else 0.0


@dataclass
class LabelSums:
    """Sums over a scan.

    Attributes
    ----------
    decided, strict, lax, expected : Tally
        By the final labels; lesion only where its probability reaches `STRICT`; where it reaches `LAX`; and
        probabilities added up.
    unsure_lesion_mm3, unsure_border_mm3 : float
        Sum of 4 p (1 - p), 1 at even odds and 0 where sure: of lesion within the lung, and of lung itself.
    """

    decided: Tally = field(default_factory=Tally)
    strict: Tally = field(default_factory=Tally)
    lax: Tally = field(default_factory=Tally)
    expected: Tally = field(default_factory=Tally)
    unsure_lesion_mm3: float = 0.0
    unsure_border_mm3: float = 0.0


def sum_labels(
    logits: LogitArray,
    labels: npt.NDArray[np.uint8],
    airways: BoolArray,
    spacing_mm: tuple[float, float, float],
) -> LabelSums:
    """Add up the network's output over the lungs and their immediate surroundings.

    Where the final labels hold lung although the network saw background (a hole that was filled), the final
    label counts as sure.

    Parameters
    ----------
    logits : ndarray, shape (labels, slices, rows, columns)
        On the working grid or a box of it.
    labels : ndarray, shape (slices, rows, columns), uint8
        The final labels on that grid.
    airways : ndarray of bool
        Taken out by rule, so without doubt.
    spacing_mm : (float, float, float)
    """
    sums = LabelSums()
    voxel_mm3 = float(np.prod(spacing_mm))
    reach = max(1, round(SURROUNDING_MM / max(spacing_mm[1:])))
    for index, area in _lung_areas(labels, reach):
        plane = labels[index][area]
        near = ndimage.binary_dilation(plane > 0, iterations=reach)
        near &= (plane > 0) | ~airways[index][area]
        raw = logits[:, index][:, *area][:, near]
        _add(sums, _softmax(raw), plane[near], voxel_mm3)
    return sums


def argmax_tally(logits: LogitArray) -> Tally:
    """Count lung, lesion and solid component as the network alone decides, without post-processing."""
    tally = Tally()
    for index in range(logits.shape[1]):
        winner = np.argmax(logits[:, index], axis=0)
        counts = np.bincount(winner.ravel(), minlength=len(Label))
        tally.lung += int(counts[Label.LUNG :].sum())
        tally.lesion += int(counts[Label.NON_SOLID :].sum())
        tally.solid += int(counts[Label.SOLID])
    return tally


def _lung_areas(labels: npt.NDArray[np.uint8], margin: int) -> Iterator[tuple[int, tuple[slice, slice]]]:
    """Slices that hold lung, with the part of each plane around it."""
    for index, plane in enumerate(labels):
        rows, columns = np.flatnonzero(plane.any(axis=1)), np.flatnonzero(plane.any(axis=0))
        if rows.size:
            first, second = (
                slice(max(0, int(found[0]) - margin), int(found[-1]) + 1 + margin)
                for found in (rows, columns)
            )
            yield index, (first, second)


def _softmax(raw: npt.NDArray[np.generic]) -> FloatArray:
    shifted = raw.astype(np.float32, order="C")  # voxels side by side, as a mask does not leave them
    shifted -= shifted.max(axis=0)
    np.exp(shifted, out=shifted)
    return np.asarray(shifted / shifted.sum(axis=0))


def _add(sums: LabelSums, share: FloatArray, labels: npt.NDArray[np.uint8], voxel_mm3: float) -> None:
    """Add the voxels of one slice: `share` has shape (labels, voxels), `labels` (voxels,)."""
    is_lung, is_lesion, is_solid = labels > 0, labels >= Label.NON_SOLID, labels == Label.SOLID
    background, solid = share[Label.BACKGROUND], share[Label.SOLID]
    lesion = share[Label.NON_SOLID] + solid
    filled = is_lung & (background >= share[Label.LUNG :].max(axis=0))
    background, lesion, solid = (
        np.where(filled, sure, found)
        for sure, found in ((np.float32(0), background), (is_lesion, lesion), (is_solid, solid))
    )
    _count(sums.decided, is_lung, is_lesion, is_solid)
    _count(sums.expected, 1 - background, lesion, solid)
    for tally, least in ((sums.strict, STRICT), (sums.lax, LAX)):
        called = lesion >= least
        lost = is_lesion & ~called & (background > 1 - background - lesion)
        _count(tally, (is_lung & ~lost) | called, called, solid >= least)
    within = lesion / np.maximum(1 - background, np.float32(1e-6))
    sums.unsure_lesion_mm3 += float((4 * within * (1 - within))[is_lung].sum(dtype=np.float64)) * voxel_mm3
    sums.unsure_border_mm3 += float((4 * background * (1 - background)).sum(dtype=np.float64)) * voxel_mm3


def _count(
    tally: Tally,
    lung: npt.NDArray[np.generic],
    lesion: npt.NDArray[np.generic],
    solid: npt.NDArray[np.generic],
) -> None:
    tally.lung += _total(lung)
    tally.lesion += _total(lesion)
    tally.solid += _total(solid)


def _total(values: npt.NDArray[np.generic]) -> float:
    if values.dtype == np.bool_:
        return float(np.count_nonzero(values))  # ten times faster than adding them up as floats
    return float(values.sum(dtype=np.float64))
