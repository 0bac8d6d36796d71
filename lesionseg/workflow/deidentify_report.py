"""The report that goes with de-identified files: what was done, to the last file, and about nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lesionseg.core.tables import write_csv, write_json

if TYPE_CHECKING:
    from lesionseg.dicom.deidentify import Change, CleanFile, NotCopied, Settings, Subjects

REPORT_JSON, REPORT_CSV = "deidentify.json", "deidentify.csv"
REPORT_FORMAT = "lesionseg-deidentify/1"
_KEPT, _REMOVED = "kept", "removed"


@dataclass(frozen=True)
class FileRow:
    """What became of one file.

    Attributes
    ----------
    number : int
        Place of the file in the input, by path, from 1: the report names source files by nothing else.
    source : Path
        Never leaves the program but for the screen.
    status, code, reason : str
        ``copied``, ``left-out`` or ``refused``, and why not.
    file, subject, study_uid, series_uid, sop_instance_uid, study_date : str
        New values; empty of files that were not copied, but for the series of refused ones.
    changes : tuple of Change
    """

    number: int
    source: Path
    status: str
    code: str = ""
    reason: str = ""
    file: str = ""
    subject: str = ""
    study_uid: str = ""
    series_uid: str = ""
    sop_instance_uid: str = ""
    study_date: str = ""
    changes: tuple[Change, ...] = ()

    @classmethod
    def of_copy(cls, number: int, source: Path, name: str, clean: CleanFile) -> FileRow:
        """Row of a file that was copied to `name`."""
        return cls(
            number=number,
            source=source,
            status="copied",
            file=name,
            subject=clean.subject.name,
            study_uid=clean.study_uid,
            series_uid=clean.series_uid,
            sop_instance_uid=clean.sop_instance_uid,
            study_date=clean.study_date,
            changes=clean.changes,
        )

    @classmethod
    def of_answer(cls, number: int, source: Path, answer: NotCopied, series_uid: str) -> FileRow:
        """Row of a file that was not copied."""
        return cls(number, source, str(answer.status), answer.code, answer.reason, series_uid=series_uid)

    def as_row(self) -> dict[str, Any]:
        """Row of the table in the report."""
        done = Counter(change.done for change in self.changes)
        return {
            "number": self.number,
            "status": self.status,
            "code": self.code,
            "reason": self.reason,
            "file": self.file,
            "subject": self.subject,
            "study_uid": self.study_uid,
            "series_uid": self.series_uid,
            "sop_instance_uid": self.sop_instance_uid,
            "attributes_kept": done[_KEPT],
            "attributes_changed": sum(done.values()) - done[_KEPT] - done[_REMOVED],
            "attributes_removed": done[_REMOVED],
        }


def build_report(
    rows: Sequence[FileRow], settings: Settings, subjects: Subjects, times: tuple[datetime, datetime]
) -> dict[str, Any]:
    """Everything about a run that may be passed on."""
    statuses = Counter(row.status for row in rows)
    return {
        "format": REPORT_FORMAT,
        "lesionseg": settings.version,
        "profile": _profile(settings),
        "key_fingerprint": settings.key.fingerprint,
        "subjects_from": "key" if subjects.table is None else "table",
        "files": {status: statuses[status] for status in ("copied", "left-out", "refused")},
        "subjects": len({row.subject for row in rows if row.subject}),
        "series": _series(rows),
        "not_copied": [
            {"number": row.number, "status": row.status, "code": row.code, "reason": row.reason}
            for row in rows
            if row.status != "copied"
        ],
        "attributes": _attributes(rows),
        "notes": _notes(rows, subjects),
        "times": {"started_utc": times[0].isoformat(), "finished_utc": times[1].isoformat()},
    }


def write_report(folder: Path, report: dict[str, Any], rows: Sequence[FileRow]) -> None:
    """Write the report as one JSON object and one table with a row for each file."""
    write_json(folder / REPORT_JSON, report)
    write_csv(folder / REPORT_CSV, [row.as_row() for row in rows])


def reason_counts(rows: Sequence[FileRow]) -> dict[str, int]:
    """How many files were not copied for each reason, most frequent first."""
    return dict(Counter(row.reason for row in rows if row.reason).most_common())


def _profile(settings: Settings) -> dict[str, Any]:
    from lesionseg.dicom.deidentify import CHARACTERISTICS_OPTION, EDITION, OPTIONS

    codes = (*OPTIONS, *((CHARACTERISTICS_OPTION,) if settings.characteristics else ()))
    return {
        "standard": f"DICOM PS3.15 table E.1-1, edition {EDITION}",
        "codes": [{"value": code.value, "scheme": "DCM", "meaning": code.meaning} for code in codes],
    }


def _series(rows: Sequence[FileRow]) -> list[dict[str, Any]]:
    """Every series of which something was copied, and how much of it was refused."""
    refused = Counter(row.series_uid for row in rows if row.status == "refused")
    copied: dict[str, list[FileRow]] = {}
    for row in rows:
        if row.status == "copied":
            copied.setdefault(row.series_uid, []).append(row)
    return [
        {
            "subject": group[0].subject,
            "study_date": group[0].study_date,
            "study_uid": group[0].study_uid,
            "series_uid": uid,
            "files": len(group),
            "refused": refused[uid],
        }
        for uid, group in sorted(
            copied.items(), key=lambda item: (item[1][0].subject, item[1][0].study_date, item[0])
        )
    ]


def _attributes(rows: Sequence[FileRow]) -> list[dict[str, Any]]:
    """List what was done to each attribute, how often, and what table E.1-1 asks for."""
    from lesionseg.dicom.deidentify import table_action

    counts = Counter((change.attribute, change.done) for row in rows for change in row.changes)
    return [
        {"attribute": name, "done": done, "table_e1_1": table_action(name), "occurrences": number}
        for (name, done), number in sorted(counts.items())
    ]


def _notes(rows: Sequence[FileRow], subjects: Subjects) -> list[str]:
    notes = [
        f"series {series['series_uid']} lacks {series['refused']} files that were refused"
        for series in _series(rows)
        if series["refused"]
    ]
    several = subjects.ids_of_several_issuers()
    if several:
        notes.append(
            f"{several} patient IDs came from several issuers, or with and without one; they count as "
            "different patients unless a table of subjects says otherwise"
        )
    return notes
