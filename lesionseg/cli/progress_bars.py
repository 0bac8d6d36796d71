"""Progress bars on stderr."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import TaskID

    from lesionseg.workflow.progress import CaseProgress

STAGE_NAMES = {
    "read": "Reading slices",
    "segment": "Segmenting",
    "measure": "Measuring",
    "draw": "Drawing the overview",
    "write": "Writing",
    "demo": "Drawing phantoms",
    "scans": "Scans",
    "pages": "Case pages",
    "patients": "Patient pages",
}


@contextmanager
def progress_bars() -> Iterator[CaseProgress]:
    """Yield a reporter that shows one bar per stage and removes them all in the end."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(STAGE_NAMES.get(stage, stage), total=max(total, 1))
            bars.update(tasks[stage], completed=done, total=max(total, 1))

        yield report
