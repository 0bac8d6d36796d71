"""What anatomy says about the label map: at most two lungs, no islands, no holes, no airways.

Labels are exclusive and every rule works on the lung as a whole (labels 1, 2 and 3) or adds label 1, so solid
component, lesion and lung stay nested.
"""

from __future__ import annotations

import fill_voids
import numpy as np
import numpy.typing as npt

from lesionseg.core.labels import Label
from lesionseg.segmentation.airways import airway_mask
from lesionseg.segmentation.resampling import FloatArray
from lesionseg.segmentation.winners import Parts, box_around
from lesionseg.volume.components import component_sizes, label_components, surface_share

LARGEST_COMPONENTS = 2
"""Both lungs; they may also touch and be one component, or only one may be there."""
SMALLEST_RELATIVE_SIZE = 0.1
"""The second component against the largest. A shrunken lung keeps more than a tenth of the other; a stray
piece of bowel gas or of an airway rarely reaches it."""
DENSE_CORE_SHARE = 0.5
"""Of an enclosed hole's surface that touches lesion: then it is the dense core of that lesion."""
AIRWAY_LEAD = 1.0
"""By how much background then leads the other logits in an airway."""


def exclude_airways(
    logits: npt.NDArray[np.float16], hu: FloatArray, spacing_mm: tuple[float, float, float]
) -> npt.NDArray[np.bool_]:
    """Make trachea and main bronchi background, in place.

    Done on the logits, before they are interpolated, so that the lung's new border is smooth on the scan's
    grid.

    Parameters
    ----------
    logits : ndarray, shape (labels, slices, rows, columns), float16
        On the same grid as `hu`; changed in place.
    hu : ndarray, float32
        Standard axial order.
    spacing_mm : (float, float, float)

    Returns
    -------
    ndarray of bool
        The airways that were taken out.
    """
    airways = airway_mask(hu, spacing_mm)
    logits[Label.BACKGROUND][airways] = logits[:, airways].max(axis=0) + np.float16(AIRWAY_LEAD)
    return airways


def clean_lungs(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Keep the lungs and close their holes.

    - Connected pieces of lung (labels 1 to 3 together, corners touching) are ranked by size; the largest
      stays, and the second if it reaches `SMALLEST_RELATIVE_SIZE` of it. Everything else becomes background,
      lesions that hang on no lung included.
    - Background that one lung encloses on all sides in three dimensions becomes lung without lesion, label 1
      (vessels, small nodules the network left out), unless at least `DENSE_CORE_SHARE` of its surface touches
      lesion: then it is that lesion's dense core, which the network took for tissue outside the lung, and
      becomes solid, label 3.

    Parameters
    ----------
    labels : ndarray, shape (slices, rows, columns), uint8

    Returns
    -------
    ndarray of uint8
        A new array; all 0 if `labels` is.
    """
    result = np.zeros_like(labels)
    box = box_around(labels)
    if box is None:
        return result
    cut, view = labels[box], result[box]
    for place, lung in _lungs(cut > 0):
        inside, own = view[place], cut[place]
        np.copyto(inside, own, where=lung)
        holes = _filled(lung) & (inside == Label.BACKGROUND)
        if holes.any():
            inside[holes] = _hole_labels(holes, inside)
    return result


def _filled(lung: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Close the holes; turned over, as fill_voids would first bring the axes into Fortran's order."""
    return np.asarray(fill_voids.fill(lung.T)).T


def _hole_labels(holes: npt.NDArray[np.bool_], labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Label of each hole, for each of their voxels."""
    pieces = label_components(holes, 6)
    is_core = surface_share(pieces, labels >= Label.NON_SOLID) >= DENSE_CORE_SHARE
    return np.asarray(np.where(is_core, Label.SOLID, Label.LUNG).astype(np.uint8)[pieces[holes]])


def _lungs(mask: npt.NDArray[np.bool_]) -> list[tuple[Parts, npt.NDArray[np.bool_]]]:
    """Return the components to keep, the largest first: the box of each, and its mask in there."""
    components = label_components(mask, 26)
    sizes = component_sizes(components)
    sizes[0] = 0
    ranked = np.argsort(-sizes, kind="stable")[:LARGEST_COMPONENTS]
    kept = (label for label in ranked if sizes[label] >= SMALLEST_RELATIVE_SIZE * sizes[ranked[0]])
    return [_cut_out(components == label) for label in kept]


def _cut_out(mask: npt.NDArray[np.bool_]) -> tuple[Parts, npt.NDArray[np.bool_]]:
    place = box_around(mask) or (slice(0), slice(0), slice(0))
    return place, np.ascontiguousarray(mask[place])
