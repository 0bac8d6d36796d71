"""Convolution kernels by vendor: soft, sharp, or unknown."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final


class KernelClass(StrEnum):
    """How a kernel renders edges and noise."""

    SOFT = "soft"
    SHARP = "sharp"
    UNKNOWN = "unknown"


SIEMENS_SHARP_FROM: Final = 50
"""Siemens numbers kernels by sharpness (B10 to B90, Br36, Bl57, D40s); lung and bone begin at 50."""
CANON_SHARP_FROM: Final = 30
"""Canon and Toshiba: FC01 to FC29 are body and soft tissue, FC30 on bone, FC50 on lung."""
_SIEMENS: Final = re.compile(r"[A-Z][A-Z]?(\d{2})[A-Z]?")
_CANON: Final = re.compile(r"FC(\d{2}).*")
_SOFT_NAMES: Final = frozenset({"STANDARD", "SOFT", "DETAIL", "CHST", "A", "B", "C", "SA", "SB", "SC"})
_SHARP_NAMES: Final = frozenset(
    {"LUNG", "BONE", "BONEPLUS", "EDGE", "ULTRA", "D", "E", "L", "YA", "YB", "YC", "YD", "YE"}
)


def kernel_class(kernel: str) -> KernelClass:
    """Class of a ConvolutionKernel value, of whichever vendor; the first value where there are several."""
    name = kernel.upper().split("\\")[0].strip()
    canon, siemens = _CANON.fullmatch(name), _SIEMENS.fullmatch(name)
    if canon:
        return KernelClass.SHARP if int(canon[1]) >= CANON_SHARP_FROM else KernelClass.SOFT
    if siemens:
        return KernelClass.SHARP if int(siemens[1]) >= SIEMENS_SHARP_FROM else KernelClass.SOFT
    if name in _SOFT_NAMES:
        return KernelClass.SOFT
    return KernelClass.SHARP if name in _SHARP_NAMES else KernelClass.UNKNOWN
