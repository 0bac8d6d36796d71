"""One summary, index and manifest over the shards of a divided batch; what is missing is said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lesionseg.batch.merge_parts import ShardPart, ShardState, read_parts
from lesionseg.batch.names import free_name
from lesionseg.batch.records import CaseRecord, State
from lesionseg.batch.request import INDEX, SUMMARY_CSV, SUMMARY_PARQUET
from lesionseg.batch.results import case_entry, case_links
from lesionseg.batch.shards import SHARDS
from lesionseg.batch.summary import Row, summary_rows, write_summaries
from lesionseg.core.errors import OutputExistsError
from lesionseg.core.files import staged_file
from lesionseg.core.tables import plain_json, write_json
from lesionseg.workflow.manifest import TIMES_KEY
from lesionseg.workflow.request import MANIFEST

MERGED_FORMAT = "lesionseg-batch-shards/1"
_MERGED_FILES = (SUMMARY_CSV, SUMMARY_PARQUET, INDEX, MANIFEST)
_MARKER_BYTES = 200
_COMMON = ("lesionseg", "notice", "inputs", "queries", "settings", "model")
DIFFERENT_LISTS = "the shards were made from different lists of scans: run all of them again, then merge"


@dataclass(frozen=True)
class MergeResult:
    """What the shards gave together.

    Attributes
    ----------
    folder : Path
    parts : tuple of ShardPart
        Every shard, also those that were never begun.
    records : tuple of CaseRecord
        Every case of the shards that could be read, by name.
    remarks : tuple of str
        Why this is not the whole batch, in sentences; empty where it is.
    manifest : dict
        As written.
    """

    folder: Path
    parts: tuple[ShardPart, ...]
    records: tuple[CaseRecord, ...]
    remarks: tuple[str, ...]
    manifest: dict[str, Any]

    @property
    def complete(self) -> bool:
        """Whether all shards are finished and every case is done."""
        return not self.remarks and all(record.state is State.DONE for record in self.records)


@dataclass(frozen=True)
class _Line:
    """A case and where it lies."""

    record: CaseRecord
    part: ShardPart
    row: Row


def merge_shards(folder: Path) -> MergeResult:
    """Write ``summary.csv``, ``summary.parquet``, ``index.html`` and ``manifest.json`` over all shards.

    May be called at any time, and again: what is not finished is said. No figure is computed here.

    Parameters
    ----------
    folder : Path
        The output of ``lesionseg batch --shard``.

    Raises
    ------
    InputNotFoundError
        If it holds no shard.
    ConfigurationError
        If the shards were made with different settings, models or versions.
    OutputExistsError
        If somebody's files are where the results would be.
    OutputError
        If a shard cannot be read, or the results cannot be written.
    """
    _refuse_foreign(folder)
    parts = read_parts(folder)
    lines = sorted(_lines(parts), key=lambda line: line.record.case_id.lower())
    remarks = _remarks(parts)
    rows = [line.row for line in lines]
    manifest = _manifest(parts, lines, remarks)
    write_summaries(rows, folder)
    _write_index(manifest, rows, remarks, folder)
    with staged_file(folder / MANIFEST) as path:
        write_json(path, manifest)
    return MergeResult(folder, parts, tuple(line.record for line in lines), remarks, manifest)


def _refuse_foreign(folder: Path) -> None:
    present = [name for name in _MERGED_FILES if (folder / name).exists()]
    if not present:
        return
    manifest = folder / MANIFEST
    if manifest.is_file():
        with manifest.open("rb") as stream:
            if MERGED_FORMAT.encode() in stream.read(_MARKER_BYTES):
                return
    raise OutputExistsError(
        "files that no merge has written are where its results would be",
        case=str(folder),
        found=", ".join(present),
        remedy="Move them away",
    )


def _lines(parts: Sequence[ShardPart]) -> Iterator[_Line]:
    """Yield all cases; two of one name, whose scans came at different times, get a number each."""
    taken: set[str] = set()
    for part in parts:
        rows = summary_rows(part.records, part.folder)
        for record, row in zip(part.records, rows, strict=True):
            name = free_name(record.case_id, taken)
            taken.add(name.lower())
            place = f"{SHARDS}/{part.shard.folder_name}/{row['case_folder']}" if row["case_folder"] else ""
            yield _Line(replace(record, case_id=name), part, {**row, "case": name, "case_folder": place})


def _remarks(parts: Sequence[ShardPart]) -> tuple[str, ...]:
    remarks = tuple(part.sentence for part in parts if part.state is not ShardState.FINISHED)
    lists = {part.manifest["shard"]["list_sha256"] for part in parts if part.manifest}
    return (*remarks, *((DIFFERENT_LISTS,) if len(lists) > 1 else ()))


def _manifest(parts: Sequence[ShardPart], lines: Sequence[_Line], remarks: Sequence[str]) -> dict[str, Any]:
    begun = [part.manifest for part in parts if part.manifest]
    counts = Counter(line.record.state for line in lines)
    left_over = {str(left): left for manifest in begun for left in manifest.get("left_over", ())}
    return plain_json(
        {
            "format": MERGED_FORMAT,
            **{name: begun[0][name] for name in _COMMON if begun and name in begun[0]},
            "finished": not remarks,
            "remarks": remarks,
            "scans_in_all": max((manifest["shard"]["scans_in_all"] for manifest in begun), default=0),
            "counts": {state.value: counts[state] for state in State},
            "shards": [_shard_entry(part) for part in parts],
            "cases": [{**case_entry(line.record), "shard": str(line.part.shard)} for line in lines],
            "left_over": list(left_over.values()),
        }
    )


def _shard_entry(part: ShardPart) -> dict[str, Any]:
    return {
        "shard": str(part.shard),
        "state": part.state,
        "scans": len(part.records),
        "packages": part.manifest.get("packages"),
        TIMES_KEY: part.manifest.get(TIMES_KEY),
    }


def _write_index(
    manifest: Mapping[str, Any], rows: Sequence[Row], remarks: Sequence[str], folder: Path
) -> None:
    from lesionseg.reports.batch_index import BatchIndex, write_batch_index

    index = BatchIndex(
        model=manifest.get("model", {}).get("bundle", "unknown"),
        version=manifest.get("lesionseg", "unknown"),
        rows=rows,
        links={row["case"]: case_links(row, folder) for row in rows},
        left_over=[(left["what"], left["path"], left["reason"]) for left in manifest["left_over"]],
        remarks=remarks,
    )
    write_batch_index(index, folder / INDEX)
