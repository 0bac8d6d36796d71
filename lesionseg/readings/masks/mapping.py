"""Which segment, ROI or label value means which region: by the user's word, by codes, by names, by values.

The table is documented in docs/reader-masks.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Self

from lesionseg.core.errors import ConfigurationError


class Region(StrEnum):
    """What a segment stands for."""

    BACKGROUND = "background"
    LUNG = "lung"
    LESION = "lesion"
    """Whole lesion, or lesion whose kind is not told."""
    NON_SOLID = "non_solid"
    SOLID = "solid"


DRAWN: Final = (Region.LUNG, Region.LESION, Region.NON_SOLID, Region.SOLID)
"""In the order in which they are laid over each other."""


@dataclass(frozen=True)
class SegmentMapping:
    """What the user says about the segments of a file; everything else is told by the table.

    Attributes
    ----------
    regions : mapping of str to Region
        By a segment's name (case, blanks, hyphens and underscores do not matter), or by its number or label
        value as text. `Region.BACKGROUND` leaves a segment out.
    fraction : float or None
        From which fraction on a voxel of a FRACTIONAL segment counts as inside; without it, such segments are
        refused unless every voxel is wholly in or out.

    Raises
    ------
    ConfigurationError
        If a region is unknown, a segment is named twice, or the fraction is not in (0, 1].
    """

    regions: Mapping[str, Region] = field(default_factory=dict)
    fraction: float | None = None

    def __post_init__(self) -> None:
        given: dict[str, Region] = {}
        for name, region in self.regions.items():
            key = plain_name(name)
            if not key or key in given or region not in list(Region):
                raise ConfigurationError(
                    "the meaning of a segment is not understood",
                    expected=f"one of {', '.join(Region)} for each name or number, each once",
                    found=f"{name}={region}",
                )
            given[key] = Region(region)
        if self.fraction is not None and not 0 < self.fraction <= 1:
            raise ConfigurationError(
                "the fraction is out of range", expected="0 to 1", found=f"{self.fraction}"
            )
        object.__setattr__(self, "regions", given)

    @classmethod
    def parse(cls, texts: tuple[str, ...], fraction: float | None = None) -> Self:
        """Read ``NAME=REGION`` texts, for instance ``GGO left=non_solid`` or ``4=background``.

        Raises
        ------
        ConfigurationError
            If one is not understood.
        """
        pairs = [text.rpartition("=") for text in texts]
        names = [plain_name(name) for name, _, _ in pairs]
        known = {str(region): region for region in Region}
        for text, name, (_, _, region) in zip(texts, names, pairs, strict=True):
            if not name or names.count(name) > 1 or plain_region(region) not in known:
                raise ConfigurationError(
                    "the meaning of a segment is not understood",
                    expected=f"NAME=REGION, with a region of {', '.join(Region)}, each name once",
                    found=text,
                )
        return cls(
            {name: known[plain_region(pair[2])] for name, pair in zip(names, pairs, strict=True)}, fraction
        )

    def region_of(self, number: int, name: str) -> Region | None:
        """Return what the user said about a segment, by name first, then by number."""
        return self.regions.get(plain_name(name)) or self.regions.get(str(number))


def plain_name(name: str) -> str:
    """Return a name in lower case, with single blanks for hyphens, underscores and the like."""
    return " ".join(re.sub(r"[\s_\-./,:;()\[\]]+", " ", name.lower()).split())


def plain_region(text: str) -> str:
    """Return a region's name as `Region` spells it."""
    return plain_name(text).replace(" ", "_")
