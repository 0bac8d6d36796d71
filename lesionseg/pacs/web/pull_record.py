"""The record beside a pulled series: what was asked, what came, with hashes; and whether it still is so."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, Final

from lesionseg import __version__
from lesionseg.core.provenance import sha256_of_file
from lesionseg.pacs.web.inbox import Promised, StoredInstance
from lesionseg.pacs.web.query import Query, SeriesFound

RECORD: Final = "pull.json"
RECORD_FORMAT: Final = "lesionseg-pull/1"


class Here(Enum):
    """What lies in the folder of a series.

    ``WHOLE`` is what the archive lists, untouched; ``OUTDATED`` was pulled earlier and differs now;
    ``NOTHING`` was not pulled: the folder is absent, empty or someone else's.
    """

    WHOLE = "whole"
    OUTDATED = "outdated"
    NOTHING = "nothing"


def build_record(
    series: SeriesFound, host: str, query: Query, stored: Sequence[StoredInstance], when: datetime
) -> dict[str, Any]:
    """Describe a pulled series in JSON values."""
    return {
        "format": RECORD_FORMAT,
        "lesionseg": __version__,
        "archive": host,
        "query": query.as_dict(),
        "study_uid": series.study_uid,
        "series_uid": series.series_uid,
        "modality": series.modality,
        "instances": len(stored),
        "bytes": sum(one.bytes for one in stored),
        "files": [asdict(one) for one in stored],
        "times": {"pulled_utc": when.isoformat(timespec="seconds")},
    }


def read_record(folder: Path) -> dict[str, Any] | None:
    """Return the record in a folder; None where there is none that this version wrote."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and record.get("format") == RECORD_FORMAT else None


def what_is_here(folder: Path, promised: Promised, record: dict[str, Any] | None) -> tuple[Here, str]:
    """Compare a folder with what the archive lists; the text says what differs."""
    if record is None or record.get("series_uid") != promised.series_uid:
        return Here.NOTHING, ""
    files = record.get("files", [])
    if tuple(sorted(one["sop_instance_uid"] for one in files)) != promised.sop_instance_uids:
        listed = len(promised.sop_instance_uids)
        return Here.OUTDATED, f"the archive lists {listed} objects, the earlier pull had {len(files)}"
    altered = [one["file"] for one in files if not _is_untouched(folder / one["file"], one)]
    if altered:
        return Here.OUTDATED, f"{len(altered)} files were gone or altered, such as {altered[0]}"
    return Here.WHOLE, ""


def _is_untouched(path: Path, recorded: dict[str, Any]) -> bool:
    try:
        same_size = path.stat().st_size == recorded["bytes"]
        return same_size and sha256_of_file(path) == str(recorded["sha256"])
    except OSError:
        return False
