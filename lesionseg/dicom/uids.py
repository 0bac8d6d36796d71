"""UIDs of our own, hashed from what they stand for: the same for every object and every run."""

from __future__ import annotations

from pydicom.config import IGNORE
from pydicom.uid import UID, generate_uid


def valid_uid(carried: str) -> str:
    """Return a UID as it is where the standard allows it (PS3.5 9.1), else a valid one hashed from it."""
    return carried if UID(carried, IGNORE).is_valid else derived_uid("replaced", carried)


def derived_uid(*parts: str) -> str:
    """Return a UID that depends on the parts alone."""
    return str(generate_uid(entropy_srcs=["\0".join(("lesionseg", *parts))]))
