"""What is measured on a scan and can be an endpoint: codes, names, units."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Parameter:
    """One measured quantity.

    Attributes
    ----------
    code : str
        PARAMCD: at most 8 letters and digits, as CDISC asks.
    number : int
        PARAMN: place in every table.
    name : str
        PARAM, in words with its unit.
    unit : str
        Of the value; an absolute change of a ``%`` is in percentage points.
    """

    code: str
    number: int
    name: str
    unit: str


_LUNGS = (("", "both lungs"), ("R", "right lung"), ("L", "left lung"))
_SHARES = (("LESPCT", "Whole lesion"), ("SOLPCT", "Solid component"), ("NSLPCT", "Non-solid lesion"))
_VOLUMES = (
    ("LESML", "Whole lesion"),
    ("SOLML", "Solid component"),
    ("NSLML", "Non-solid lesion"),
    ("LUNGML", "Lung, lesions included"),
)
_FURTHER = (
    ("LESPCTA", "Whole lesion, inspiration-adjusted, % of lung"),
    ("SOLPCTA", "Solid component, inspiration-adjusted, % of lung"),
    ("DENPCT", "Dense lesion by threshold, % of lung"),
)


def _parameters() -> dict[str, Parameter]:
    named = [
        (code + suffix, f"{what}, % of {lung}", "%") for suffix, lung in _LUNGS for code, what in _SHARES
    ]
    named += [(code, f"{what}, ml", "ml") for code, what in _VOLUMES]
    named += [(code, name, "%") for code, name in _FURTHER]
    return {code: Parameter(code, number, name, unit) for number, (code, name, unit) in enumerate(named, 1)}


LESION_PARAMETERS = _parameters()
"""By code, in the order of every table."""
OF_TWO_SCANS = ("LESPCTA", "SOLPCTA")
"""Those that a scan has only together with its subject's baseline."""
