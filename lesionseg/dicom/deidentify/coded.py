"""Codes that may stay: those of the terminologies that pydicom carries, with the meaning they have there."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Final

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

_TERMINOLOGIES: Final = frozenset({"SCT", "DCM", "UCUM"})
_SNOMED_RT_DESIGNATORS: Final = frozenset({"SRT", "SNM3", "99SDM"})
"""Names that PS3.16 8.1 lists for SNOMED RT, whose codes became others in SNOMED CT."""
_SNOMED_RT_VALUE: Final = re.compile(r"[A-Z]-[0-9A-F]{4,5}")
_LONGEST_MEANING: Final = 64  # characters in an LO value, PS3.5 6.2
CODE_KEYWORDS: Final = ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")


def known_code(item: Dataset) -> Dataset | None:
    """Return the item's code with the meaning its terminology gives it; None for none or an unknown one.

    A code value is free text to whoever fills it in, so only values found in a terminology are taken over.
    """
    value, designator = (str(item.get(keyword, "") or "").strip() for keyword in CODE_KEYWORDS[:2])
    meaning = _meaning(value, designator)
    if not meaning:
        return None
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, designator, meaning
    return code


@lru_cache(maxsize=256)
def _meaning(value: str, designator: str) -> str:
    if designator in _SNOMED_RT_DESIGNATORS and _SNOMED_RT_VALUE.fullmatch(value):
        wanted = Code(value, "SRT", "")  # equal to the SNOMED CT code that it became
        return next((meaning for known, meaning in _terminology("SCT").items() if known == wanted), "")
    if designator not in _TERMINOLOGIES:
        return ""
    return _terminology(designator).get(Code(value, designator, ""), "")


@cache
def _terminology(designator: str) -> dict[Code, str]:
    concepts = getattr(codes, designator).concepts
    return {code: code.meaning[:_LONGEST_MEANING] for code in concepts.values()}
