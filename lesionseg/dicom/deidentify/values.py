"""One value at a time: what stays of it under its rule."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from pydicom.datadict import dictionary_VM
from pydicom.dataelem import DataElement

from lesionseg.dicom.deidentify import vocabulary
from lesionseg.dicom.deidentify.identity import Identity, plain_number
from lesionseg.dicom.deidentify.key import PseudonymKey
from lesionseg.dicom.deidentify.rules import Action, Rule
from lesionseg.dicom.deidentify.subjects import Subject
from lesionseg.dicom.deidentify.terms import IMAGE_WORDS, PATTERNS, TERMS
from lesionseg.dicom.deidentify.uids import is_standard, new_uid

LARGEST_NUMBER: Final = 1e7
"""Nothing that is measured in a CT image is larger; every date written as a number is."""
SMALLEST_FLOAT: Final = 1e-9
"""Nothing that CT measures is smaller but not zero; eight digits of text read as one binary number are."""
OLDEST_AGE_YEARS: Final = 89
"""All ages above count as one, here 090Y (45 CFR 164.514(b)(2)(i)(C))."""
_NUMBER_VRS: Final = frozenset({"AT", "DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV", "US or SS"})
_DATE: Final = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})")
_TIME: Final = re.compile(r"([01]\d|2[0-3])(:?[0-5]\d(:?([0-5]\d|60)(\.\d{1,6})?)?)?")
_DATE_TIME: Final = re.compile(r"(\d{8})(\d{2,6}(?:\.\d{1,6})?)?(?:[+-]\d{4})?")
_AGE: Final = re.compile(r"\d{3}[DWMY]")


@dataclass(frozen=True, slots=True)
class Context:
    """Whose values are cleaned, and how.

    Attributes
    ----------
    key : PseudonymKey
    subject : Subject
    identity : Identity
        Of the file.
    more_words : frozenset of str
        In small letters; may stay in descriptions beside those of the vocabulary.
    characteristics : bool
        Age, sex, size, weight, pregnancy and smoking stay.
    """

    key: PseudonymKey
    subject: Subject
    identity: Identity
    more_words: frozenset[str] = frozenset()
    characteristics: bool = False


def clean_value(element: DataElement, rule: Rule, context: Context) -> Any:
    """Return the value that may stay, the same object where all of it may; None where nothing may.

    Empty values stay empty.
    """
    if rule.characteristic and not context.characteristics:
        return None
    if rule.action is Action.SUBJECT:
        return context.subject.name
    values = values_of(element)
    if not values:
        return element.value
    return _CLEANERS[rule.action](element, values, context)


def values_of(element: DataElement) -> list[Any]:
    """Return the values of an element one by one; none where it is empty."""
    value = element.value
    if value is None or value in ("", b""):
        return []
    return [value] if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__") else list(value)


def _number(element: DataElement, values: list[Any], context: Context) -> Any:
    if element.VR not in _NUMBER_VRS or not _fits(len(values), dictionary_VM(element.tag)):
        return None
    smallest = SMALLEST_FLOAT if element.VR in ("FD", "FL") else 0.0
    sound = element.VR == "AT" or all(_is_believable(float(value), smallest) for value in values)
    repeated = any(plain_number(str(value)) in context.identity.numbers for value in values)
    return element.value if sound and not repeated else None


def _is_believable(number: float, smallest: float) -> bool:
    return math.isfinite(number) and (number == 0 or smallest <= abs(number) < LARGEST_NUMBER)


def _fits(count: int, multiplicity: str) -> bool:
    """Whether an attribute may have so many values; many small numbers may spell a text."""
    least, _, most = multiplicity.partition("-")
    if not most:
        return count == int(least)
    if most.endswith("n"):
        return count >= int(least) and count % int(most[:-1] or 1) == 0
    return int(least) <= count <= int(most)


def _bytes(element: DataElement, values: list[Any], context: Context) -> Any:
    del values, context
    return element.value if isinstance(element.value, bytes) else None


def _term(element: DataElement, values: list[Any], context: Context) -> Any:
    del context
    allowed, pattern = TERMS.get(element.keyword, frozenset()), PATTERNS.get(element.keyword)
    words = [str(value).strip().upper() for value in values]
    if not all(word in allowed or (pattern and pattern.fullmatch(word)) for word in words):
        return None
    return _unchanged_or(element, words)


def _image_type(element: DataElement, values: list[Any], context: Context) -> Any:
    del context
    words = [str(value).strip().upper() for value in values]
    return _unchanged_or(element, [word if word in IMAGE_WORDS or not word else "OTHER" for word in words])


def _words(is_known: Callable[[str], bool], otherwise: str = "") -> Callable[..., Any]:
    """Make the cleaner of a text that keeps known words; the text itself stays where all are known."""

    def clean(element: DataElement, values: list[Any], context: Context) -> Any:
        kept = []
        for text in map(str, values):
            words = vocabulary.words_of(text)
            known = [word for word in words if _may_stay(word, is_known, context)]
            kept.append(text if known == words else " ".join(known))
        kept = [text for text in kept if text.strip()] or ([otherwise] if otherwise else [])
        return _unchanged_or(element, kept) if kept else None

    return clean


def _maker(element: DataElement, values: list[Any], context: Context) -> Any:
    """Keep the words of a maker's name, if one of them tells which maker."""
    kept = _words(vocabulary.is_maker_word)(element, values, context)
    words = {word.lower().strip(".") for word in vocabulary.words_of(str(kept or ""))}
    return kept if words - vocabulary.listed("maker in general") else None


def _may_stay(word: str, is_known: Callable[[str], bool], context: Context) -> bool:
    small = word.lower()
    parts = {part.lower() for part in re.findall(r"[A-Za-z][a-z]+|[A-Z]+", word)} | {small}
    names = context.identity.words
    if is_known in _NAMES_OF_THINGS:
        names = frozenset()  # a maker's name stays one, whoever else bears it
    return parts.isdisjoint(names) and (is_known(word) or small in context.more_words)


def _uid(element: DataElement, values: list[Any], context: Context) -> Any:
    return _unchanged_or(element, [new_uid(context.key, str(value)) for value in values])


def _class_uid(element: DataElement, values: list[Any], context: Context) -> Any:
    del context
    return element.value if all(is_standard(str(value)) for value in values) else None


def _date(element: DataElement, values: list[Any], context: Context) -> Any:
    shifted = shifted_date(str(values[0]), context.subject.shift_days)
    return shifted if element.VR == "DA" and len(values) == 1 else None


def shifted_date(text: str, days: int) -> str | None:
    """Return a date (``YYYYMMDD``, in old files ``YYYY.MM.DD``) moved by days; None where it is none."""
    found = _DATE.fullmatch(text.strip(" \0"))
    try:
        return f"{date(*map(int, found.groups())) + timedelta(days=days):%Y%m%d}".zfill(8) if found else None
    except (ValueError, OverflowError):
        return None


def _time(element: DataElement, values: list[Any], context: Context) -> Any:
    """Keep times of day: every date moves by whole days, so that all intervals stay what they were."""
    del context
    sound = element.VR == "TM" and all(_TIME.fullmatch(str(value).strip()) for value in values)
    return element.value if sound else None


def _date_time(element: DataElement, values: list[Any], context: Context) -> Any:
    found = _DATE_TIME.fullmatch(str(values[0]).strip())
    if found is None or element.VR != "DT" or len(values) > 1:
        return None
    day = shifted_date(found[1], context.subject.shift_days)
    return day and day + (found[2] or "")


def _age(element: DataElement, values: list[Any], context: Context) -> Any:
    del context
    age = str(values[0]).strip()
    if not _AGE.fullmatch(age) or len(values) > 1:
        return None
    too_old = age.endswith("Y") and int(age[:3]) > OLDEST_AGE_YEARS
    return f"{OLDEST_AGE_YEARS + 1:03d}Y" if too_old else element.value


def _unchanged_or(element: DataElement, values: list[str]) -> Any:
    same = [str(value) for value in values_of(element)] == values
    return element.value if same else (values if len(values) > 1 else values[0])


_NAMES_OF_THINGS: Final = (vocabulary.is_maker_word, vocabulary.is_model_word, vocabulary.is_kernel_word)
_CLEANERS: Final[dict[Action, Callable[[DataElement, list[Any], Context], Any]]] = {
    Action.NUMBER: _number,
    Action.BYTES: _bytes,
    Action.TERM: _term,
    Action.IMAGE_TYPE: _image_type,
    Action.SCAN_WORDS: _words(vocabulary.is_scan_word),
    Action.AGENT: _words(vocabulary.is_agent_word, otherwise="contrast agent"),
    Action.MAKER: _maker,
    Action.MODEL: _words(vocabulary.is_model_word),
    Action.KERNEL: _words(vocabulary.is_kernel_word),
    Action.ROUTE: _words(vocabulary.is_route_word),
    Action.UID: _uid,
    Action.CLASS_UID: _class_uid,
    Action.DATE: _date,
    Action.TIME: _time,
    Action.DATE_TIME: _date_time,
    Action.AGE: _age,
}
