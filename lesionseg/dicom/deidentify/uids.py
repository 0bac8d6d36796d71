"""UIDs: replaced by a keyed hash, the same for the same UID in every file, series and visit."""

from __future__ import annotations

import uuid
from typing import Final

from pydicom.uid import UID

from lesionseg.dicom.deidentify.key import PseudonymKey

_STANDARD_ROOT: Final = "1.2.840.10008."
_UUID_VERSION, _UUID_VARIANT = 0x8, 0b10  # RFC 9562: custom content


def new_uid(key: PseudonymKey, uid: str) -> str:
    """Return the valid UID that stands for `uid`, valid or not; one that the standard defines stays.

    The form is that of a UUID (PS3.5 B.2) of 122 bits from the hash.
    """
    carried = uid.strip(" \0")
    if is_standard(carried):
        return carried
    return _uuid_uid(key.digest("uid", carried))


def uid_of_content(key: PseudonymKey, sha256: str) -> str:
    """Return a UID for an object that carries none, from the hash of its file."""
    return _uuid_uid(key.digest("uid of content", sha256))


def is_standard(uid: str) -> bool:
    """Whether the standard itself defines this UID: a class, a transfer syntax, a well-known frame."""
    return uid.startswith(_STANDARD_ROOT) and UID(uid).name != uid


def is_transfer_syntax(uid: str) -> bool:
    """Whether the standard defines this UID as a transfer syntax."""
    return is_standard(uid) and UID(uid).is_transfer_syntax


def class_name(uid: str) -> str:
    """Name of a SOP class; nothing of a UID that the standard does not know."""
    return UID(uid).name if is_standard(uid) else "an unknown class"


def _uuid_uid(digest: bytes) -> str:
    number = int.from_bytes(digest[:16], "big")
    number = number & ~(0xF << 76) | _UUID_VERSION << 76
    number = number & ~(0b11 << 62) | _UUID_VARIANT << 62
    return f"2.25.{uuid.UUID(int=number).int}"
