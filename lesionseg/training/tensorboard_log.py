"""The same figures for TensorBoard, where it is installed; the CSV log never depends on it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

ABSENT_NOTE = (
    "TensorBoard is not installed, so the CSV log is written alone (pip install 'lesionseg[training]')"
)


def tensorboard_installed() -> bool:
    """Whether figures can be written for TensorBoard; imports nothing."""
    return util.find_spec("tensorboard") is not None


class TensorboardLog:
    """Writes rows of figures as scalars; opens its file with the first row.

    What a broken run wrote at that step and beyond is thus marked as void.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: SummaryWriter | None = None

    def write(self, step: int, row: Mapping[str, float]) -> None:
        """Add the figures of one step of the whole run."""
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self._folder), purge_step=step)
        for name, value in row.items():
            if name != "step":
                self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Write out what is still in memory."""
        if self._writer is not None:
            self._writer.close()
