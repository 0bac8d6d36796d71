"""What identifies in one file: kept out of free text, and searched for in what was written."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from lesionseg.dicom.deidentify.terms import IMAGE_WORDS, TERMS
from lesionseg.dicom.deidentify.uids import is_standard
from lesionseg.dicom.deidentify.vocabulary import is_kernel_word, is_maker_word, is_model_word, is_scan_word

IDENTIFIERS: Final = frozenset(
    {"AccessionNumber", "AdmissionID", "ClinicalTrialSubjectID", "DeviceSerialNumber",
     "FillerOrderNumberImagingServiceRequest", "InstitutionAddress", "InstitutionName",
     "InsurancePlanIdentification", "MedicalRecordLocator", "OtherPatientIDs", "PatientAddress",
     "PatientID", "PatientTelephoneNumbers", "PlacerOrderNumberImagingServiceRequest",
     "RequestedProcedureID", "ScheduledProcedureStepID", "StationName", "StudyID"}
)  # fmt: skip
"""Attributes whose whole value points to a patient, a visit or a place."""
READING_ERRORS: Final = (
    ArithmeticError, AttributeError, EOFError, LookupError, NotImplementedError, OSError, RecursionError,
    TypeError, ValueError,
)  # fmt: skip
"""What pydicom raises on values that break the rules of their kind."""
_LEAST_NAME_LETTERS: Final = 2
_LEAST_SEARCHED_NAME: Final = 5
_LEAST_SEARCHED_TEXT: Final = 6
_LEAST_SEARCHED_DIGITS: Final = 8
_LEAST_NUMBER_DIGITS: Final = 5
"""Shorter words and numbers occur by chance."""
_NUMBER_OR_UID: Final = re.compile(r"[0-9.]+")
_ALL_TERMS: Final = frozenset().union(IMAGE_WORDS, *TERMS.values())


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose file it is, in the words of the file.

    Attributes
    ----------
    words : frozenset of str
        Parts of names, in small letters; they go from descriptions even where the vocabulary has them.
    numbers : frozenset of str
        Identifiers made of digits; no number attribute may repeat one.
    searched : frozenset of str
        Texts long enough that none of them may stand anywhere in the file that was written.
    """

    words: frozenset[str]
    numbers: frozenset[str]
    searched: frozenset[str]


def identity_of(source: Dataset) -> Identity:
    """Collect names, identifiers, dates and UIDs from a data set and everything nested in it."""
    words: set[str] = set()
    numbers: set[str] = set()
    searched: set[str] = set()
    for element in _elements(source):
        for value in _texts(element):
            if element.VR == "PN":
                parts = _name_parts(value)
                words |= {part.lower() for part in parts}
                searched |= {part for part in parts if _is_rare(part)}
            elif element.keyword in IDENTIFIERS:
                words |= {part.lower() for part in _name_parts(value) if element.keyword == "PatientID"}
                numbers |= {plain_number(value)} if _is_long_number(value) else set()
                searched |= {value} if _is_long(value) else set()
            elif element.VR in ("DA", "DT") or (element.VR == "UI" and not is_standard(value)):
                searched |= {value[:8] if element.VR == "DT" else value} if _is_long(value) else set()
    return Identity(frozenset(words), frozenset(numbers), frozenset(searched))


def residue(identity: Identity, content: bytes, put_in: Collection[str]) -> int:
    """Count the searched texts that stand in the bytes of a file; numbers and UIDs only as a whole.

    What is part of a value that was put in on purpose, as pseudonym or moved date, does not count.
    """
    numbers = _runs(rb"\d+", content) | _runs(rb"[\d.]+", content)
    found = 0
    for text in (text for text in identity.searched if not any(text in value for value in put_in)):
        if _NUMBER_OR_UID.fullmatch(text):
            found += text.encode("ascii") in numbers
        else:
            encodings = {text.encode("utf-8"), text.encode("latin-1", "replace")}
            found += any(encoded in content for encoded in encodings)
    return found


def _runs(pattern: bytes, content: bytes) -> set[bytes]:
    """All matches, and each without its last byte: the tag that follows a value may begin with a digit."""
    runs = set(re.findall(pattern, content))
    return runs | {run[:-1] for run in runs}


def _elements(source: Dataset) -> Iterator[DataElement]:
    """Every element that can be read, nested ones too; what cannot be read is not copied either."""
    for tag in source.keys():  # noqa: SIM118 - iterating a data set reads every value
        try:
            element = source[tag]
            items = list(element.value) if element.VR == "SQ" else []
        except READING_ERRORS:
            continue
        yield element
        for item in items:
            yield from _elements(item)


def _texts(element: DataElement) -> list[str]:
    value = element.value
    if value is None or isinstance(value, (bytes, Dataset)) or element.VR == "SQ":
        return []
    values = value if isinstance(value, (list, tuple)) or hasattr(value, "append") else [value]
    return [text for text in (str(part).strip(" \0") for part in values) if text]


def plain_number(text: str) -> str:
    """Return the digits of a number without leading zeros, as numbers are compared."""
    return text.strip().lstrip("0")


def _is_long_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(plain_number(text)) >= _LEAST_NUMBER_DIGITS


def _name_parts(name: str) -> list[str]:
    return [part for part in re.split(r"[\W\d_]+", name) if len(part) >= _LEAST_NAME_LETTERS]


def _is_rare(part: str) -> bool:
    return len(part) >= _LEAST_SEARCHED_NAME and not _is_common(part)


def _is_common(word: str) -> bool:
    """Whether a word may stand in the file for what it means, even if somebody bears it as a name."""
    known = (is_scan_word, is_maker_word, is_model_word, is_kernel_word)
    return any(is_known(word) for is_known in known) or word.upper() in _ALL_TERMS


def _is_long(text: str) -> bool:
    least = _LEAST_SEARCHED_DIGITS if text.isdigit() else _LEAST_SEARCHED_TEXT
    return len(text) >= least and not _is_common(text)
