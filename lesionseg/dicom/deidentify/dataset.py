"""A whole data set: the attributes that may stay, in all nested items, and the marks of de-identification."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.tag import BaseTag

from lesionseg.dicom.deidentify.coded import CODE_KEYWORDS, known_code
from lesionseg.dicom.deidentify.identity import READING_ERRORS
from lesionseg.dicom.deidentify.outcome import PRIVATE, Change, refused
from lesionseg.dicom.deidentify.rules import (
    ALWAYS_PRESENT,
    ENHANCED_EQUIPMENT,
    REMOVED,
    RULES,
    Action,
    Rule,
)
from lesionseg.dicom.deidentify.values import Context, clean_value

OPTIONS: Final = (
    codes.DCM.BasicApplicationConfidentialityProfile,
    codes.DCM.CleanDescriptorsOption,
    codes.DCM.RetainLongitudinalTemporalInformationModifiedDatesOption,
)
"""What is done always (PS3.16 CID 7050)."""
CHARACTERISTICS_OPTION: Final = codes.DCM.RetainPatientCharacteristicsOption
METHOD: Final = "PS3.15 E.1 Basic Profile by allow list; clean words; dates moved"
_REPLACED: Final = frozenset({Action.UID, Action.SUBJECT})
_SHIFTED: Final = frozenset({Action.DATE, Action.DATE_TIME})


@dataclass
class _Cleaning:
    """Goes through one file's data set and remembers what it did."""

    context: Context
    changes: list[Change] = field(default_factory=list)

    def cleaned(self, source: Dataset, *, nested: bool) -> Dataset:
        clean = Dataset()
        code = known_code(source) if "CodeValue" in source else None
        if code is not None:
            clean.update(code)
        for tag in source.keys():  # noqa: SIM118 - iterating a data set reads every value
            rule = None if tag.is_private else RULES.get(tag)
            if rule is not None and rule.action is Action.BYTES and nested:
                rule = None  # an item has no pixels of its own, and bytes may hold anything
            if rule is not None:
                self._take(clean, source, tag, rule)
            elif keyword_for_tag(tag) in CODE_KEYWORDS and code is not None:
                self._note(tag, "kept")
            elif tag.element != 0:  # group lengths are no attributes
                self._note(tag, "removed")
        return clean

    def _take(self, clean: Dataset, source: Dataset, tag: BaseTag, rule: Rule) -> None:
        try:
            element = source[tag]
            value = self._value(element, rule)
        except READING_ERRORS:
            element, value = None, None
        if element is not None and _stays_empty(element, rule):
            clean.add(element)
            self._note(tag, "kept")
            return
        if element is not None and value is not None:
            same = value is element.value
            clean.add(element if same else DataElement(tag, dictionary_VR(tag), value))
            self._note(tag, _done(rule, same=same or value == element.value))
            return
        if rule.required:
            raise refused(
                "value-not-allowed",
                f"{keyword_for_tag(tag)} holds a value that cannot stay and cannot be missed",
            )
        if rule.emptied or rule.action is Action.EMPTY:
            clean.add(DataElement(tag, dictionary_VR(tag), [] if dictionary_VR(tag) == "SQ" else ""))
        self._note(tag, "emptied" if tag in clean else "removed")

    def _value(self, element: DataElement, rule: Rule) -> Any:
        if rule.action is Action.EMPTY:
            return None
        if rule.action not in (Action.SEQUENCE, Action.CODES):
            return clean_value(element, rule, self.context)
        if element.VR != "SQ":
            return None
        items = [self.cleaned(item, nested=True) for item in element.value]
        if rule.action is Action.CODES:
            items = [item for item in items if "CodeValue" in item]
        return Sequence(items) if items or not element.value else None

    def _note(self, tag: BaseTag, done: str) -> None:
        self.changes.append(Change(_name(tag), done))


def clean_dataset(source: Dataset, context: Context, version: str) -> tuple[Dataset, tuple[Change, ...]]:
    """Return a new data set with what may stay of `source`, marked as de-identified, and what was done.

    Raises
    ------
    NotCopied
        If an attribute that the image cannot do without holds something that may not stay.
    """
    cleaning = _Cleaning(context)
    clean = cleaning.cleaned(source, nested=False)
    clean.PatientID = clean.PatientName = context.subject.name
    for keyword in ALWAYS_PRESENT:
        if keyword not in clean:
            setattr(clean, keyword, "")
    if "SharedFunctionalGroupsSequence" in source:
        for keyword in ENHANCED_EQUIPMENT:
            if source.get(keyword) and not clean.get(keyword):
                setattr(clean, keyword, REMOVED)
    if not all(word.isascii() for word in context.more_words):
        clean.SpecificCharacterSet = "ISO_IR 192"
    _mark(clean, version, characteristics=context.characteristics)
    return clean, tuple(cleaning.changes)


def _mark(clean: Dataset, version: str, *, characteristics: bool) -> None:
    """Say in the file itself what was done (PS3.15 E.1.1, PS3.3 C.7.1.1)."""
    clean.PatientIdentityRemoved = "YES"
    clean.LongitudinalTemporalInformationModified = "MODIFIED"
    clean.DeidentificationMethod = [f"lesionseg {version}", METHOD]
    items = []
    for code in (*OPTIONS, *((CHARACTERISTICS_OPTION,) if characteristics else ())):
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator = code.value, code.scheme_designator
        item.CodeMeaning = code.meaning
        items.append(item)
    clean.DeidentificationMethodCodeSequence = Sequence(items)


def _stays_empty(element: DataElement, rule: Rule) -> bool:
    return bool(element.is_empty) and element.VR != "SQ" and not rule.characteristic


def _done(rule: Rule, *, same: bool) -> str:
    if rule.action in _REPLACED:
        return "replaced"
    if rule.action in _SHIFTED:
        return "shifted"
    sequence = rule.action in (Action.SEQUENCE, Action.CODES)
    return "kept" if same and not sequence else "cleaned"


def _name(tag: BaseTag) -> str:
    if tag.is_private:
        return PRIVATE
    if tag.group & 0xFF00 in (0x5000, 0x6000):
        return "curve" if tag.group & 0xFF00 == 0x5000 else "overlay"
    return keyword_for_tag(tag) or f"({tag.group:04X},{tag.element:04X})"
