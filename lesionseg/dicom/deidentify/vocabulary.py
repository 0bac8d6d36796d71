"""The words that may stay in free text. A name is on no list, so it goes; so does every date and number.

The Clean Descriptors option of PS3.15 E.3.6 asks that what identifies is taken out of descriptions; lists of
what may stay do that without having to know what identifies.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Final

_FILE: Final = "words.txt"
_SEPARATORS: Final = re.compile(r"[\s_/\\,;:()\[\]^|&=-]+")
_CAMEL_PARTS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_KERNEL: Final = re.compile(r"[ABCDHIQTU][a-z]?\d{2}[a-z]?|FC\d{2}", re.IGNORECASE)
"""Kernels of Siemens and of Canon and Toshiba; see `lesionseg.core.kernels`."""
_WITH_UNIT: Final = re.compile(r"\d{1,3}(\.\d{1,3})?(mm|cm|kv|kvp|mas?|mgi?|ml|cc|%)", re.IGNORECASE)
_THICKNESSES: Final = frozenset(
    f"{mm:{form}}"
    for mm in (0.5, 0.6, 0.75, 0.8, 0.9, 1, 1.25, 1.5, 2, 2.5, 3, 3.75, 4, 5, 6, 7, 7.5, 8, 10)
    for form in (".1f", ".2f")
) | {"0.625"}
"""Numbers with a point that stand in descriptions as slice thickness; others, as 03.12, may be a birthday."""
_STRENGTH: Final = re.compile(r"\d")


@cache
def listed(section: str) -> frozenset[str]:
    """Words of one section of the list, in small letters."""
    text = resources.files(__package__).joinpath(_FILE).read_text(encoding="ascii")
    body = text.split(f"[{section}]\n", 1)[1].split("\n[", 1)[0]
    lines = (line for line in body.splitlines() if not line.startswith("#"))
    return frozenset(word for line in lines for word in line.split())


def is_scan_word(word: str) -> bool:
    """Whether a word of a description or protocol may stay."""
    if word.lower() in listed("scan") or _is_measure(word) or _KERNEL.fullmatch(word):
        return True
    parts = _CAMEL_PARTS.findall(word)
    return "".join(parts) == word and all(part.lower() in listed("scan") for part in parts)


def is_agent_word(word: str) -> bool:
    """Whether a word of a contrast agent's name may stay."""
    return word.lower() in listed("agent") or _is_measure(word)


def is_maker_word(word: str) -> bool:
    """Whether a word of a manufacturer's name may stay."""
    return word.strip(".").lower() in listed("maker")


def is_model_word(word: str) -> bool:
    """Whether a word of a scanner's model name may stay."""
    return word.lower() in listed("model") | listed("maker")


def is_kernel_word(word: str) -> bool:
    """Whether a part of a convolution kernel may stay."""
    known = word.lower() in listed("kernel") or _KERNEL.fullmatch(word) is not None
    return known or _STRENGTH.fullmatch(word) is not None


def is_route_word(word: str) -> bool:
    """Whether a word of a contrast route may stay."""
    return word.lower() in listed("route")


def words_of(text: str) -> list[str]:
    """Split a text at spaces and punctuation; a point stays, for numbers."""
    return [word for word in _SEPARATORS.split(text) if word]


def _is_measure(word: str) -> bool:
    return word in _THICKNESSES or _WITH_UNIT.fullmatch(word) is not None
