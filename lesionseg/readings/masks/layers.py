"""Segments laid over each other on the scan's grid, and what label each voxel gets in the end.

Each voxel keeps one bit for each region that is drawn there, so that overlaps are known exactly. Then solid
goes over non-solid, over lesion of untold kind, over lung: what nests by definition overlaps by right.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import MaskMismatchError
from lesionseg.core.labels import Label
from lesionseg.dicom.settings import Note
from lesionseg.readings.masks.mapping import Region
from lesionseg.readings.masks.reader_mask import Misfit

Part = tuple[slice, slice, slice]
_BITS: Final = {Region.LUNG: 1, Region.LESION: 2, Region.NON_SOLID: 4, Region.SOLID: 8}


@dataclass
class Layers:
    """What has been drawn so far.

    Attributes
    ----------
    drawn : ndarray, shape of the scan, uint8
        Bits of `_BITS`.
    told : set of Region
        Regions that the file speaks of, drawn or empty.
    """

    drawn: npt.NDArray[np.uint8]
    told: set[Region] = field(default_factory=set)

    @classmethod
    def on(cls, shape: tuple[int, int, int]) -> Layers:
        """Nothing drawn yet."""
        return cls(np.zeros(shape, np.uint8))

    def add(self, region: Region, inside: npt.NDArray[np.bool_], part: Part) -> None:
        """Draw a region where `inside` is true, in a part of the scan's array."""
        if region in _BITS:
            view = self.drawn[part]
            np.bitwise_or(view, np.uint8(_BITS[region]), out=view, where=inside)

    def add_values(self, values: npt.NDArray[np.uint8], regions: dict[int, Region], part: Part) -> None:
        """Draw the regions that label values stand for, in a part of the scan's array."""
        table = np.zeros(256, np.uint8)
        for value, region in regions.items():
            table[value] = _BITS.get(region, 0)
        self.drawn[part] |= table[values]

    def holds(self, region: Region) -> bool:
        """Whether any voxel of a region is drawn, under others or not."""
        return any(bool((plane & _BITS[region]).any()) for plane in self.drawn)

    @property
    def solid_told(self) -> bool:
        """Whether the file tells solid from other lesion."""
        return Region.LESION not in self.told or bool(self.told & {Region.SOLID, Region.NON_SOLID})

    def labels(self, case: str) -> tuple[npt.NDArray[np.uint8], tuple[Note, ...]]:
        """Give every voxel its label, and note the overlaps.

        Raises
        ------
        MaskMismatchError
            If nothing is drawn, or lesion is drawn that is neither non-solid nor solid where the file tells
            non-solid alone.
        """
        counts = self._counts()
        if counts[1:].sum() == 0:
            raise MaskMismatchError(
                "the mask is empty",
                reason=Misfit.EMPTY,
                case=case,
                expected="at least the lung or one lesion",
                remedy="Save the segments with their voxels; for a lung without lesion, save the lung",
            )
        self._refuse_untold_kind(counts, case)
        table = np.zeros(256, np.uint8)
        table[:16] = [_label(bits) for bits in range(16)]
        return table[self.drawn], self._notes(counts)

    def _counts(self) -> npt.NDArray[np.int64]:
        # plane by plane: counting wants eight bytes for each voxel
        planes = (np.bincount(plane.ravel(), minlength=16) for plane in self.drawn)
        return np.asarray(sum(planes, np.zeros(16, np.int64)))

    def _refuse_untold_kind(self, counts: npt.NDArray[np.int64], case: str) -> None:
        untold = _voxels(counts, holds=Region.LESION, lacks=(Region.NON_SOLID, Region.SOLID))
        if untold and Region.NON_SOLID in self.told and Region.SOLID not in self.told:
            raise MaskMismatchError(
                "the file tells whole and non-solid lesion, but not what the rest of the lesion is",
                reason=Misfit.AMBIGUOUS,
                case=case,
                expected="a solid segment too, or whole lesion and solid",
                found=f"{untold} voxels of lesion outside the non-solid segment",
                remedy="Add the solid segment, or leave the whole or the non-solid one out with a mapping",
            )

    def _notes(self, counts: npt.NDArray[np.int64]) -> tuple[Note, ...]:
        both = _voxels(counts, holds=Region.SOLID, and_holds=Region.NON_SOLID)
        notes = []
        if both:
            notes.append(Note("overlap", f"{both} voxels are both solid and non-solid: taken as solid"))
        if Region.LESION in self.told:
            notes += self._lesion_notes(counts)
        return tuple(notes)

    def _lesion_notes(self, counts: npt.NDArray[np.int64]) -> list[Note]:
        untold = _voxels(counts, holds=Region.LESION, lacks=(Region.NON_SOLID, Region.SOLID))
        outside = sum(
            int(count)
            for bits, count in enumerate(counts[:16])
            if bits & 12 and not bits & _BITS[Region.LESION]
        )
        notes = []
        if not self.solid_told:
            notes.append(Note("solid-untold", "the file holds whole lesions alone: solid component unknown"))
        elif untold:
            notes.append(Note("lesion-remainder", f"{untold} voxels of lesion that is not solid: non-solid"))
        if outside:
            text = f"{outside} voxels of solid or non-solid outside the whole lesion: taken as lesion"
            notes.append(Note("kind-outside-lesion", text))
        return notes


def _label(bits: int) -> int:
    if bits & _BITS[Region.SOLID]:
        return Label.SOLID
    if bits & (_BITS[Region.NON_SOLID] | _BITS[Region.LESION]):
        return Label.NON_SOLID
    return Label.LUNG if bits else Label.BACKGROUND


def _voxels(
    counts: npt.NDArray[np.int64],
    *,
    holds: Region,
    and_holds: Region | None = None,
    lacks: tuple[Region, ...] = (),
) -> int:
    wanted = _BITS[holds] | (_BITS[and_holds] if and_holds is not None else 0)
    unwanted = sum(_BITS[region] for region in lacks)
    return sum(
        int(count)
        for bits, count in enumerate(counts[:16])
        if bits & wanted == wanted and not bits & unwanted
    )
