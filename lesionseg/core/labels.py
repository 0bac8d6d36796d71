"""The label scheme: exclusive voxel labels, and the nested regions made of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Label(IntEnum):
    """Exclusive label of one voxel."""

    BACKGROUND = 0
    LUNG = 1  # lung without lesion
    NON_SOLID = 2  # ground glass and the like
    SOLID = 3  # consolidation and other dense parts


@dataclass(frozen=True)
class LabelScheme:
    """Names and colours of the labels, and which labels make up each nested region.

    Colours are sRGB 0..255 from the Okabe-Ito palette (Okabe and Ito 2008, "Color Universal Design"),
    which readers with the common colour-vision deficiencies tell apart.
    """

    names: tuple[str, ...] = ("background", "lung", "non_solid", "solid")
    colours: tuple[tuple[int, int, int], ...] = (
        (0, 0, 0),
        (86, 180, 233),
        (240, 228, 66),
        (213, 94, 0),
    )
    lung: tuple[int, ...] = (Label.LUNG, Label.NON_SOLID, Label.SOLID)
    lesion: tuple[int, ...] = (Label.NON_SOLID, Label.SOLID)
    solid: tuple[int, ...] = (Label.SOLID,)

    @property
    def maximum(self) -> int:
        """Largest label value."""
        return len(self.names) - 1


DEFAULT_SCHEME = LabelScheme()
