"""The segmenter of the listener: one case and its export, with the model kept between studies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lesionseg.core.errors import ExportError
from lesionseg.pacs.listener.settings import Format
from lesionseg.pacs.listener.study import Checkpoint, StudyTask
from lesionseg.segmentation import Segmenter
from lesionseg.workflow.case import segment_case
from lesionseg.workflow.export.case_folder import from_result
from lesionseg.workflow.export.names import EXPORT_FOLDER
from lesionseg.workflow.export.run import export_results
from lesionseg.workflow.request import CaseRequest, CaseSettings, Watch

CASE: Final = "case"


@dataclass(frozen=True)
class CaseSegmenter:
    """A `SegmentStudy` that measures a study as ``lesionseg segment`` does.

    Attributes
    ----------
    segmenter : Segmenter
    settings : CaseSettings
        With which it was opened.
    formats : tuple of str
        Those to send; all others are made too, and stay beside them.
    """

    segmenter: Segmenter
    settings: CaseSettings
    formats: tuple[Format, ...]

    def __call__(self, task: StudyTask, checkpoint: Checkpoint) -> Sequence[Path]:
        """Write the case and its export, each whole or not at all. Raises as `segment_case` does."""

        def report(stage: str, done: int, total: int) -> None:
            del stage, done, total
            checkpoint()

        request = CaseRequest(task.input_folder, task.output_folder / CASE, label=task.study_uid)
        result = segment_case(request, self.segmenter, settings=self.settings, watch=Watch(progress=report))
        checkpoint()
        exported = export_results(from_result(result), result.folder / EXPORT_FOLDER)
        files = [path for name in self.formats for path in exported.files.get(name, ())]
        if not files:
            raise ExportError(
                "nothing of this case can be sent",
                case=task.study_uid,
                expected=", ".join(self.formats),
                found="; ".join(part.text for part in exported.left_out),
            )
        return files
