"""Lesion by a mixture of five tissue classes, fitted to each scan.

The published five-class mixture of COVID-19 lung on 62 scans gives mean and standard deviation of each class;
how much there is of each is fitted to the scan at hand by expectation maximisation (Dempster, Laird and Rubin
1977), means and deviations staying fixed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lesionseg.segmentation.classical.refining import LungBox, label_lungs
from lesionseg.segmentation.classical.settings import ClassicalSettings
from lesionseg.segmentation.classical.shapes import Mask, smoothed
from lesionseg.segmentation.classical.volumes import label_volume
from lesionseg.volume import CTVolume, LabelMap


@dataclass(frozen=True)
class HUClass:
    """A kind of tissue: normal distribution of Hounsfield units."""

    name: str
    mean_hu: float
    sd_hu: float
    is_lesion: bool
    is_solid: bool


FIVE_CLASSES = (
    HUClass("air", -950.0, 44.0, is_lesion=False, is_solid=False),
    HUClass("healthy", -829.0, 58.0, is_lesion=False, is_solid=False),
    HUClass("ground glass", -652.0, 94.0, is_lesion=True, is_solid=False),
    HUClass("consolidation", -337.0, 157.0, is_lesion=True, is_solid=True),
    HUClass("dense", -12.0, 194.0, is_lesion=True, is_solid=True),
)
"""Published five-class mixture of COVID-19 lung on 62 scans. Its dense class holds vessels besides dense
consolidation; vessels are taken out by their shape, and the rest of the class counts as solid lesion."""
LOWEST_HU, HIGHEST_HU = -1024, 400
"""Values are clipped here, 1 HU to a bin: beyond, the class is beyond doubt."""
BLUR_MM = 1.5
"""Standard deviation of the Gaussian over which each voxel's class probabilities are averaged."""
MOST_ROUNDS, SMALLEST_CHANGE = 500, 1e-6

Weights = npt.NDArray[np.float64]


def mixture_labels(
    hu: npt.NDArray[np.number],
    lung: Mask,
    spacing_mm: tuple[float, ...],
    settings: ClassicalSettings | None = None,
) -> npt.NDArray[np.uint8]:
    """Label lesion where ground glass, consolidation and dense tissue together outweigh healthy lung and air.

    Solid is where consolidation and dense tissue outweigh ground glass. Each voxel's probabilities are
    averaged with its neighbours' before the decision; vessels and specks are left out as in
    `threshold_labels`, whose thresholds play no part here.

    Parameters
    ----------
    hu : ndarray, shape (slices, rows, columns) or (rows, columns)
        Finite Hounsfield units of a scan or one slice.
    lung : ndarray of bool, same shape
    spacing_mm : tuple of float
        One per axis.
    settings : ClassicalSettings, optional
        Lengths, and what counts as vessel.

    Returns
    -------
    ndarray of uint8
        Exclusive labels; all 0 if there is no lung.

    Raises
    ------
    GeometryError
        If array, mask and spacing do not fit together.
    """
    return label_lungs(hu, lung, spacing_mm, settings or ClassicalSettings(), _look)


def mixture_label_map(
    volume: CTVolume, lung: LabelMap, settings: ClassicalSettings | None = None
) -> LabelMap:
    """Label a volume as `mixture_labels` does, within the lungs of a label map on the same grid.

    Raises
    ------
    GeometryError
        If label map and volume lie on different grids.
    """
    chosen = settings or ClassicalSettings()
    return label_volume(volume, lung, lambda hu, mask, step: mixture_labels(hu, mask, step, chosen))


def class_weights(hu: npt.NDArray[np.number]) -> Weights:
    """Fit how much there is of each of `FIVE_CLASSES`.

    Parameters
    ----------
    hu : ndarray, any shape
        Hounsfield units of the lungs' voxels.

    Returns
    -------
    ndarray, shape (5,), float64
        Shares, summing to 1; equal ones if there is no voxel.
    """
    counts = np.bincount(_bins(hu).ravel(), minlength=HIGHEST_HU - LOWEST_HU + 1)
    weights = np.full(len(FIVE_CLASSES), 1.0 / len(FIVE_CLASSES))
    if not counts.sum():
        return weights
    densities = _densities()
    for _ in range(MOST_ROUNDS):
        fitted = (_posteriors(densities, weights) * counts).sum(axis=1) / counts.sum()
        settled = np.abs(fitted - weights).max() < SMALLEST_CHANGE
        weights = fitted
        if settled:
            break
    return weights


def _look(box: LungBox) -> tuple[Mask, Mask]:
    posteriors = _posteriors(_densities(), class_weights(box.hu[box.lung]))
    bins = _bins(box.hu)
    shares = []
    for members in ([kind.is_lesion for kind in FIVE_CLASSES], [kind.is_solid for kind in FIVE_CLASSES]):
        table = posteriors[members].sum(axis=0).astype(np.float32)
        shares.append(smoothed(table[bins], box.lung, BLUR_MM, box.spacing_mm))
    lesion, solid = shares
    return box.lung & (lesion > 0.5), box.lung & (solid > 0.5 * lesion)


def _bins(hu: npt.NDArray[np.number]) -> npt.NDArray[np.int16]:
    return np.asarray(np.rint(np.clip(hu, LOWEST_HU, HIGHEST_HU)) - LOWEST_HU, np.int16)


def _densities() -> Weights:
    """Density of every class at every bin, shape (5, bins)."""
    values = np.arange(LOWEST_HU, HIGHEST_HU + 1)
    means, deviations = (
        np.array([[getattr(kind, of)] for kind in FIVE_CLASSES]) for of in ("mean_hu", "sd_hu")
    )
    return np.asarray(np.exp(-0.5 * ((values - means) / deviations) ** 2) / deviations)


def _posteriors(densities: Weights, weights: Weights) -> Weights:
    """Probability of every class at every bin, shape (5, bins)."""
    joint = densities * weights[:, None]
    # A class that fades away in the fit must not make 0 / 0 where it alone has any density.
    return np.asarray(joint / np.maximum(joint.sum(axis=0), np.finfo(np.float64).tiny))
