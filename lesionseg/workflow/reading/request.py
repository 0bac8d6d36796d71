"""What is asked when a reading is taken in, and how the folder of readings is laid out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lesionseg.core.audit import AuditKey, AuditRecord
from lesionseg.core.errors import ConfigurationError
from lesionseg.core.file_names import safe_file_name
from lesionseg.readings.masks import SegmentMapping
from lesionseg.readings.reading import Reading, Role

AUDIT_LOG = "audit.jsonl"
"""In the folder of readings, with its head file beside it."""
READING_JSON, LABELS, MEASUREMENTS_CSV, OVERVIEW = (
    "reading.json", "labels.nii.gz", "measurements.csv", "overview.png",
)  # fmt: skip
SUBMITTED = "submitted"
"""Folder with the mask as the reader handed it in."""
ADDED, WITHDRAWN, COMPARED, FINALIZED = (
    "reading-added", "reading-withdrawn", "readers-compared", "readings-finalized",
)  # fmt: skip
"""Kinds of audit records."""
_LONGEST = 200


def audit_log_of(readings: Path) -> Path:
    """Return the audit log of a folder of readings."""
    return readings / AUDIT_LOG


def scan_folder(readings: Path, scan_id: str) -> Path:
    """Return the folder that holds all readings of a scan."""
    return readings / safe_file_name(scan_id)


@dataclass(frozen=True)
class AddRequest:
    """A reader's mask, and what is said about it.

    Attributes
    ----------
    scan : Path
        Case folder that `segment_case` wrote; or the scan itself, where the model has no result.
    mask : Path
        One file, in any format that `lesionseg.readings.masks` reads.
    readings : Path
        Folder of all readings of the trial; made if it is not there.
    reader : str
        Name, initials or number of who read. No arm belongs here or in any other field.
    why : str
        What was changed and why, in the reader's words.
    role : Role
    supersedes : str
        Reading of the same reader and scan that this one corrects.
    scan_id : str
        Name of the scan in the trial; by default that of the case, or of the input.
    source : Path or None
        Where the scan of the case lies now.
    series_uid : str or None
        The series to use, where `scan` is a folder with several.
    mapping : SegmentMapping or None
        What segments mean, where the file does not say it.
    key : AuditKey or None
        Of the audit log.
    """

    scan: Path
    mask: Path
    readings: Path
    reader: str
    why: str
    role: Role = Role.READER
    supersedes: str = ""
    scan_id: str = ""
    source: Path | None = None
    series_uid: str | None = None
    mapping: SegmentMapping | None = None
    key: AuditKey | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("reader", "why"):
            text = getattr(self, name)
            if not text.strip() or len(text) > _LONGEST or not text.isprintable() or ";" in self.reader:
                raise ConfigurationError(
                    f"the {'reader' if name == 'reader' else 'reason'} must be given in one line",
                    expected=f"1 to {_LONGEST} characters, without line breaks; no semicolon in a name",
                    found=repr(text[:_LONGEST]),
                )


@dataclass(frozen=True)
class AddResult:
    """A reading that is on disk and in the audit log.

    Attributes
    ----------
    reading : Reading
    facts : dict
        As written to ``reading.json``.
    record : AuditRecord
        That tells of it.
    warnings : tuple of str
        What went wrong without stopping it.
    """

    reading: Reading
    facts: dict[str, Any]
    record: AuditRecord
    warnings: tuple[str, ...] = ()
