"""What an archive says of each object it was sent (PS3.18 annex I, Store Instances Response Module)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from lesionseg.pacs.web.archive import DicomJson, text_in

_STORED_SEQUENCE, _FAILED_SEQUENCE = "00081199", "00081198"
_SOP_UID, _FAILURE, _WARNING = "00081155", "00081197", "00081196"
_DUPLICATE: Final = 0x0111
_FAILURES: Final = {
    0x0110: "processing failure",
    _DUPLICATE: "it has an object with this UID already",
    0x0122: "it takes no objects of this SOP class",
    0x0124: "not authorised",
    0xC122: "it takes no objects of this transfer syntax",
}
_FAILURE_FAMILIES: Final = {
    0xA700: "out of resources",
    0xA900: "the object does not match its SOP class",
    0xC000: "it cannot understand the object",
}
"""Codes whose last digits are free: PS3.18 table I.2-2, PS3.7 annex C and PS3.4 table B.2-1."""
_WARNINGS: Final = {
    0xB000: "it changed attributes of the object",
    0xB006: "it left out attributes of the object",
    0xB007: "the object does not match its SOP class",
}


@dataclass(frozen=True)
class Verdict:
    """What became of one object.

    Attributes
    ----------
    state : str
        ``stored``, ``already there`` or ``failed``.
    reason : str
        With the archive's code, for failures and for what was stored with changes.
    """

    state: str
    reason: str = ""


def verdicts_of(answer: DicomJson) -> dict[str, Verdict]:
    """Return what the answer says of each SOP Instance UID that it names."""
    verdicts: dict[str, Verdict] = {}
    for item in _items(answer, _STORED_SEQUENCE):
        verdicts[text_in(item, _SOP_UID)] = Verdict("stored", _words(item, _WARNING, _WARNINGS))
    for item in _items(answer, _FAILED_SEQUENCE):
        verdicts[text_in(item, _SOP_UID)] = _failure(item)
    return verdicts


def _failure(item: DicomJson) -> Verdict:
    if text_in(item, _FAILURE) == str(_DUPLICATE):
        return Verdict("already there")
    return Verdict("failed", _words(item, _FAILURE, _FAILURES) or "the archive gives no reason")


def _words(item: DicomJson, tag: str, known: dict[int, str]) -> str:
    text = text_in(item, tag)
    if not text.isdecimal():
        return ""
    code = int(text)
    family = _FAILURE_FAMILIES.get(code & 0xFF00) or _FAILURE_FAMILIES.get(code & 0xF000, "")
    words = known.get(code) or family or "not explained"
    return f"{words} (code {code:04X})"


def _items(answer: DicomJson, tag: str) -> Iterator[dict[str, Any]]:
    element = answer.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return (item for item in values or () if isinstance(item, dict))
