"""What a received object says it is, read from the few elements that decide where it belongs."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

from pydicom import dcmread

from lesionseg.pacs.listener.refusals import CANNOT_UNDERSTAND, DOES_NOT_MATCH, RefusedError

_KEYWORDS: Final = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")


@dataclass(frozen=True)
class Identity:
    """UIDs of an object, as carried; invalid ones are kept as they are."""

    sop_class_uid: str
    sop_instance_uid: str
    study_uid: str
    series_uid: str


def read_identity(content: bytes) -> Identity:
    """Read the UIDs of a DICOM file in memory.

    Raises
    ------
    RefusedError
        If it cannot be read or lacks one of them.
    """
    try:
        dataset = dcmread(io.BytesIO(content), stop_before_pixels=True, specific_tags=list(_KEYWORDS))
        values = [str(dataset.get(keyword) or "").strip() for keyword in _KEYWORDS]
    except Exception as error:  # a damaged data set may raise anything
        raise RefusedError(CANNOT_UNDERSTAND, "the data set cannot be read") from error
    for keyword, value in zip(_KEYWORDS, values, strict=True):
        if not value:
            raise RefusedError(CANNOT_UNDERSTAND, f"the data set has no {keyword}")
    return Identity(*values)


def refuse_mismatch(identity: Identity, *, sop_class_uid: str, sop_instance_uid: str) -> None:
    """Raise where the data set is another object than the request announced."""
    if (identity.sop_class_uid, identity.sop_instance_uid) != (sop_class_uid, sop_instance_uid):
        raise RefusedError(DOES_NOT_MATCH, "request and data set name different objects")
