"""What is asked of a batch, what its folder holds, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lesionseg.batch.records import CaseRecord, State
from lesionseg.batch.shards import Shard
from lesionseg.core.errors import ConfigurationError
from lesionseg.workflow.export.request import ExportSettings
from lesionseg.workflow.output import OwnOutput
from lesionseg.workflow.request import MANIFEST, CaseSettings

if TYPE_CHECKING:
    from lesionseg.batch.sources import StudySource

CASES, LEDGER = "cases", "ledger.sqlite"
PULLED = "pulled"
"""Folder of studies that were fetched and are not done yet."""
SUMMARY_CSV, SUMMARY_PARQUET, INDEX = "summary.csv", "summary.parquet", "index.html"
LEDGER_FILES = (LEDGER, f"{LEDGER}-wal", f"{LEDGER}-shm")
BATCH_FILES = (CASES, PULLED, *LEDGER_FILES, SUMMARY_CSV, SUMMARY_PARQUET, INDEX, MANIFEST)
"""All that a batch's folder may hold."""
BATCH_FORMAT = "lesionseg-batch/1"
BATCH_OUTPUT = OwnOutput(BATCH_FILES, MANIFEST, BATCH_FORMAT)


@dataclass(frozen=True)
class BatchRequest:
    """Which scans, and where their results go.

    Attributes
    ----------
    inputs : tuple of Path
        Folders of studies, DICOM files, volume files, tables of scans.
    output : Path
        New, empty, or an earlier batch, which is then gone on with.
    sources : tuple of StudySource
        Studies that are fetched from elsewhere, after those of the inputs.
    shard : Shard or None
        The share of the scans to take; all by default. The output is then this shard's own folder.
    """

    inputs: tuple[Path, ...]
    output: Path
    sources: tuple[StudySource, ...] = ()
    shard: Shard | None = None


@dataclass(frozen=True)
class BatchSettings:
    """How a batch is run.

    Attributes
    ----------
    case : CaseSettings
        Of every scan.
    repairs : tuple of str
        Repairs that may be done to DICOM scans (``tilt``, ``duplicates``).
    export : ExportSettings or None
        Formats to write into every case, as far as it allows them; None: no export.
    pages : bool
        Write a page with a viewer into every case.
    readers : int
        Scans that are decoded at the same time.
    scans_in_memory : int
        Scans between decoding and disk, at most; what bounds the memory.

    Raises
    ------
    ConfigurationError
        If a number is not positive.
    """

    case: CaseSettings = field(default_factory=CaseSettings)
    repairs: tuple[str, ...] = ()
    export: ExportSettings | None = None
    pages: bool = False
    readers: int = 1
    scans_in_memory: int = 3

    def __post_init__(self) -> None:
        if min(self.readers, self.scans_in_memory) < 1:
            raise ConfigurationError(
                "a batch needs at least one reader and one scan in memory",
                found=f"readers {self.readers}, scans in memory {self.scans_in_memory}",
            )


@dataclass(frozen=True)
class BatchResult:
    """What a batch leaves behind.

    Attributes
    ----------
    folder : Path
    records : tuple of CaseRecord
        Every case of the ledger, by name; also those of earlier calls with other inputs.
    manifest : dict
        As written.
    stopped : bool
        Somebody asked to stop before the end.
    """

    folder: Path
    records: tuple[CaseRecord, ...]
    manifest: dict[str, Any]
    stopped: bool = False

    @property
    def complete(self) -> bool:
        """Whether every case is done."""
        return all(record.state is State.DONE for record in self.records)
