"""The log of a training: one CSV row of figures every few steps."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from lesionseg.core.files import write_text

LOG_NAME = "log.csv"
LOG_COLUMNS = ("step", "loss", "cross_entropy", "dice_lung", "dice_lesion", "dice_solid", "learning_rate")


def append_row(folder: Path, row: Mapping[str, float]) -> None:
    """Add a row to the folder's log; a new log begins with the column names."""
    path = folder / LOG_NAME
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, LOG_COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow({name: f"{row[name]:.6g}" for name in LOG_COLUMNS})


def trim_log(folder: Path, last_step: int) -> None:
    """Drop rows beyond `last_step` and rows cut short: a broken run wrote them, and they come again."""
    path = folder / LOG_NAME
    if not path.exists():
        return
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines[1:] if _is_row_until(line.split(","), last_step)]
    if len(kept) < len(lines) - 1:
        write_text(path, "\n".join([",".join(LOG_COLUMNS), *kept, ""]))


def _is_row_until(cells: list[str], last_step: int) -> bool:
    return len(cells) == len(LOG_COLUMNS) and all(cells) and float(cells[0]) <= last_step
