"""What a batch says of itself when it ends: summary, index page and manifest, made from the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lesionseg import __version__
from lesionseg.batch.records import CaseRecord, State
from lesionseg.batch.request import (
    BATCH_FORMAT,
    INDEX,
    BatchRequest,
    BatchSettings,
)
from lesionseg.batch.shards import Share
from lesionseg.batch.summary import Row, summary_rows, write_summaries
from lesionseg.core.files import staged_file
from lesionseg.core.provenance import Stopwatch, package_versions
from lesionseg.core.tables import plain_json, write_json
from lesionseg.segmentation import ModelBundle, Segmenter
from lesionseg.workflow.manifest import TIMES_KEY
from lesionseg.workflow.request import CASE_PAGE, MANIFEST, OVERVIEW
from lesionseg.workflow.scan_list.scan_list import LeftOver

NOTICE = "Research use only. Not a medical device."


@dataclass(frozen=True)
class BatchFacts:
    """What is known of a batch before its first scan is measured."""

    request: BatchRequest
    settings: BatchSettings
    segmenter: Segmenter
    left_over: Sequence[LeftOver]
    started: datetime
    share: Share | None = None


def begin_folder(facts: BatchFacts) -> None:
    """Mark the folder as ours, so that a batch that is killed can be gone on with.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    _write(facts.request.output, {**_beginning(facts), "finished": False})


def write_results(
    facts: BatchFacts, records: Sequence[CaseRecord], timer: Stopwatch, taken_over: Sequence[str]
) -> dict[str, Any]:
    """Write summary, index page and manifest, and return the manifest.

    Only the manifest's times differ between two batches that did the same work, whatever interrupted them.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    folder = facts.request.output
    rows = summary_rows(records, folder)
    write_summaries(rows, folder)
    _write_index(facts, rows, folder)
    counts = Counter(record.state for record in records)
    manifest = plain_json(
        {
            **_beginning(facts),
            "finished": not (counts[State.PENDING] or counts[State.RUNNING]),
            "counts": {state.value: counts[state] for state in State},
            "cases": [case_entry(record) for record in records],
            "left_over": [asdict(left) for left in facts.left_over],
            "packages": package_versions(),
            TIMES_KEY: {
                "started_utc": facts.started.isoformat(timespec="seconds"),
                "seconds": {stage: round(seconds, 3) for stage, seconds in timer.seconds.items()},
                "taken_over": sorted(taken_over),
            },
        }
    )
    _write(folder, manifest)
    return manifest


def _beginning(facts: BatchFacts) -> dict[str, Any]:
    settings, bundle = facts.settings, getattr(facts.segmenter, "bundle", None)
    return plain_json(
        {
            "format": BATCH_FORMAT,
            "lesionseg": __version__,
            "notice": NOTICE,
            "inputs": [str(path.resolve()) for path in facts.request.inputs],
            "queries": [source.as_dict() for source in facts.request.sources],
            **({"shard": facts.share.as_dict()} if facts.share else {}),
            "settings": {
                "repairs": settings.repairs,
                "export": None if settings.export is None else asdict(settings.export),
                "pages": settings.pages,
                "case": asdict(settings.case),
            },
            "model": {
                "bundle": facts.segmenter.bundle_name,
                "bundle_sha256": bundle.sha256 if isinstance(bundle, ModelBundle) else None,
            },
        }
    )


def case_entry(record: CaseRecord) -> dict[str, Any]:
    """Return what a manifest says of a case."""
    return {
        "case": record.case_id,
        "state": record.state,
        "reason": record.reason,
        "reason_text": record.reason_text,
        "warnings": record.warnings,
        "in_inputs": record.listed,
        "key": None if record.key is None else asdict(record.key),
        "outputs": record.timeless_outputs,
    }


def _write_index(facts: BatchFacts, rows: Sequence[Row], folder: Path) -> None:
    from lesionseg.reports.batch_index import BatchIndex, write_batch_index

    index = BatchIndex(
        model=facts.segmenter.bundle_name,
        version=__version__,
        rows=rows,
        links={row["case"]: case_links(row, folder) for row in rows},
        left_over=[(left.what, left.path, left.reason) for left in facts.left_over],
    )
    write_batch_index(index, folder / INDEX)


def case_links(row: Row, folder: Path) -> Mapping[str, str]:
    """Return what there is to open of a case, relative to the folder of the index."""
    names = {"page": CASE_PAGE, "overview": OVERVIEW}
    place = row["case_folder"]
    if not place:
        return {}
    return {word: f"{place}/{name}" for word, name in names.items() if (folder / place / name).is_file()}


def _write(folder: Path, manifest: Mapping[str, Any]) -> None:
    with staged_file(folder / MANIFEST) as path:
        write_json(path, manifest)
