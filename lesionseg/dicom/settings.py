"""What the loader may be asked to do, and the note it leaves about what it did."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

MINIMUM_SLICES: Final = 3
"""With fewer, there is no second distance between slices to check the first against."""
MAXIMUM_DECODING_THREADS: Final = 8
"""Codecs gain little beyond; several share the interpreter's lock."""


class Repair(StrEnum):
    """A repair that is done only when asked for, and then written into the manifest."""

    TILT = "tilt"
    """Shift every slice within its plane so that a stack scanned with tilted gantry becomes straight."""
    DUPLICATES = "duplicates"
    """Drop a slice whose position and pixels another slice has too."""


def _usable_threads() -> int:
    return min(MAXIMUM_DECODING_THREADS, os.cpu_count() or 1)


@dataclass(frozen=True)
class LoaderSettings:
    """How to load a series.

    Attributes
    ----------
    repairs : frozenset of Repair
        Repairs that may be done; none by default.
    threads : int
        Slices decoded at a time.
    minimum_slices : int
        Fewer slices are refused.
    """

    repairs: frozenset[Repair] = frozenset()
    threads: int = field(default_factory=_usable_threads)
    minimum_slices: int = MINIMUM_SLICES


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth recording that changes no volume by itself: a stable code, and a sentence."""

    code: str
    text: str
