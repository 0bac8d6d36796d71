"""Whether a mask whose geometry fits can be true: it is held against the lung that the model found.

A program that moves voxels and leaves the geometry as it was makes a file that fits and lies wrong. The
geometry cannot tell; the anatomy can.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import MaskMismatchError
from lesionseg.dicom.settings import Note
from lesionseg.readings.masks.reader_mask import LungSource, Misfit
from lesionseg.volume import LabelMap

MIRROR_MARGIN: Final = 0.05
"""A mask counts as mirrored where its mirror image overlaps this much more (Dice) with the model's lung."""
MIRROR_RATIO: Final = 0.5
"""Or where mirroring takes away this part of what is missing to full overlap, in a nearly symmetric chest."""
_AXES: Final = ("slices", "rows", "columns")
_Region = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class PlausibilityLimits:
    """From where on a mask is refused.

    Attributes
    ----------
    minimum_inside : float
        Part of the reader's lung (or of the lesions, where no lung was drawn) that must lie in the model's
        lung. 0 refuses none.
    minimum_coverage : float
        Part of the model's lung that the reader's lung must cover. 0 refuses none.
    refuse_mirrored : bool
    """

    minimum_inside: float = 0.5
    minimum_coverage: float = 0.5
    refuse_mirrored: bool = True


DEFAULT_LIMITS: Final = PlausibilityLimits()


def check_plausibility(
    reader: LabelMap,
    model: LabelMap,
    lung_from: LungSource = LungSource.READER,
    *,
    limits: PlausibilityLimits = DEFAULT_LIMITS,
    case: str = "",
) -> tuple[Note, ...]:
    """Compare a reader's labels with the model's on the same grid.

    An empty region of the reader's or a model without lung is not judged.

    Raises
    ------
    MaskMismatchError
        If the mask lies elsewhere than the lung, covers too little of it, or fits better mirrored.
    """
    drawn = reader.lung if lung_from is LungSource.READER else reader.lesion
    what = "lung" if lung_from is LungSource.READER else "lesion"
    lung = model.lung
    drawn_voxels, lung_voxels = int(np.count_nonzero(drawn)), int(np.count_nonzero(lung))
    if not drawn_voxels or not lung_voxels:
        return ()
    common = int(np.count_nonzero(drawn & lung))
    if limits.refuse_mirrored and lung_from is LungSource.READER:
        _refuse_mirrored(drawn, lung, 2 * common / (drawn_voxels + lung_voxels), case)
    inside, covered = common / drawn_voxels, common / lung_voxels
    if inside < limits.minimum_inside:
        raise _implausible(
            f"the reader's {what} lies mostly outside the lung that the model found",
            f"at least {limits.minimum_inside:.0%} inside",
            f"{inside:.0%}",
            case,
        )
    if lung_from is LungSource.READER and covered < limits.minimum_coverage:
        raise _implausible(
            "the reader's lung covers little of the lung that the model found",
            f"at least {limits.minimum_coverage:.0%} of it",
            f"{covered:.0%}; perhaps the value or segment taken for lung is something else",
            case,
        )
    text = f"{inside:.1%} of the reader's {what} lie in the model's lung"
    more = f", of which {covered:.1%} are covered" if lung_from is LungSource.READER else ""
    return (Note("plausibility", text + more),)


def _refuse_mirrored(drawn: _Region, lung: _Region, plain: float, case: str) -> None:
    """Try the flips that a program makes by reading an array the wrong way round."""
    voxels = int(np.count_nonzero(drawn)) + int(np.count_nonzero(lung))
    flips = [axes for count in (1, 2, 3) for axes in combinations(range(3), count)]
    overlaps = {axes: 2 * int(np.count_nonzero(np.flip(drawn, axes) & lung)) / voxels for axes in flips}
    best = max(overlaps, key=lambda axes: overlaps[axes])
    if overlaps[best] > plain + MIRROR_MARGIN or 1 - overlaps[best] < MIRROR_RATIO * (1 - plain):
        raise _implausible(
            "the mask seems to be mirrored",
            f"more overlap with the model's lung than any mirror image, {plain:.2f} (Dice)",
            f"{overlaps[best]:.2f} with the {' and '.join(_AXES[axis] for axis in best)} reversed",
            case,
        )


def _implausible(problem: str, expected: str, found: str, case: str) -> MaskMismatchError:
    return MaskMismatchError(
        problem,
        reason=Misfit.IMPLAUSIBLE,
        case=case,
        expected=expected,
        found=found,
        remedy="Look at mask and scan together; if the model is wrong here, read the mask with other limits",
    )
