"""Names for scans: unique in the trial, and the same on every run over the same scans."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from lesionseg.core.file_names import plain_words, safe_file_name
from lesionseg.workflow.scan_list.scan_list import FoundScan, ListedScan, relative_path


def named_scans(found: Sequence[FoundScan], root: Path) -> tuple[ListedScan, ...]:
    """Name every scan after subject and visit, or date; a number tells apart what is then still the same."""
    ordered = sorted(found, key=_order)
    taken: set[str] = set()
    return tuple(
        ListedScan(
            subject=scan.subject,
            scan_id=_free_name(_name(scan), taken),
            visit_given=scan.visit,
            study_date=scan.study_date,
            path=relative_path(scan.source.input_path, root),
            source=scan.source,
            row=scan.row,
        )
        for scan in ordered
    )


def _order(scan: FoundScan) -> tuple[str, date, str, str, str]:
    source = scan.source
    return (
        scan.subject,
        scan.study_date or date.max,
        source.study_uid,
        source.series_uid,
        str(source.input_path),
    )


def _name(scan: FoundScan) -> str:
    when = plain_words(scan.visit) or (f"{scan.study_date:%Y%m%d}" if scan.study_date else "undated")
    return f"{safe_file_name(scan.subject)}_{when}"


def _free_name(name: str, taken: set[str]) -> str:
    """Take a name; small and capital letters count as the same, as some file systems see them."""
    number, free = 1, name
    while free.lower() in taken:
        number += 1
        free = f"{name}_{number}"
    taken.add(free.lower())
    return free
