"""Columns of the trial tables, by the names of CDISC's ADaM basic data structure."""

from __future__ import annotations

TEXTS = ("STUDYID", "USUBJID", "PARAMCD", "PARAM", "AVISIT")
NUMBERS = ("PARAMN", "AVISITN", "AVAL", "BASE", "CHG", "PCHG")
REQUIRED = (*TEXTS, *NUMBERS, "ADT", "REASCD")
OPTIONAL_NUMBERS = ("ADY", "AVALLO", "AVALHI")
LESION_COLUMNS = (
    "STUDYID", "USUBJID", "PARAMCD", "PARAM", "PARAMN", "AVISIT", "AVISITN", "ADT", "ADY", "SCANID", "AVAL",
    "AVALLO", "AVALHI", "BASE", "CHG", "PCHG", "ABLFL", "ANL01FL", "REASCD", "REAS", "QFLAGS",
)  # fmt: skip
"""Of ``adlesion``; the trial table has TRT01P after USUBJID."""

ARM_NAMES = ("ARM", "TRT01P", "TRT01A", "ACTARM", "ARMCD", "TRTP", "TRTA")
"""None of these may be in a table made before the arms are joined."""

CHANGE_COLUMN = {"absolute": "CHG", "relative": "PCHG"}

NOT_SCANNED = "not-scanned"
ZERO_BASELINE = "zero-baseline"
NEGATIVE_BASELINE = "negative-baseline"
NO_BASELINE = "no-baseline"
NO_VALUE = "no-value"
UNDEFINED_CHANGE = (ZERO_BASELINE, NEGATIVE_BASELINE)
"""The relative change does not exist, which is not the same as not having been observed."""

REASON_WORDS = {
    NOT_SCANNED: "randomised, but not in the table of changes",
    ZERO_BASELINE: "the baseline is 0, so there is no relative change",
    NEGATIVE_BASELINE: "the baseline is negative, so a relative change means nothing",
    NO_BASELINE: "no value at baseline",
    NO_VALUE: "no value at this visit",
}
