"""Dense pieces that hang on the lung by a narrow bridge: bowel below the diaphragm, taken for lesion."""

from __future__ import annotations

from math import ceil

import edt
import numpy as np
import numpy.typing as npt

from lesionseg.core.labels import Label
from lesionseg.segmentation.resampling import FloatArray
from lesionseg.segmentation.winners import box_around, winning_labels
from lesionseg.volume.components import label_components

BRIDGE_MM = 4.0
"""Half the width of the widest bridge that is cut."""
REACH_MM = 2 * BRIDGE_MM
"""As far from a core that goes, what is around it goes with it."""
SMALLEST_LUNG = 0.1
"""Of the largest core; a core above it is a lung, whatever it holds."""
DENSE_SHARE = 0.5
"""A smaller core is an appendage if at least this share of it is lesion. Aerated recesses of the lung, which
a bridge may also part from it, hold less."""
BACKGROUND_LEAD = 1.0
"""By how much background then leads the other logits there."""

BoolArray = npt.NDArray[np.bool_]


def cut_appendages(
    logits: npt.NDArray[np.float16], spacing_mm: tuple[float, float, float]
) -> npt.NDArray[np.bool_]:
    """Make dense appendages of the lungs background, in place.

    The lung's cores are what lies deeper than `BRIDGE_MM`. A core that is small and mostly lesion goes, and
    with it the voxels around that are nearer to it than to any other core. A lesion inside a lung is never a
    core of its own, and a lung that is wholly consolidated is not small.

    Parameters
    ----------
    logits : ndarray, shape (labels, slices, rows, columns), float16
        Changed in place.
    spacing_mm : (float, float, float)

    Returns
    -------
    ndarray of bool
        What was cut.
    """
    labels = winning_labels(logits)
    everything = np.zeros(labels.shape, dtype=np.bool_)
    box = box_around(labels, margin=1)
    if box is not None:
        everything[box] = _cut(labels[box], logits[:, *box], spacing_mm)
    return everything


def _cut(
    labels: npt.NDArray[np.uint8], logits: npt.NDArray[np.float16], spacing_mm: tuple[float, float, float]
) -> BoolArray:
    """Do the work in the box of the labels, whose rim of background makes all distances come out the same."""
    mask = labels > Label.BACKGROUND
    cores = label_components(_depth_mm(mask, spacing_mm) > BRIDGE_MM, 26)
    doomed = _dense_and_small(cores, labels >= Label.NON_SOLID)
    cut = np.zeros_like(mask)
    # a voxel within reach of a doomed core, and a kept core within reach of that voxel
    near = box_around(doomed[cores], margin=ceil(2 * REACH_MM / min(spacing_mm)))
    if near is not None:
        going, staying = doomed[cores[near]], (cores[near] > 0) & ~doomed[cores[near]]
        away_mm, kept_mm = (_depth_mm(~core, spacing_mm) for core in (going, staying))
        cut[near] = mask[near] & (away_mm < kept_mm) & (away_mm <= REACH_MM)
        logits[Label.BACKGROUND][cut] = logits[:, cut].max(axis=0) + np.float16(BACKGROUND_LEAD)
    return cut


def _depth_mm(mask: BoolArray, spacing_mm: tuple[float, float, float]) -> FloatArray:
    """Distance to what is not in the mask; edt takes integers in half the time it needs for bool."""
    return np.asarray(edt.edt(mask.view(np.uint8), anisotropy=spacing_mm))


def _dense_and_small(cores: npt.NDArray[np.unsignedinteger], lesion: BoolArray) -> BoolArray:
    """Whether a core is to go, by its number."""
    sizes = np.bincount(cores.ravel())
    sizes[0] = 0
    dense = np.bincount(cores[lesion].ravel(), minlength=sizes.size)
    doomed = (sizes < SMALLEST_LUNG * sizes.max(initial=0)) & (dense >= DENSE_SHARE * sizes) & (sizes > 0)
    return np.asarray(doomed)
