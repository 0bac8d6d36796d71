"""Small batches: many tiny scans, segmenters that can be watched, and folders that can be compared."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lesionseg.batch.ledger import Ledger
from lesionseg.batch.records import CaseRecord, State
from lesionseg.batch.request import LEDGER, BatchRequest, BatchResult, BatchSettings
from lesionseg.batch.run import BatchWatch, run_batch
from lesionseg.dicom.write import WriterSettings
from lesionseg.segmentation import Progress, Segmenter
from lesionseg.volume import CTVolume, LabelMap
from tests.support.ct_series import Series, chest_volume, write_series
from tests.workflow.builders import RuleSegmenter

SHAPE = (14, 36, 36)
SPACING_MM = (17.0, 9.5, 9.5)
DATE = "20200401"


def write_scan(root: Path, patient: str, **changes: object) -> Series:
    """Write one scan of a patient into ``root/patient``."""
    values = {"entropy": "batch", "patient_id": patient, "study_date": DATE, **changes}
    volume = chest_volume(SHAPE, SPACING_MM, seed=sum(map(ord, patient)))
    return write_series(root / patient, volume, WriterSettings(**values))  # type: ignore[arg-type]


def write_scans(root: Path, count: int) -> list[Series]:
    return [write_scan(root, f"P{number:03d}") for number in range(1, count + 1)]


def name(patient: str) -> str:
    return f"{patient}_{DATE}"


def batch(
    scans: Path | Sequence[Path],
    out: Path,
    segmenter: Segmenter | None = None,
    settings: BatchSettings | None = None,
    **watch: Any,
) -> BatchResult:
    inputs = (scans,) if isinstance(scans, Path) else tuple(scans)
    return run_batch(
        BatchRequest(inputs, out),
        segmenter or RuleSegmenter(),
        settings=settings,
        watch=BatchWatch(**watch),
    )


def states(result: BatchResult) -> dict[str, str]:
    return {record.case_id: record.state.value for record in result.records}


def record_of(result: BatchResult, case_id: str) -> CaseRecord:
    return next(record for record in result.records if record.case_id == case_id)


def times_done(out: Path) -> dict[str, int]:
    """How often each case came to be done, by the ledger's history."""
    with Ledger(out / LEDGER) as ledger:
        counted = {record.case_id: 0 for record in ledger.records()}
        for line in ledger.history():
            counted[line.case_id] += line.state is State.DONE
    return counted


def without_times(path: Path) -> Any:
    content = json.loads(path.read_text(encoding="utf-8"))
    content.pop("times")
    return content


def fingerprint(out: Path) -> dict[str, Any]:
    """All that a batch wrote: bytes, but for the ledger and for the times in manifests."""
    found: dict[str, Any] = {}
    for path in sorted(out.rglob("*")):
        place = path.relative_to(out).as_posix()
        if not path.is_file() or place.startswith("ledger."):
            continue
        is_manifest = path.name == "manifest.json"
        found[place] = without_times(path) if is_manifest else hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def damage(series: Series) -> None:
    """Cut the pixels of a slice short."""
    path = series.paths[5]
    path.write_bytes(path.read_bytes()[:-600])


@dataclass
class WatchedSegmenter(RuleSegmenter):
    """Can wait, or be told to fail on a scan."""

    hold: threading.Event | None = None
    hold_from: int = 0
    inside: threading.Event = field(default_factory=threading.Event)
    errors: dict[int, BaseException] = field(default_factory=dict)

    def segment(self, volume: CTVolume, *, progress: Progress | None = None) -> LabelMap:
        self.inside.set()
        if self.hold is not None and self.calls >= self.hold_from:
            self.hold.wait(30)
        if error := self.errors.get(self.calls):
            self.calls += 1
            raise error
        return super().segment(volume, progress=progress)
