"""Which attributes derived objects copy from their source, and what becomes of values that are not valid.

A value that the standard does not allow would make the new object invalid too. By rule: names and
descriptions are cut to fit; whatever identifies somebody or something, and every date, time, number and code,
is left empty or out, because half of it would be another one. Each case is noted.
"""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from pydicom.config import RAISE
from pydicom.dataset import Dataset
from pydicom.valuerep import MAX_VALUE_LEN, validate_value

TYPE_2: Final = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex",
    "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber",
)  # fmt: skip
"""Present always, empty where the source has none (PS3.3 C.7.1.1, C.7.2.1)."""
TRIAL_TYPE_1: Final = ("ClinicalTrialSponsorName", "ClinicalTrialProtocolID")
TRIAL_TYPE_2: Final = ("ClinicalTrialProtocolName", "ClinicalTrialSiteID", "ClinicalTrialSiteName")
TRIAL_SUBJECT: Final = ("ClinicalTrialSubjectID", "ClinicalTrialSubjectReadingID")
"""PS3.3 C.7.1.3: at least one of the two."""
TYPE_3: Final = (
    "IssuerOfPatientID", "OtherPatientIDsSequence", "PatientAge", "PatientSize", "PatientWeight",
    "DeidentificationMethod", "DeidentificationMethodCodeSequence", "PatientIdentityRemoved",
    "LongitudinalTemporalInformationModified", "StudyDescription", *TRIAL_TYPE_1, *TRIAL_TYPE_2,
    *TRIAL_SUBJECT, "ClinicalTrialTimePointID", "ClinicalTrialTimePointDescription",
)  # fmt: skip
"""Copied where the source has them."""
_CUT_TO_FIT: Final = frozenset(
    {"PatientName", "ReferringPhysicianName", "StudyDescription", "DeidentificationMethod",
     "ClinicalTrialSponsorName", "ClinicalTrialProtocolName", "ClinicalTrialSiteName",
     "ClinicalTrialTimePointDescription"}
)  # fmt: skip
_ALLOWED: Final = {
    "PatientSex": ("M", "F", "O"),
    "PatientIdentityRemoved": ("YES", "NO"),
    "LongitudinalTemporalInformationModified": ("UNMODIFIED", "MODIFIED", "REMOVED"),
    "TypeOfPatientID": ("TEXT", "RFID", "BARCODE"),
}
"""Enumerated values, PS3.3 C.7.1.1 and C.7.2.1."""
_ITEMS: Final = {
    "OtherPatientIDsSequence": (("PatientID", "TypeOfPatientID"), ("IssuerOfPatientID",)),
    "DeidentificationMethodCodeSequence": (
        ("CodeValue", "CodingSchemeDesignator", "CodeMeaning"),
        ("CodingSchemeVersion",),
    ),
}
"""What an item must have, and what it may; nothing else is copied of it."""
_PERSON_GROUP_LENGTH: Final = 64  # characters, PS3.5 6.2
_PERSON_GROUPS, _PERSON_PARTS = 3, 5
_UNDECODED: Final = "\ufffd"  # what decoders put in place of such bytes


def clean_copied_values(header: Dataset) -> tuple[str, ...]:
    """Replace invalid values of the attributes that are copied, in place; say what was done to which.

    Texts become Unicode: derived objects are written in UTF-8, whatever the source's character set.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what pydicom would warn of is noted here instead
        notes = [note for keyword in (*TYPE_2, *TYPE_3) for note in _clean(header, keyword)]
        return (*notes, *_clean_deidentification(header), *_clean_trial(header))


def _clean(header: Dataset, keyword: str) -> Iterator[str]:
    if keyword not in header:
        return
    fault, value = _checked_items(header, keyword) if keyword in _ITEMS else checked_text(header, keyword)
    if not value:
        del header[keyword]
    else:
        setattr(header, keyword, value)
    if fault:
        done = "cut to fit" if value else "left empty" if keyword in TYPE_2 else "left out"
        yield f"{keyword} of the source is {done}: {fault}"


def checked_text(dataset: Dataset, keyword: str) -> tuple[str, str]:
    """Say what is wrong with a value, and which value to write; both may be empty."""
    if keyword not in dataset:
        return "", ""
    try:
        element = dataset[keyword]
        texts = [str(part) for part in element.value] if element.VM > 1 else [str(element.value or "")]
    except (ValueError, TypeError, UnicodeError) as error:
        return str(error), ""
    text = "".join(sign for sign in texts[0] if unicodedata.category(sign) != "Cc").strip()
    fault = f"{element.VM} values" if element.VM > 1 else ""
    fault = fault or ("control characters" if text != texts[0].strip() else "")
    fault = fault or ("bytes outside its character set" if _UNDECODED in text else "")
    fault = fault or _fault(keyword, element.VR, text)
    if not fault:
        return "", text
    return fault, _cut(element.VR, text) if keyword in _CUT_TO_FIT else ""


def _fault(keyword: str, vr: str, text: str) -> str:
    if not text:
        return ""
    if keyword in _ALLOWED and text not in _ALLOWED[keyword]:
        return f"{text!r} is none of {', '.join(_ALLOWED[keyword])}"
    if vr == "PN" and _cut(vr, text) != text:
        return "too many or too long parts of a name"
    if vr in {"DA", "TM"} and "-" in text:  # a range is for queries alone
        return f"{text!r} is no single {'date' if vr == 'DA' else 'time'}"
    try:
        validate_value(vr, text, RAISE)
        if vr == "DA":
            datetime.strptime(text, "%Y%m%d")  # raises where there is no such day
    except ValueError as error:
        return str(error)
    return ""


def _cut(vr: str, text: str) -> str:
    if vr != "PN":
        return text[: MAX_VALUE_LEN.get(vr, len(text))].strip()
    groups = text.split("=")[:_PERSON_GROUPS]
    return "=".join("^".join(g.split("^")[:_PERSON_PARTS])[:_PERSON_GROUP_LENGTH] for g in groups)


def _checked_items(header: Dataset, keyword: str) -> tuple[str, list[Dataset]]:
    needed, optional = _ITEMS[keyword]
    items = []
    for carried in header[keyword].value or []:
        item = Dataset()
        for part in (*needed, *optional):
            fault, text = checked_text(carried, part)
            if fault or (part in needed and not text):
                return f"an item has no valid {part}", []
            if text:
                setattr(item, part, text)
        items.append(item)
    return "", items


def _clean_deidentification(header: Dataset) -> Iterator[str]:
    """PS3.3 C.7.1.1: YES asks for the method as well."""
    how = ("DeidentificationMethod", "DeidentificationMethodCodeSequence")
    if header.get("PatientIdentityRemoved") == "YES" and not any(name in header for name in how):
        del header.PatientIdentityRemoved
        yield "PatientIdentityRemoved of the source is left out: it names no method"


def _clean_trial(header: Dataset) -> Iterator[str]:
    """PS3.3 C.7.1.3 and C.7.2.3: the trial's attributes come together or not at all."""
    subject = (*TRIAL_TYPE_1, *TRIAL_TYPE_2, *TRIAL_SUBJECT)
    if any(name in header for name in subject):
        missing = [name for name in TRIAL_TYPE_1 if name not in header]
        if not any(name in header for name in TRIAL_SUBJECT):
            missing.append(" or ".join(TRIAL_SUBJECT))
        if missing:
            for name in (name for name in subject if name in header):
                del header[name]
            yield f"the trial of the source is left out: it has no valid {', '.join(missing)}"
        for name in TRIAL_TYPE_2:
            if not missing and name not in header:
                setattr(header, name, "")
    if "ClinicalTrialTimePointDescription" in header and "ClinicalTrialTimePointID" not in header:
        header.ClinicalTrialTimePointID = ""
