"""Coded concepts that only structured reports use.

What no standard scheme has a code for is in the program's own scheme, which every report declares
(PS3.16 8: private designators begin with 99).
"""

from __future__ import annotations

from typing import Final

from lesionseg.export.codes import Concept

OWN_SCHEME: Final = "99LESIONSEG"
OWN_SCHEME_NAME: Final = "lesionseg: shares of the lung, severity score and quality flags"
_OWN: Final = "own: no standard scheme has it"

# --- the report -----------------------------------------------------------------------------------------

PROCEDURE: Final = Concept("25045-6", "LN", "CT unspecified body region", "PS3.16 CID 100")
QUALITATIVE_EVALUATIONS: Final = Concept("C0034375", "UMLS", "Qualitative Evaluations", "PS3.16 TID 1500")
COMMENT: Final = Concept("121106", "DCM", "Comment", "PS3.16 annex D")

# --- where ----------------------------------------------------------------------------------------------

BILATERAL: Final = Concept("51440002", "SCT", "Bilateral", "PS3.16 CID 244")
RIGHT: Final = Concept("24028007", "SCT", "Right", "PS3.16 CID 244")
LEFT: Final = Concept("7771000", "SCT", "Left", "PS3.16 CID 244")

# --- figures --------------------------------------------------------------------------------------------

LESION_SHARE: Final = Concept("lesion-pct", OWN_SCHEME, "Whole lesion in percent of lung volume", _OWN)
SOLID_SHARE: Final = Concept("solid-pct", OWN_SCHEME, "Solid component in percent of lung volume", _OWN)
SOLID_FRACTION: Final = Concept(
    "solid-of-lesion", OWN_SCHEME, "Solid component in percent of whole lesion volume", _OWN
)
DENSE_SHARE: Final = Concept("dense-pct", OWN_SCHEME, "Dense lesion in percent of lung volume", _OWN)
SEVERITY_SCORE: Final = Concept(
    "six-zone-score", OWN_SCHEME, "CT severity score of six lung zones, 0 to 24", f"{_OWN}; Ooi et al. 2004"
)
NO_UNITS: Final = Concept("1", "UCUM", "no units", "PS3.16 CID 7181")
RATIO: Final = Concept("118586006", "SCT", "Ratio", "SNOMED CT International, property")
TOTAL: Final = Concept("255619001", "SCT", "Total", "PS3.16 CID 7464")
THRESHOLD: Final = Concept(
    "hu-threshold", OWN_SCHEME, "Lesion voxels at or above a HU threshold after smoothing", _OWN
)
ZONE_GRADES: Final = Concept("zone-grades", OWN_SCHEME, "Sum of the grades 0 to 4 of six zones", _OWN)
UPPER_UNCERTAINTY: Final = Concept(
    "371886008", "SCT", "+, range of upper measurement uncertainty", "PS3.16 CID 225"
)
LOWER_UNCERTAINTY: Final = Concept(
    "371885007", "SCT", "-, range of lower measurement uncertainty", "PS3.16 CID 225"
)

# --- quality --------------------------------------------------------------------------------------------

QUALITY_FINDING: Final = Concept("111052", "DCM", "Quality Finding", "PS3.16 annex D")
SEVERITY: Final = Concept("246112005", "SCT", "Severity", "SNOMED CT International, attribute")
NO_FLAG: Final = Concept("no-flag", OWN_SCHEME, "No quality flag was raised", _OWN)
SEVERITIES: Final = {
    "info": Concept("info", OWN_SCHEME, "Good to know", _OWN),
    "warning": Concept("warning", OWN_SCHEME, "Look before trusting the figures", _OWN),
    "critical": Concept("critical", OWN_SCHEME, "The figures do not hold as they are", _OWN),
}


def flag_concept(code: str) -> Concept:
    """Return the concept of a quality flag from its stable code."""
    return Concept(code, OWN_SCHEME, f"Quality flag: {code}"[:64], _OWN)
