"""Figures on disk: CSV and JSON of all, one Markdown table of those that a model card shows.

A folder of results grows row by row: what is measured again replaces the old figures of that row and method,
and figures of a bundle that has changed since are dropped.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from lesionseg.core.files import write_text
from scripts.evaluation.figures import Figure

JSON_NAME, CSV_NAME, TABLE_NAME = "figures.json", "figures.csv", "table.md"
SHOWN_CASES = 9
"""Groups of at most this many cases stand in the table case by case."""


def read_earlier(folder: Path) -> tuple[list[Figure], dict[str, Any]]:
    """Figures of earlier runs, and how each row was run; empty where there are none."""
    path = folder / JSON_NAME
    if not path.exists():
        return [], {}
    stored = json.loads(path.read_text(encoding="utf-8"))
    return [Figure(**figure) for figure in stored["figures"]], stored["rows"]


def without_stale(figures: Sequence[Figure], sources: Mapping[str, str]) -> list[Figure]:
    """Figures that were not made by another bundle than the one now behind their method."""
    return [figure for figure in figures if sources.get(figure.method, figure.source) == figure.source]


def merged(earlier: Sequence[Figure], found: Sequence[Figure]) -> list[Figure]:
    """Earlier figures, those of the same rows and methods replaced by `found`; in order of the rows."""
    replaced = {(figure.row, figure.method) for figure in found}
    kept = [figure for figure in earlier if (figure.row, figure.method) not in replaced]
    return sorted([*kept, *found], key=lambda figure: figure.row)


def write(folder: Path, figures: Sequence[Figure], rows: Mapping[str, Any]) -> None:
    """Write all three files, each whole or not at all."""
    stored = {"rows": rows, "figures": [asdict(figure) for figure in figures]}
    write_text(folder / JSON_NAME, json.dumps(stored, indent=1, allow_nan=False) + "\n")
    write_text(folder / CSV_NAME, as_csv(figures))
    write_text(folder / TABLE_NAME, as_table(figures))


def as_csv(figures: Sequence[Figure]) -> str:
    """One line for each figure; missing ends of intervals are empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Figure)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(figure) for figure in figures)
    return text.getvalue()


def as_table(figures: Sequence[Figure]) -> str:
    """Markdown table of the pooled figures, and of single cases where a group has few."""
    sizes = Counter(_group(figure) for figure in figures if figure.case)
    lines = [
        "| row | evidence | method | data | measure | value (95 % interval) | n | note |",
        "|" + "---|" * 8,
    ]
    lines += [_line(figure) for figure in figures if not figure.case or sizes[_group(figure)] <= SHOWN_CASES]
    return "\n".join(lines) + "\n"


def _group(figure: Figure) -> tuple[int, str, str, str]:
    return figure.row, figure.method, figure.data, figure.measure


def _line(figure: Figure) -> str:
    data = f"{figure.data}: {figure.case}" if figure.case else figure.data
    value = f"{figure.value:.3f}"
    if figure.low is not None and figure.high is not None:
        value += f" ({figure.low:.3f} to {figure.high:.3f})"
    cells = (
        figure.row,
        figure.evidence,
        figure.method,
        data,
        figure.measure,
        value,
        figure.count,
        figure.note,
    )
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
