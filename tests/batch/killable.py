"""A batch as a process of its own, which the tests kill: ``python -m tests.batch.killable FILE``.

FILE is JSON: scans, folder, seconds that each scan takes longer, and a bundle, or none for a rule instead.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from lesionseg.batch.request import BatchRequest, BatchSettings
from lesionseg.batch.run import BatchWatch, run_batch
from lesionseg.cli.batch_screen import stop_on_signal, watching
from lesionseg.segmentation import Progress, Segmenter
from lesionseg.volume import CTVolume, LabelMap
from lesionseg.workflow.request import CaseSettings, SegmenterSettings
from tests.workflow.builders import RuleSegmenter


@dataclass
class SlowSegmenter(RuleSegmenter):
    seconds: float = 0.0

    def segment(self, volume: CTVolume, *, progress: Progress | None = None) -> LabelMap:
        time.sleep(self.seconds)
        return super().segment(volume, progress=progress)


def main(path: Path) -> int:
    content = json.loads(path.read_text())
    how = SegmenterSettings(model=content["bundle"], device="cpu", runtime="torch")
    settings = BatchSettings(CaseSettings(segmenter=how, minimum_lung_ml=0.0))
    segmenter: Segmenter = SlowSegmenter(seconds=content["seconds"])
    if content["bundle"]:
        from lesionseg.workflow.segmenting import DeferredSegmenter

        segmenter = DeferredSegmenter.from_settings(how)
    if not content["pictures"]:
        import lesionseg.reports.overview as overview

        overview.draw_overview = lambda *parts, **_: parts[3].write_bytes(b"picture")
    with stop_on_signal() as stop, watching(quiet=False, log_json=True) as observer:
        result = run_batch(
            BatchRequest((Path(content["scans"]),), Path(content["out"])),
            segmenter,
            settings=settings,
            watch=BatchWatch(stop.noting(observer), stop.asked),
        )
    return 130 if result.stopped else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
