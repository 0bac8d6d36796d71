"""What each shard of a divided batch has come to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from lesionseg.batch.folder import BusyFolderError, own_folder
from lesionseg.batch.ledger import Ledger
from lesionseg.batch.records import CaseRecord, State
from lesionseg.batch.request import LEDGER
from lesionseg.batch.shards import SHARDS, Shard, shards_in
from lesionseg.core.errors import ConfigurationError, InputNotFoundError, OutputExistsError
from lesionseg.workflow.request import MANIFEST

_NOT_COMPARED: Final = ("model", "threads")
"""Settings of the segmenter that say where it is found and how fast it runs."""


class ShardState(StrEnum):
    """Where a shard stands."""

    FINISHED = "finished"
    UNFINISHED = "unfinished"
    AT_WORK = "at-work"
    NOT_BEGUN = "not-begun"


_SENTENCES: Final = {
    ShardState.UNFINISHED: "shard {shard} ended before all of its {scans} scans were done or explained: "
    "run it again with --shard {shard}, then merge",
    ShardState.AT_WORK: "shard {shard} is at work, and its scans are not in this summary: merge when it ends",
    ShardState.NOT_BEGUN: "shard {shard} was not begun; its scans are not in this summary: "
    "run it with --shard {shard}, then merge",
}


@dataclass(frozen=True)
class ShardPart:
    """One shard as it is found.

    Attributes
    ----------
    shard : Shard
    folder : Path
    state : ShardState
    records : tuple of CaseRecord
        Of its ledger; empty where it was not begun or is at work.
    manifest : dict
        Likewise.
    """

    shard: Shard
    folder: Path
    state: ShardState
    records: tuple[CaseRecord, ...] = ()
    manifest: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """What is to be done about it; empty where it is finished."""
        return _SENTENCES.get(self.state, "").format(shard=self.shard, scans=len(self.records))


def read_parts(output: Path) -> tuple[ShardPart, ...]:
    """Read all shards of a divided batch, those included that were not begun.

    Raises
    ------
    InputNotFoundError
        If there is no shard.
    ConfigurationError
        If they were made with different settings, models or versions, or the scans were divided twice.
    OutputExistsError
        If a folder among them is no shard's.
    OutputError
        If one cannot be read.
    """
    found = shards_in(output)
    if not found:
        raise InputNotFoundError(
            "there are no shards to merge",
            case=str(output / SHARDS),
            remedy="Name the folder that was given to lesionseg batch --shard as --output",
        )
    divisions = sorted({shard.of for shard in found})
    if len(divisions) > 1:
        raise ConfigurationError(
            "the scans are divided in several ways",
            case=str(output / SHARDS),
            expected="shards of one division",
            found=", ".join(f"shards of {number}" for number in divisions),
            remedy="Move those of the division that is not wanted away",
        )
    parts = tuple(_read(output, Shard(number, divisions[0])) for number in range(1, divisions[0] + 1))
    _refuse_mixture(parts)
    return parts


def _read(output: Path, shard: Shard) -> ShardPart:
    folder = output / SHARDS / shard.folder_name
    if not (folder / MANIFEST).is_file():
        return ShardPart(shard, folder, ShardState.NOT_BEGUN)
    try:
        with own_folder(folder):  # so that its ledger and its manifest are of one moment
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            records = _records(folder / LEDGER)
    except BusyFolderError:
        return ShardPart(shard, folder, ShardState.AT_WORK)
    if manifest.get("shard", {}).get("of") != shard.of or manifest["shard"]["number"] != shard.number:
        raise OutputExistsError(
            "the folder holds a batch that is not this shard",
            case=str(folder),
            expected=f"shard {shard}",
            remedy="Move it away and run the shard",
        )
    waiting = any(record.state in (State.PENDING, State.RUNNING) for record in records)
    state = ShardState.FINISHED if manifest["finished"] and not waiting else ShardState.UNFINISHED
    return ShardPart(shard, folder, state, records, manifest)


def _records(path: Path) -> tuple[CaseRecord, ...]:
    if not path.is_file():
        return ()
    with Ledger(path) as ledger:
        return ledger.records()


def _refuse_mixture(parts: Sequence[ShardPart]) -> None:
    """Figures of different models or settings must not stand in one table unseen."""
    made: dict[str, list[Shard]] = {}
    for part in parts:
        if part.manifest:
            made.setdefault(json.dumps(_made_with(part.manifest), sort_keys=True), []).append(part.shard)
    if len(made) > 1:
        groups = sorted(made.values(), key=len)
        raise ConfigurationError(
            "the shards were not made with the same model, settings and version",
            case=str(parts[0].folder.parent),
            found="; ".join(", ".join(map(str, group)) for group in groups) + " differ",
            remedy="Run again the shards that were made with others than wanted; see their manifest.json",
        )


def _made_with(manifest: Mapping[str, Any]) -> dict[str, Any]:
    settings = json.loads(json.dumps(manifest["settings"]))
    for name in _NOT_COMPARED:
        settings["case"]["segmenter"].pop(name, None)
    return {"lesionseg": manifest["lesionseg"], "settings": settings, "model": manifest["model"]}
