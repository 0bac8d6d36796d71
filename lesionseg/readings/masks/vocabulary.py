"""What codes and names of segments mean: the table of docs/reader-masks.md.

A name counts only as a whole, since "non-solid" holds "solid" and "lung without lesion" holds "lesion".
"""

from __future__ import annotations

import re
from typing import Final

from lesionseg.readings.masks.mapping import Region, plain_name

CodeKey = tuple[str, str]

CODES: Final[dict[CodeKey, Region]] = {
    # PS3.16 CID 7151 and 4030, with the SNOMED RT codes that older programs write
    ("SCT", "39607008"): Region.LUNG,
    ("SRT", "T-28000"): Region.LUNG,
    ("SCT", "3341006"): Region.LUNG,  # right lung
    ("SRT", "T-28100"): Region.LUNG,
    ("SCT", "44029006"): Region.LUNG,  # left lung
    ("SRT", "T-28500"): Region.LUNG,
    # PS3.16 CID 7159
    ("SCT", "52988006"): Region.LESION,
    ("SRT", "M-01000"): Region.LESION,
    # SNOMED CT International, as lesionseg itself writes them
    ("SCT", "1217294009"): Region.NON_SOLID,  # ground glass lung opacity
    ("SCT", "9656002"): Region.SOLID,  # consolidation
    ("SCT", "95436008"): Region.SOLID,  # lung consolidation
}
"""By coding scheme and value. Codes that stand here for nothing, such as Slicer's default Tissue, are passed
over."""
_SCHEME_ALIASES: Final = {"SNM3": "SRT", "99SDM": "SRT", "SCT": "SCT", "SRT": "SRT", "SNOMED-CT": "SCT"}

NAMES: Final[dict[Region, tuple[str, ...]]] = {
    Region.BACKGROUND: ("background",),
    Region.LUNG: (
        "lung", "lungs", "both lungs", "whole lung", "whole lungs", "lung parenchyma", "healthy lung",
        "normal lung", "lung without lesion", "lungs without lesion", "lung without lesions",
        "lungs without lesions", "left lung", "right lung", "lung left", "lung right", "lung l", "lung r",
    ),
    Region.LESION: (
        "lesion", "lesions", "whole lesion", "whole lesions", "lung lesion", "lung lesions", "covid lesion",
        "covid lesions", "covid 19 lesion", "covid 19 lesions", "infection", "covid 19 infection", "opacity",
        "opacities", "lung opacity", "lung opacities",
    ),
    Region.NON_SOLID: (
        "non solid", "nonsolid", "non solid lesion", "non solid lesions", "nonsolid lesion",
        "non solid component", "ground glass", "groundglass", "ground glass opacity",
        "ground glass opacities", "ground glass lesion", "ground glass lung opacity", "ggo", "ggos",
    ),
    Region.SOLID: (
        "solid", "solid lesion", "solid lesions", "solid component", "solid components", "consolidation",
        "consolidations", "lung consolidation",
    ),
}  # fmt: skip
"""By region, as `plain_name` gives them; a trailing number is passed over."""
_BY_NAME: Final = {name: region for region, names in NAMES.items() for name in names}
_KINDS: Final = (Region.NON_SOLID, Region.SOLID)


def region_of_code(scheme: str, value: str) -> Region | None:
    """Return what a code stands for; None where it says nothing."""
    return CODES.get((_SCHEME_ALIASES.get(scheme.strip().upper(), ""), value.strip()))


def region_of_name(name: str) -> Region | None:
    """Return what a name stands for; None where it is not in the table."""
    plain = plain_name(name)
    return _BY_NAME.get(plain) or _BY_NAME.get(re.sub(r"(?<=\D) ?\d+$", "", plain))


def agree(by_code: Region, by_name: Region) -> Region | None:
    """Return what a code and a name mean together; None where they contradict each other.

    A lesion by its code may be called by its kind; nothing else may differ.
    """
    if by_code == by_name:
        return by_code
    return by_name if by_code == Region.LESION and by_name in _KINDS else None
