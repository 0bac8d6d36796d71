"""Table E.1-1 of PS3.15: what the Basic Profile does to each attribute it names.

The rules of `rules.py` remove more than the table; the table explains the removals in the report, and tests
hold every rule against it. Provenance and licence of the file: `TABLE_E1_1_NOTICE.txt`.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources
from typing import Final

from lesionseg.dicom.deidentify.outcome import PRIVATE

EDITION: Final = "2026c"
_FILE: Final = "table_e1_1.csv"
_GROUPS: Final = {PRIVATE: "X", "overlay": "X", "curve": "X"}
"""Named by the table as groups of tags: (gggg,eeee) with odd gggg, (60xx,eeee), (50xx,xxxx)."""


@cache
def basic_profile() -> dict[str, str]:
    """Return the action by keyword: ``X`` remove, ``Z`` empty, ``D`` dummy, ``U`` new UID, or several."""
    text = resources.files(__package__).joinpath(_FILE).read_text(encoding="ascii")
    return _GROUPS | {row["attribute"]: row["basic_profile"] for row in csv.DictReader(text.splitlines())}


def table_action(attribute: str) -> str:
    """Return the table's action for an attribute; empty where the table does not name it."""
    return basic_profile().get(attribute, "")
