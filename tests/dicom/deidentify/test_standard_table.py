"""Every rule is at least as strict as table E.1-1 of PS3.15 with the options that are claimed."""

from __future__ import annotations

import pytest
from pydicom.datadict import dictionary_VR, keyword_for_tag

from lesionseg.dicom.deidentify.rules import RULES, Action
from lesionseg.dicom.deidentify.standard import basic_profile, table_action

MOVED = {"DA": Action.DATE, "TM": Action.TIME, "DT": Action.DATE_TIME}
"""Modified Dates option: all dates and times of the table are C."""
CLEANED = {
    "ContrastBolusAgent": Action.AGENT,
    "ProtocolName": Action.SCAN_WORDS,
    "SeriesDescription": Action.SCAN_WORDS,
    "StudyDescription": Action.SCAN_WORDS,
}
"""Clean Descriptors option: these are C."""
REFERENCES = {"ReferencedImageSequence", "SourceImageSequence"}
"""X/Z/U*: kept, with their UIDs replaced."""


def test_the_table_is_whole() -> None:
    assert len(basic_profile()) > 640
    assert table_action("PatientName") == "Z"
    assert table_action("InstitutionName") == "X/Z/D"
    assert table_action("private attributes") == "X"
    assert table_action("Rows") == ""


@pytest.mark.parametrize("tag", sorted(tag for tag in RULES if keyword_for_tag(tag) in basic_profile()))
def test_rule_honours_the_table(tag: int) -> None:
    keyword, rule, vr = keyword_for_tag(tag), RULES[tag], dictionary_VR(tag)
    action = table_action(keyword)
    if action == "U":
        assert rule.action is Action.UID
    elif vr in MOVED and keyword != "PatientBirthDate":
        assert rule.action is MOVED[vr]
    elif keyword in CLEANED:
        assert rule.action is CLEANED[keyword]
    elif keyword in REFERENCES:
        assert (rule.action, action) == (Action.SEQUENCE, "X/Z/U*")
    else:
        assert rule.action in (Action.EMPTY, Action.SUBJECT) or rule.characteristic


def test_every_uid_attribute_that_stays_is_replaced_or_a_class() -> None:
    uids = {tag: rule for tag, rule in RULES.items() if dictionary_VR(tag) == "UI"}
    assert all(rule.action in (Action.UID, Action.CLASS_UID) for rule in uids.values())
    assert sum(rule.action is Action.CLASS_UID for rule in uids.values()) == 2


def test_no_free_text_stays_uncleaned() -> None:
    cleaned = {
        Action.SCAN_WORDS, Action.AGENT, Action.MAKER, Action.MODEL, Action.KERNEL, Action.ROUTE, Action.TERM,
        Action.IMAGE_TYPE, Action.SUBJECT, Action.EMPTY, Action.AGE,
    }  # fmt: skip
    texts = {"AE", "AS", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"}
    for tag, rule in RULES.items():
        if dictionary_VR(tag) in texts:
            assert rule.action in cleaned, keyword_for_tag(tag)
