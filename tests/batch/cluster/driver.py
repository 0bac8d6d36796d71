"""A batch on a Ray cluster as a process of its own: ``python -m tests.batch.cluster.driver FILE``.

FILE is JSON: scans, folder, address of the cluster, and a bundle, or none for a rule that can be told to die.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lesionseg.batch.cluster import ClusterSettings, RayEngine
from lesionseg.batch.request import BatchRequest, BatchSettings
from lesionseg.batch.run import BatchWatch, run_batch
from lesionseg.cli.batch_screen import stop_on_signal, watching
from lesionseg.segmentation import Progress, Segmenter
from lesionseg.volume import CTVolume, LabelMap
from lesionseg.workflow.request import CaseSettings, SegmenterSettings
from tests.workflow.builders import RuleSegmenter


@dataclass
class DeadlySegmenter(RuleSegmenter):
    """Takes its time, and ends the process on scans named by their series, as often as told."""

    seconds: float = 0.0
    deaths: dict[str, int] = field(default_factory=dict)
    fails: str = ""
    control: str = ""

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Arrive in a worker, where pictures need not be drawn: they have tests of their own."""
        import lesionseg.reports.overview as overview

        overview.draw_overview = lambda *parts, **_: parts[3].write_bytes(b"picture")
        self.__dict__.update(state)

    def segment(self, volume: CTVolume, *, progress: Progress | None = None) -> LabelMap:
        time.sleep(self.seconds)
        for series, times in self.deaths.items():
            for number in range(times if series == volume.name else 0):
                marker = Path(self.control, f"{series} {number}")
                if not marker.exists():
                    marker.touch()
                    os._exit(1)
        if self.fails == volume.name:
            raise ValueError("odd")
        return super().segment(volume, progress=progress)


def main(path: Path) -> int:
    content = json.loads(path.read_text())
    how = SegmenterSettings(model=content["bundle"], device="cpu", runtime="torch", threads=1)
    settings = BatchSettings(CaseSettings(segmenter=how, minimum_lung_ml=0.0))
    segmenter: Segmenter = DeadlySegmenter(**content["rule"])
    if content["bundle"]:
        from lesionseg.workflow.segmenting import DeferredSegmenter

        segmenter = DeferredSegmenter.from_settings(how)
    engine = RayEngine(ClusterSettings(content["address"], cpus_per_worker=1)) if content["address"] else None
    with stop_on_signal() as stop, watching(quiet=False, log_json=True) as observer:
        result = run_batch(
            BatchRequest((Path(content["scans"]),), Path(content["out"])),
            segmenter,
            settings=settings,
            watch=BatchWatch(stop.noting(observer), stop.asked),
            engine=engine,
        )
    return 130 if result.stopped else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
